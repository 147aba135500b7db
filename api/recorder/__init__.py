"""The recorder: writes the history, a projection of the log, to the database."""

# `service` is imported by its name: whoever only reads the tables needs no compiler, which is 140 MB.
