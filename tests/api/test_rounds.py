"""Very many listeners: rounds with a pause between, in which nothing is lost, moved or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from api.feed import Feed, Subscription
from api.feed.rounds import PAUSE_US
from api.live.publisher import PUBLIC_LETTERS
from tests.api.feed_listeners import Clock, parsed

_CROWD = 100
_PAUSE_S = _CROWD * PAUSE_US / 1e6


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Hold the loop's clock."""
    return Clock(monkeypatch)


class Listener:
    """What one listener was sent, write by write."""

    def __init__(self, feed: Feed) -> None:
        self.subscription = feed.subscribe(["trades:PETR4"])
        self.begun_behind = str(feed.place)
        self.writes: list[list[int]] = []
        self.ids: list[str] = []
        self.ends: list[str] = []
        self._task = asyncio.create_task(self._read(self.subscription.frames(self.begun_behind)))

    async def _read(self, frames: AsyncIterator[bytes]) -> None:
        async for chunk in frames:
            events = parsed(chunk.decode())
            self.ids += [event.id for event in events]
            self.writes.append([event.data for event in events if event.name == "trade"])
            self.ends += [event.name for event in events if event.name != "trade"]

    async def leave(self, feed: Feed) -> None:
        """Go."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        feed.unsubscribe(self.subscription)


def _feed(listeners: int) -> tuple[Feed, list[Subscription]]:
    feed = Feed(PUBLIC_LETTERS)
    return feed, [feed.subscribe(["trades:PETR4"]) for _ in range(listeners)]


def _trade(feed: Feed, offset: int) -> None:
    feed.add("trades:PETR4", "trade", b"%d" % offset, source="t", offset=offset)
    feed.settle({"t": offset + 1})


async def test_what_comes_in_the_pause_after_a_round_goes_out_in_one_write_when_it_is_over(
    clock: Clock,
) -> None:
    feed, _ = _feed(_CROWD - 1)
    listener = Listener(feed)
    _trade(feed, 0)
    await clock.move(0.0)
    for offset in (1, 2):
        _trade(feed, offset)
        await clock.move(0.4 * _PAUSE_S)
    assert listener.writes == [[0]]
    await clock.move(0.4 * _PAUSE_S)
    assert listener.writes == [[0], [1, 2]]
    # That was a round too: what follows waits in its turn, and after a calm goes out at once.
    _trade(feed, 3)
    await clock.move(0.4 * _PAUSE_S)
    assert len(listener.writes) == 2
    await clock.move(_PAUSE_S)
    await clock.move(_PAUSE_S)
    _trade(feed, 4)
    await clock.move(0.0)
    assert listener.writes == [[0], [1, 2], [3], [4]]
    await listener.leave(feed)


async def test_writes_are_counted_one_for_each_who_is_told() -> None:
    before = _writes()
    feed, _ = _feed(7)
    feed.subscribe(["trades:VALE3"])
    feed.add("trades:PETR4", "trade", b"0", source="t", offset=0)
    _trade(feed, 1)
    assert _writes() == before + 7


async def test_few_listeners_never_wait(clock: Clock) -> None:
    feed, _ = _feed(18)
    listener = Listener(feed)
    for offset in range(5):
        _trade(feed, offset)
        await clock.move(0.0)
    assert listener.writes == [[0], [1], [2], [3], [4]]
    await listener.leave(feed)


async def test_only_those_who_are_told_count(clock: Clock) -> None:
    feed, _ = _feed(0)
    crowd = [feed.subscribe(["trades:VALE3"]) for _ in range(10 * _CROWD)]
    listener = Listener(feed)
    for offset in range(3):
        _trade(feed, offset)
        await clock.move(0.0)
    assert listener.writes == [[0], [1], [2]]
    assert len(crowd) == feed.listeners - 1
    await listener.leave(feed)


async def test_who_comes_in_a_pause_is_told_what_it_did_not_begin_with_and_nobody_is_hurried(
    clock: Clock,
) -> None:
    feed, _ = _feed(_CROWD - 1)
    first = Listener(feed)
    _trade(feed, 0)
    _trade(feed, 1)
    newcomer = Listener(feed)
    await clock.move(0.5 * _PAUSE_S)
    assert first.writes == [[0]]
    _trade(feed, 2)
    last = Listener(feed)
    await clock.move(_PAUSE_S)
    assert (first.writes, newcomer.writes, last.writes) == ([[0], [1, 2]], [[2]], [])
    # Each comes back from where it was: the newcomers with what they began behind, or were told last.
    assert [entry.offset for entry in _missed(feed, newcomer.begun_behind)] == [2]
    assert newcomer.ids == first.ids[2:]
    assert _missed(feed, newcomer.ids[-1]) == _missed(feed, last.begun_behind) == []
    _trade(feed, 3)
    await clock.move(2 * _PAUSE_S)
    assert [listener.writes[-1] for listener in (first, newcomer, last)] == [[3], [3], [3]]
    for listener in (first, newcomer, last):
        await listener.leave(feed)


async def test_who_leaves_in_a_pause_is_sent_nothing_and_the_others_all(clock: Clock) -> None:
    feed, crowd = _feed(_CROWD)
    first, leaver = Listener(feed), Listener(feed)
    _trade(feed, 0)
    await clock.move(0.0)
    _trade(feed, 1)
    await leaver.leave(feed)
    await clock.move(2 * _PAUSE_S)
    assert (first.writes, leaver.writes) == ([[0], [1]], [[0]])
    await first.leave(feed)
    for subscription in crowd:
        feed.unsubscribe(subscription)
    assert feed.listeners == 0


async def test_the_end_does_not_wait_and_comes_behind_what_did(clock: Clock) -> None:
    feed, _ = _feed(_CROWD)
    listener = Listener(feed)
    _trade(feed, 0)
    await clock.move(0.0)
    _trade(feed, 1)
    feed.end_all("server_shutdown", b"{}")
    await clock.move(0.0)
    assert (listener.writes, listener.ends) == ([[0], [1], []], ["server_shutdown"])
    assert listener.ids[-1] == listener.ids[-2]
    feed.unsubscribe(listener.subscription)


async def test_a_feed_that_begins_anew_waits_as_after_any_round(clock: Clock) -> None:
    feed, _ = _feed(_CROWD)
    _trade(feed, 0)
    _trade(feed, 1)
    await clock.move(0.5 * _PAUSE_S)
    # What waits is told before the end, so that the pause begins anew, too.
    feed.start({"t": 0, "b": 0})
    listener = Listener(feed)
    _trade(feed, 0)
    await clock.move(0.75 * _PAUSE_S)
    assert listener.writes == []
    await clock.move(0.5 * _PAUSE_S)
    assert listener.writes == [[0]]
    await listener.leave(feed)


def _writes() -> float:
    value = REGISTRY.get_sample_value("homebroker_api_stream_writes_total")
    assert value is not None
    return value


def _missed(feed: Feed, last_id: str) -> list[object]:
    resumption = feed.since(last_id, ["trades:PETR4"])
    assert resumption is not None
    return list(resumption.entries)
