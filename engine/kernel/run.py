"""The kernel: commands in, events out, in the log's order."""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel import stages
from engine.kernel.account_commands import open_account, set_limits, transfer, turn_kill_switch
from engine.kernel.auction import uncross
from engine.kernel.auction_orders import call_in
from engine.kernel.commands import (
    amend,
    begin_cancel_all,
    begin_phase,
    cancel,
    cancel_order,
    list_asset,
    place,
    refuse,
    set_phase,
)
from engine.kernel.compile import compiled, inlined, rarely
from engine.kernel.events import report, report_account, report_refusal
from engine.kernel.foresight import foresee
from engine.kernel.ids import supply_next_table
from engine.kernel.ladder import key_of
from engine.kernel.layout import ANY_ASSET, EVENTS_SOFT_MAX, LADDERS_PER_ASSET, NONE, CommandKind, Ladder
from engine.kernel.market import market_of
from engine.kernel.matching import expire_resting, match
from engine.kernel.memory import Array
from engine.kernel.orders import day_of, has_room_in_book, unrest
from engine.kernel.queues import dequeue, expiries
from engine.kernel.words import CONTINUOUS, DID_TRIGGER, NEW, STOP_LIMIT
from engine.messages import Message

_PLACE = int(CommandKind.PLACE)
_CANCEL = int(CommandKind.CANCEL)
_CANCEL_ALL = int(CommandKind.CANCEL_ALL)
_AMEND = int(CommandKind.AMEND)
_LIST_ASSET = int(CommandKind.LIST_ASSET)
_OPEN_ACCOUNT = int(CommandKind.OPEN_ACCOUNT)
_DEPOSIT = int(CommandKind.DEPOSIT)
_WITHDRAW = int(CommandKind.WITHDRAW)
_SET_PHASE = int(CommandKind.SET_PHASE)
_SET_LIMITS = int(CommandKind.SET_LIMITS)
_KILL_SWITCH = int(CommandKind.KILL_SWITCH)
_BUY_STOPS = int(Ladder.BUY_STOPS)
_SELL_STOPS = int(Ladder.SELL_STOPS)
_NO_MESSAGE = int(Message.NONE)
_TRADING_DISABLED = int(Message.TRADING_DISABLED)
_AUCTION_OVER = int(Message.AUCTION_OVER)
_MARKET_FULL = int(Message.MARKET_FULL)
# What one call may leave for book records: each event changes at most two levels.
_CHANGES_SPARE: Final = 4 * EVENTS_SOFT_MAX


@compiled
def run(header: Array, first: int, last: int) -> int:
    """Run commands against the shard and write what happened.

    Parameters
    ----------
    header : ndarray
        The shard's header, shape (HEADER_WORDS,) int64, through which its arrays and the batch are reached.
        All of them change: events are written from row 0 on, and a command's `time_ms` becomes the market's
        time at it.
    first : int
        The first command to run; the one under way, after a call that stopped in its middle.
    last : int
        The row behind the last command to run.

    Returns
    -------
    int
        The row behind the last command that is done. Less than `last` when the events have filled: take them
        and call again, from there.
    """
    market = market_of(header)
    words = market.header
    words[h.EVENTS] = 0
    supply_next_table(market)
    command = first
    if words[h.CHANGED_LEVELS] + _CHANGES_SPARE > len(market.changed_levels):
        return first
    stage = words[h.STAGE]
    while command < last:
        # The usual stages in their order, each with a branch of its own: one chain of branches, gone through
        # again for each stage, is foreseen less well and made all of it 7% slower.
        at = stage
        if stage == stages.BEGIN:
            stage = _begin(market, command)
        if stage == stages.EXECUTE:
            at, stage = stage, _execute(market, command)
        if stage == stages.MATCH:
            at = stage
            stage = stages.ELECT if match(market, words[h.TAKER], command) else stages.NO_ROOM
        if stage == stages.ELECT:
            at, stage = stage, _elect(market, command)
        if stage == stages.TELL:
            at, stage = stage, _tell_accounts(market, command)
        if stages.is_rare(stage):
            at, stage = stage, _rare_step(market, command, stage)
        if stage == stages.NO_ROOM:
            stage = at
            break
        if stage == stages.BEGIN:
            command += 1
    words[h.STAGE] = stage
    return command


