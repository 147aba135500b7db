"""The exchange: commands in, events out.

`domain` holds the market's words, `wire` turns them into records and back, `book` matches, `shard` is the
market's whole state as a pure function of its log, and `service` runs one shard beside Kafka.
"""
