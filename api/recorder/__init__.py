"""The recorder: writes the history, a projection of the log, to the database."""

from api.recorder.service import run

__all__ = ["run"]
