"""Whether a history is this log's own: by how far it was read, and by the last record that was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from api.recorder.rows import At, Place, checksum
from engine.log import Connection, LogReader
from engine.topics import ASSETS

_READ_TIMEOUT_S = 5.0
_ADVICE = "it is the history of another market. Move it away, or set HOMEBROKER_DATABASE_URL"


class ForeignHistoryError(Exception):
    """The history tells of records that the log does not have: it is of another market."""


def of_partition(offsets: Mapping[str, int], partition: int) -> dict[At, int]:
    """Give offsets by topic as those of a partition."""
    return {(topic, partition): offset for topic, offset in offsets.items()}


def check_ends(next_offsets: Mapping[At, int], ends: Mapping[At, int]) -> None:
    """Raise `ForeignHistoryError` where more was read than a topic has."""
    for at, offset in next_offsets.items():
        if at in ends and offset > ends[at]:
            raise ForeignHistoryError(
                f"The database has read {at[0]} to {offset:,}, but the topic ends at {ends[at]:,}: {_ADVICE}"
            )


async def check_same_log(
    connection: Connection, places: Mapping[At, Place], firsts: Mapping[At, int]
) -> None:
    """Compare the last record that was read of each topic with the one that is there.

    Parameters
    ----------
    places : mapping
        How far the history has read each topic, at most to its end.
    firsts : mapping
        The oldest offset that each topic still has; older ones cannot be compared.

    Raises
    ------
    ForeignHistoryError
        When one is another record.
    LogError, TimeoutError
        When Kafka does not give it.
    """
    wanted = {
        at: place
        for at, place in places.items()
        # A compacted topic may not have the record any more.
        if at[0] != ASSETS and place.checksum is not None and place.next_offset > firsts.get(at, 0)
    }
    if not wanted:
        return
    async with LogReader(connection) as reader, asyncio.timeout(_READ_TIMEOUT_S):
        reader.start({at: place.next_offset - 1 for at, place in wanted.items()})
        while wanted:
            for record in await reader.read(wait_ms=250):
                place = wanted.pop((record.topic, record.partition), None)
                if place is not None and checksum(record.value) != place.checksum:
                    raise ForeignHistoryError(
                        f"Record {place.next_offset - 1:,} of {record.topic} is not what the database has "
                        f"read there: {_ADVICE}"
                    )