@rarely
def _rare_step(market: Any, command: int, stage: int) -> int:
    if stage == stages.EXPIRE:
        return stages.EXECUTE if _expire_due(market, command, _NO_MESSAGE) else stages.NO_ROOM
    if stage == stages.CANCEL_EACH:
        return _cancel_each(market, command)
    if stage == stages.CALL_IN:
        return call_in(market, command)
    if stage == stages.UNCROSS:
        done = uncross(market, market.commands[command].asset, command)
        return stages.DISMISS if done else stages.NO_ROOM
    if stage == stages.DISMISS:
        # Those that were called in are due since.
        return stages.SET_PHASE if _expire_due(market, command, _AUCTION_OVER) else stages.NO_ROOM
    return set_phase(market, command)


@inlined
def _begin(market: Any, command: int) -> int:
    words = market.header
    if words[h.EVENTS] > EVENTS_SOFT_MAX:
        return stages.NO_ROOM
    foresee(market, command)
    row = market.commands[command]
    words[h.OFFSET] = row.offset
    if row.time_ms > words[h.TIME_MS]:
        words[h.TIME_MS] = row.time_ms
        day = day_of(row.time_ms)
        if day > words[h.DAY]:
            words[h.ENDED_YESTERDAY] = words[h.ENDED_TODAY] if day == words[h.DAY] + 1 else 0
            words[h.ENDED_TODAY] = 0
            words[h.DAY] = day
    elif row.time_ms < words[h.TIME_MS]:
        row.time_ms = words[h.TIME_MS]
    words[h.TRADES] = 0
    words[h.TOUCHED_FIRST] = NONE
    words[h.TOUCHED_LAST] = NONE
    words[h.TOLD_POSITION] = NONE
    words[h.ELECT_ASSET] = NONE
    words[h.SAY_PRICE] = 0
    words[h.SAY_DETAIL] = 0
    soonest = market.ladders[expiries(market)].first
    if soonest != NONE and market.levels[soonest].key <= words[h.TIME_MS]:
        return stages.EXPIRE
    return stages.EXECUTE


@rarely
def _expire_due(market: Any, command: int, message: int) -> bool:
    words = market.header
    which = expiries(market)
    while True:
        level = market.ladders[which].first
        if level == NONE or market.levels[level].key > words[h.TIME_MS]:
            return True
        if words[h.EVENTS] > EVENTS_SOFT_MAX:
            return False
        expire_resting(market, market.levels[level].head, message, command)


@inlined
def _execute(market: Any, command: int) -> int:
    kind = market.commands[command].kind
    if kind == _PLACE:
        return place(market, command)
    if kind == _CANCEL:
        return cancel(market, command)
    if kind == _AMEND:
        return amend(market, command)
    return _execute_rare(market, command)


@rarely
def _execute_rare(market: Any, command: int) -> int:
    kind = market.commands[command].kind
    if kind == _CANCEL_ALL:
        return begin_cancel_all(market, command)
    if kind == _SET_PHASE:
        return begin_phase(market, command)
    if kind == _LIST_ASSET:
        return list_asset(market, command)
    if kind == _OPEN_ACCOUNT:
        return open_account(market, command)
    if kind == _DEPOSIT or kind == _WITHDRAW:
        return transfer(market, command)
    if kind == _SET_LIMITS:
        return set_limits(market, command)
    if kind == _KILL_SWITCH:
        return turn_kill_switch(market, command)
    return refuse(market, command, Message.MALFORMED.value)


