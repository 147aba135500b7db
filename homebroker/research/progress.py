"""A bar for reads that take a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

from tqdm import tqdm

_SHOWN_AFTER_S = 1.5


class Progress:
    """Shows how many records of a topic are read, once that takes longer than a moment."""

    def __init__(self, topic: str, *, shown: bool) -> None:
        self._topic = topic
        self._shown = shown
        self._bar: tqdm[Never] | None = None

    @contextmanager
    def of(self, total: int) -> Iterator[None]:
        """Show a bar of so many records, in the context."""
        with tqdm(
            total=total,
            desc=self._topic,
            unit=" records",
            unit_scale=True,
            delay=_SHOWN_AFTER_S,
            leave=False,
            disable=not self._shown,
        ) as self._bar:
            yield

    def done(self, records: int) -> None:
        """Count records as read."""
        if self._bar is not None:
            self._bar.update(records)
