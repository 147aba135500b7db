"""One owner a shard: engines that come, go, hang and die, beside a real Kafka."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.log import Connection
from engine.log.membership import Wish, holders
from engine.ownership import Ownership
from tests.kafka.waiting import until
from tests.market import RunningBroker

pytestmark = pytest.mark.kafka
_TAKEOVER_MAX_S = 10.0
_SESSION_S = 6.0
_ENGINE = """
import asyncio, sys
import structlog
from engine.log import Connection
from engine.ownership import Ownership

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

async def main():
    instance = sys.argv[2] if len(sys.argv) > 2 else None
    async with Ownership(Connection(bootstrap_servers=sys.argv[1]), 0, instance) as ownership:
        while True:
            await ownership.acquired()
            print("owner", flush=True)
            await ownership.lost()
            print("lost", flush=True)

asyncio.run(main())
"""


@asynccontextmanager
async def _other_engine(connection: Connection, *instance: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an owner in a process of its own; it says on its output what it becomes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _ENGINE,
        connection.bootstrap_servers,
        *instance,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _said(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).strip()


def test_who_has_a_partition_keeps_it() -> None:
    wishes = {"new": Wish(0, -1), "holder": Wish(0, 7), "former": Wish(0, 3), "other": Wish(1, -1)}
    assert holders(wishes) == {"holder": 0, "other": 1}
    assert holders({"first": Wish(0, -1), "second": Wish(0, -1)}) == {"first": 0}
    assert holders({}) == {}


async def test_a_newcomer_stands_by_until_the_owner_leaves(connection: Connection) -> None:
    async with Ownership(connection, 0) as second:
        async with Ownership(connection, 0) as first, asyncio.timeout(30):
            # Whoever came first: from now on it must stay so.
            await asyncio.wait(
                [asyncio.create_task(first.acquired()), asyncio.create_task(second.acquired())],
                return_when=asyncio.FIRST_COMPLETED,
            )
            owner, waiting = (first, second) if first.owned else (second, first)
            losing = asyncio.create_task(owner.lost())
            for _ in range(3):
                async with Ownership(connection, 0) as third:
                    await asyncio.sleep(2)
                    assert not third.owned
            assert owner.owned
            assert not waiting.owned
            assert not losing.done(), "the owner went on without interruption"
            losing.cancel()
        left_s = time.monotonic()
        async with asyncio.timeout(30):
            await second.acquired()
        assert time.monotonic() - left_s < 3
        assert not first.owned or owner is first


async def test_engines_of_different_shards_do_not_share_out_each_others(connection: Connection) -> None:
    async with Ownership(connection, 0) as one, Ownership(connection, 1) as other, asyncio.timeout(30):
        await one.acquired()
        await other.acquired()
        assert one.owned


async def test_a_killed_owner_has_a_successor_within_ten_seconds(connection: Connection) -> None:
    async with _other_engine(connection) as first:
        assert await _said(first) == b"owner"
        async with Ownership(connection, 0) as second:
            await asyncio.sleep(2)
            assert not second.owned
            first.kill()
            killed_s = time.monotonic()
            async with asyncio.timeout(30):
                await second.acquired()
            assert time.monotonic() - killed_s < _TAKEOVER_MAX_S


async def test_an_owner_started_again_by_its_name_goes_on_at_once(connection: Connection) -> None:
    async with _other_engine(connection, "first") as first:
        assert await _said(first) == b"owner"
        async with Ownership(connection, 0, "second") as second:
            await asyncio.sleep(2)
            first.kill()
            killed_s = time.monotonic()
            async with _other_engine(connection, "first") as again:
                assert await _said(again) == b"owner"
                assert time.monotonic() - killed_s < _SESSION_S - 1
                await asyncio.sleep(_SESSION_S)  # in which the dead process would be missed
                assert not second.owned
            async with asyncio.timeout(_TAKEOVER_MAX_S):
                await second.acquired()


async def test_of_two_by_the_same_name_the_later_is_the_owner(connection: Connection) -> None:
    """As where a data directory was copied: they do not throw each other out for ever."""
    async with _other_engine(connection, "twin") as first:
        assert await _said(first) == b"owner"
        async with _other_engine(connection, "twin") as second:
            assert await _said(second) == b"owner"
            assert await _said(first) == b"lost"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(_SESSION_S):
                    await _said(second)
        assert await _said(first) == b"owner"


async def test_an_owner_that_hung_learns_that_it_has_a_successor(connection: Connection) -> None:
    async with _other_engine(connection) as first:
        assert await _said(first) == b"owner"
        async with Ownership(connection, 0) as second:
            await asyncio.sleep(2)
            first.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(_TAKEOVER_MAX_S):
                await second.acquired()
            first.send_signal(signal.SIGCONT)
            assert await _said(first) == b"lost"
            assert second.owned
        assert await _said(first) == b"owner"


async def test_a_lone_owner_that_hung_just_goes_on(connection: Connection) -> None:
    async with _other_engine(connection) as first:
        assert await _said(first) == b"owner"
        first.send_signal(signal.SIGSTOP)
        await asyncio.sleep(_SESSION_S + 2)
        first.send_signal(signal.SIGCONT)
        await asyncio.sleep(3)  # in which it joins again
        async with Ownership(connection, 0) as second:
            await asyncio.sleep(3)
            assert not second.owned
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await _said(first)


async def test_a_broker_that_was_killed_changes_nothing(kafka_jars: None, tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    try:
        async with Ownership(broker.connection, 0) as owner:
            await owner.acquired()
            async with Ownership(broker.connection, 0) as second:
                losing = asyncio.create_task(owner.lost())
                await asyncio.to_thread(broker.kill)
                await asyncio.sleep(1)
                assert owner.owned
                await asyncio.to_thread(broker.start)
                await asyncio.sleep(_SESSION_S + 2)
                assert (owner.owned, second.owned, losing.done()) == (True, False, False)
                losing.cancel()
    finally:
        broker.stop()


async def test_a_claim_may_be_made_before_kafka_is_there(kafka_jars: None, tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    try:
        await asyncio.to_thread(broker.stop)
        async with Ownership(broker.connection, 0) as owner:
            await asyncio.sleep(1)
            assert not owner.owned
            await asyncio.to_thread(broker.start)
            await until(lambda: owner.owned, "the shard is owned")
    finally:
        broker.stop()
