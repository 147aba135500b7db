"""What an event's id says.

It is a position in the log: for each topic that the feed tells of, the offset of the next record, as in
`t12.b5`, which means the same to every server of one market. State that follows from records (a candle, a
ticker) is told once a batch, and batches differ from server to server. So an id says more, as in
`t12.b5.9-3fa8-77`: before which offset of the first topic all state had been told; and for the server that
wrote it, its token and the event's number there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

_UNFINISHED = ".s"

Position: TypeAlias = Mapping[str, int]
"""The offset of the next record, by the letter of its topic."""


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """A place in a feed; without a `token` only its position means something."""

    position: Position
    told: int
    token: str | None = None
    number: int = 0

    def __str__(self) -> str:
        position = ".".join(f"{letter}{offset}" for letter, offset in self.position.items())
        server = f"-{self.token}-{self.number}" if self.token else ""
        return f"{position}.{self.told}{server}"


class PlaceReader:
    """Reads ids of a feed of some topics."""

    def __init__(self, letters: str) -> None:
        self._letters = letters
        position = r"\.".join(rf"{letter}(\d{{1,18}})" for letter in letters)
        self._pattern = re.compile(
            position + r"\.(?P<told>\d{1,18})(?:-(?P<token>[0-9a-f]{4})-(?P<number>\d{1,18}))?", re.ASCII
        )

    def read(self, event_id: str) -> Place | None:
        """Read an id; None when it is none."""
        found = self._pattern.fullmatch(event_id)
        if found is None:
            return None
        return Place(
            position={letter: int(found[place]) for place, letter in enumerate(self._letters, start=1)},
            told=int(found["told"]),
            token=found["token"],
            number=int(found["number"] or 0),
        )


def unfinished(event_id: str) -> str:
    """Make the id of an event after which the opening of a stream goes on."""
    return event_id + _UNFINISHED


def is_unfinished(event_id: str) -> bool:
    """Tell whether a listener was cut off before it had all that its stream opens with."""
    return event_id.endswith(_UNFINISHED)