@rarely
def _cancel_each(market: Any, command: int) -> int:
    words = market.header
    asset = market.commands[command].asset
    is_asked = market.commands[command].kind == _CANCEL_ALL
    message = _NO_MESSAGE if is_asked else _TRADING_DISABLED
    while words[h.CANCEL_NEXT] != NONE:
        if words[h.EVENTS] > EVENTS_SOFT_MAX:
            return stages.NO_ROOM
        order = words[h.CANCEL_NEXT]
        words[h.CANCEL_NEXT] = market.orders[order].account_next
        if asset == ANY_ASSET or market.positions[market.orders[order].position].asset == asset:
            cancel_order(market, command, order, message)
            words[h.CANCELED] += 1
    if is_asked and words[h.CANCELED] == 0:
        report_refusal(market, command, NONE, Message.NOTHING_TO_CANCEL.value)
    return stages.TELL


@inlined
def _elect(market: Any, command: int) -> int:
    words = market.header
    asset = words[h.ELECT_ASSET]
    if asset == NONE:
        return stages.TELL
    first = LADDERS_PER_ASSET * asset
    if (
        market.ladders[first + _BUY_STOPS].first == NONE
        and market.ladders[first + _SELL_STOPS].first == NONE
        and words[h.ELECTED_FIRST] == NONE
    ):
        return stages.TELL
    return _trigger_next(market, command, asset)


@rarely
def _trigger_next(market: Any, command: int, asset: int) -> int:
    words = market.header
    row = market.assets[asset]
    if row.phase == CONTINUOUS and row.last_price != 0:
        last_key = key_of(market, asset, row.last_price)
        _elect_due(market, LADDERS_PER_ASSET * asset + _BUY_STOPS, 0, last_key)
        _elect_due(market, LADDERS_PER_ASSET * asset + _SELL_STOPS, last_key, 1 << 62)
    order = words[h.ELECTED_FIRST]
    if order == NONE:
        return stages.TELL
    if words[h.EVENTS] > EVENTS_SOFT_MAX:
        return stages.NO_ROOM
    words[h.ELECTED_FIRST] = market.orders[order].next
    if words[h.ELECTED_FIRST] == NONE:
        words[h.ELECTED_LAST] = NONE
    # Those of one stop price wait on one level, and may rest on as many as they are.
    if market.orders[order].type == STOP_LIMIT and not has_room_in_book(market):
        expire_resting(market, order, _MARKET_FULL, command)
        return stages.ELECT
    unrest(market, order, command)
    market.orders[order].status = NEW
    report(market, command, order, DID_TRIGGER, _NO_MESSAGE)
    words[h.TAKER] = order
    return stages.MATCH


@rarely
def _elect_due(market: Any, which: int, lowest_key: int, highest_key: int) -> None:
    words = market.header
    while True:
        level = market.ladders[which].first
        if level == NONE or not lowest_key <= market.levels[level].key <= highest_key:
            return
        order = market.levels[level].head
        dequeue(market, which, order)
        market.orders[order].next = NONE
        if words[h.ELECTED_LAST] == NONE:
            words[h.ELECTED_FIRST] = order
        else:
            market.orders[words[h.ELECTED_LAST]].next = order
        words[h.ELECTED_LAST] = order


@inlined
def _tell_accounts(market: Any, command: int) -> int:
    words = market.header
    room = len(market.events)
    account = words[h.TOUCHED_FIRST]
    while account != NONE:
        row = market.accounts[account]
        position = words[h.TOLD_POSITION]
        if position == NONE:
            position = row.first_touched_position
        while True:
            if words[h.EVENTS] == room:
                words[h.TOUCHED_FIRST] = account
                words[h.TOLD_POSITION] = position
                return stages.NO_ROOM
            report_account(market, command, account, position)
            if position == NONE:
                break
            position = market.positions[position].next_touched
            if position == NONE:
                break
        words[h.TOLD_POSITION] = NONE
        account = row.next_touched
    return stages.BEGIN
