"""What a researcher is told when the market cannot be read."""

from __future__ import annotations

from engine.log import Connection


class NoMarketError(RuntimeError):
    """No market answers where the settings say that there is one."""

    @classmethod
    def at(cls, connection: Connection, why: str) -> NoMarketError:
        """Say where nothing was found, why, and what to do."""
        return cls(
            f"No market at {connection.bootstrap_servers}: {why}. Start one with `make run`, or name another "
            "Kafka in the environment variable HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS."
        )


class UnreadableRecordError(RuntimeError):
    """A topic of the engine's holds a record that no engine wrote."""

    def __init__(self, topic: str, offset: int, why: str) -> None:
        super().__init__(f"The record at offset {offset} of {topic} is not one of the engine's: {why}.")


class CutLogError(RuntimeError):
    """The log of orders no longer begins at its beginning."""

    def __init__(self, first: int) -> None:
        super().__init__(
            f"The topic orders begins at offset {first}: its oldest commands were deleted, "
            "so it cannot be run again. Set retention.ms=-1 on it and begin with empty topics."
        )


class HistoryError(RuntimeError):
    """The recorder's database cannot give what was asked for; the sentence says why and what to do."""
