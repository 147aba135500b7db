"""Which engine owns a shard: the one that the consumer group of engines gave its partition to.

A second engine stands by and takes over when the owner leaves, or has not been heard of for six seconds. One
that is started again in its dead owner's place, by the same name, takes over at once. An owner that was cut
off for longer may go on for a moment beside its successor; both write the same records (decision 4 of the
design), so that is a waste and no harm.
"""

from __future__ import annotations

import asyncio
from typing import Self

import structlog

from engine.log import Connection, end_tasks
from engine.log.membership import Membership
from engine.topics import ORDERS

GROUP = "homebroker-engine"

_log = structlog.get_logger("engine")


class Ownership:
    """Claims a shard for as long as its context lasts.

    Entering never waits for Kafka, and nothing that Kafka does ends the claim: while the group cannot be
    reached, whoever owned the shard goes on owning it. So one ownership serves for the life of a process,
    around what begins anew when the log breaks off.

        async with Ownership(connection, 0) as ownership:
            await ownership.acquired()
            ...
            await ownership.lost()

    Parameters
    ----------
    number : int
        The shard: a partition of `orders`.
    instance : str, optional
        A name that no other living engine has. An engine started in the place of one that died has the same
        name, and need not wait until the dead one is missed.
    """

    def __init__(self, connection: Connection, number: int, instance: str | None = None) -> None:
        self._number = number
        name = f"{instance}-{number}" if instance else None
        self._membership = Membership(connection, GROUP, ORDERS, number, self._given, instance=name)
        self._acquired = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()
        self._heard = False
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._membership.keep())
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._keeping is not None, "the context was entered"
        await end_tasks(self._keeping)
        await self._membership.leave()

    @property
    def owned(self) -> bool:
        """Whether this process owns the shard, as far as it knows."""
        return self._acquired.is_set()

    @property
    def stands_by(self) -> bool:
        """Whether another engine owns the shard, as Kafka last said."""
        return self._heard and not self.owned

    async def acquired(self) -> None:
        """Wait until the shard is ours.

        Raises
        ------
        LogError
            When Kafka does not let this process into the group, by its rights or settings.
        """
        await self._until(self._acquired)

    async def lost(self) -> None:
        """Wait until the shard is another's, or nobody's that we know of; raises as `acquired` does."""
        await self._until(self._lost)

    async def _until(self, event: asyncio.Event) -> None:
        assert self._keeping is not None, "the context was entered"
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait([waiting, self._keeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._keeping.done():
            self._keeping.result()

    def _given(self, owned: bool) -> None:
        if owned != self.owned or not self._heard:
            said = "owner of the shard" if owned else "another engine owns the shard; standing by"
            _log.info(said, shard=self._number)
        self._heard = True
        if owned:
            self._acquired.set()
            self._lost.clear()
        else:
            self._lost.set()
            self._acquired.clear()
