"""What the kernel's rows of events say, as the domain's values: for people, tests and the simulator.

The engine itself sends events out without making these (see `engine.wire.encoding`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from string import Formatter
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from engine.domain import (
    OPEN_STATUSES,
    AccountChanged,
    AssetChanged,
    Event,
    Execution,
    Limits,
    Liquidity,
    OrderType,
    Position,
    SelfTrade,
    Side,
    TimeInForce,
    Trade,
)
from engine.escaping import unescaped
from engine.kernel.layout import (
    ACCOUNT_EVENT,
    ASSET_EVENT,
    EXECUTION_TYPES,
    LIQUIDITIES,
    NONE,
    ORDER_TEXT_BYTES,
    ORDER_TYPES,
    PHASES,
    REASONS,
    SELF_TRADES,
    SIDES,
    STATUSES,
    TEXT_CHUNK_BYTES,
    TIMES_IN_FORCE,
    WORD_BYTES,
    CommandKind,
    EventKind,
    expiry_place,
)
from engine.messages import SENTENCES
from engine.units import decimal_from_units

Array: TypeAlias = npt.NDArray[Any]
Row: TypeAlias = Any  # one row of a record array

_IS_OPEN: Final = np.array([status in OPEN_STATUSES for status in STATUSES])
_MAKER: Final = LIQUIDITIES.index(Liquidity.MAKER)


class EventRows(NamedTuple):
    """Rows of events, and the arrays that they point into; see `engine.kernel.layout`.

    Attributes
    ----------
    events : ndarray
        What happened, in order: EXECUTION rows, or the others that the same bytes may be.
    commands, text : ndarray
        The batch that caused them: COMMAND rows with the market's time in them, and their texts.
    orders, text_chunks, text_next, positions : ndarray
        The market's.
    account_names, account_name_text, asset_names, asset_name_text : ndarray
        Investor ids by account and symbols by asset: NAME rows and the bytes that they speak of.
    """

    events: Array
    commands: Array
    text: Array
    orders: Array
    text_chunks: Array
    text_next: Array
    positions: Array
    account_names: Array
    account_name_text: Array
    asset_names: Array
    asset_name_text: Array


def domain_events(rows: EventRows, changed_asset: Callable[[Row], AssetChanged]) -> list[tuple[int, Event]]:
    """Give what happened, in order.

    Parameters
    ----------
    rows : EventRows
        Whole commands' events.
    changed_asset : callable
        Gives the asset that a row of ASSET_EVENT speaks of, as it was then.

    Returns
    -------
    list of (int, Event)
        The row of the command that caused it, and the event. A trade stands before its two executions;
        rows of one account that follow each other are one change.
    """
    told: list[tuple[int, Event]] = []
    accounts, assets = rows.events.view(ACCOUNT_EVENT), rows.events.view(ASSET_EVENT)
    place = 0
    while place < len(rows.events):
        row = rows.events[place]
        command = int(row["command"])
        last = place
        if row["kind"] == EventKind.ASSET:
            told.append((command, changed_asset(assets[place])))
        elif row["kind"] == EventKind.ACCOUNT:
            last = _last_of_account(accounts, place)
            told.append((command, _account(rows, accounts[place : last + 1])))
        else:
            if row["trade"] != NONE and row["liquidity"] == _MAKER:
                told.append((command, _trade(rows, row, rows.events[place + 1])))
            told.append((command, _execution(rows, row)))
        place = last + 1
    return told


def _last_of_account(account_events: Array, first: int) -> int:
    first_row, last = account_events[first], first
    while last + 1 < len(account_events):
        row = account_events[last + 1]
        if row["kind"] != EventKind.ACCOUNT or any(
            row[name] != first_row[name] for name in ("command", "account")
        ):
            break
        last += 1
    return last


class _Order(NamedTuple):
    """What never changes of an order, or of what a command says of one."""

    order_id: str = ""
    client_order_id: str | None = None
    investor_id: str = ""
    symbol: str = ""
    side: Side | None = None
    type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    stop_price_units: int | None = None
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    expires_at_ms: int | None = None


def _execution(rows: EventRows, row: Row) -> Execution:
    command = rows.commands[row["command"]]
    is_order = row["order"] != NONE
    is_refused_place = not is_order and command["kind"] == CommandKind.PLACE
    order = _order(rows, row["order"]) if is_order else _commanded(rows, command)
    told = row if is_order else command
    return Execution(
        **order._asdict(),
        execution_type=EXECUTION_TYPES[row["execution_type"]],
        status=STATUSES[row["status"]],
        price_units=_unless_0(told["price"]) if is_order or is_refused_place else None,
        quantity=int(told["quantity"]) if is_order or is_refused_place else None,
        filled_quantity=int(row["filled"]) if is_order else 0,
        remaining_quantity=int(remaining_of(row)) if is_order else 0,
        traded_units=int(row["traded"]) if is_order else 0,
        last_price_units=None if row["trade"] == NONE else int(row["last_price"]),
        last_quantity=None if row["trade"] == NONE else int(row["last_quantity"]),
        fee_units=None if row["trade"] == NONE else int(row["detail"]),
        trade_index=None if row["trade"] == NONE else int(row["trade"]),
        liquidity=LIQUIDITIES[row["liquidity"]],
        reason=REASONS[row["reason"]],
        message=_message(rows, row, order, command) if row["message"] else None,
    )


def remaining_of(events: Array | Row) -> Array:
    """Give how many shares of reported orders are open: of one row of EXECUTION, or of each of many."""
    return np.where(_IS_OPEN[events["status"]], events["quantity"] - events["filled"], 0)


def _order(rows: EventRows, number: int) -> _Order:
    order = rows.orders[number]
    position = rows.positions[order["position"]]
    id_length, client_length = int(order["id_length"]), int(order["client_length"])
    has_expiry = TIMES_IN_FORCE[order["time_in_force"]] is TimeInForce.GTD
    expiry_at = expiry_place(id_length + client_length)
    texts, chunk = order["text"].tobytes() + order["text_2"].tobytes(), order["more_text"]
    for _ in range(ORDER_TEXT_BYTES, expiry_at + WORD_BYTES * has_expiry, TEXT_CHUNK_BYTES):
        texts += rows.text_chunks[chunk].tobytes()
        chunk = rows.text_next[chunk]
    client_id = texts[id_length : id_length + client_length]
    expiry = texts[expiry_at : expiry_at + WORD_BYTES]
    return _Order(
        order_id=unescaped(texts[:id_length]),
        client_order_id=unescaped(client_id) if client_id else None,
        investor_id=_name(rows.account_names, rows.account_name_text, position["account"]),
        symbol=_name(rows.asset_names, rows.asset_name_text, position["asset"]),
        side=SIDES[order["side"]],
        type=ORDER_TYPES[order["type"]],
        time_in_force=TIMES_IN_FORCE[order["time_in_force"]],
        stop_price_units=_unless_0(order["stop_price"]),
        display_quantity=_unless_0(order["display_quantity"]),
        post_only=bool(order["post_only"]),
        self_trade=SELF_TRADES[order["self_trade"]],
        expires_at_ms=int.from_bytes(expiry, sys.byteorder) if has_expiry else None,
    )


def _commanded(rows: EventRows, command: Row) -> _Order:
    texts = command_texts(rows, command)
    order = _Order(order_id=texts.order_id, investor_id=texts.investor_id, symbol=texts.symbol)
    if command["kind"] != CommandKind.PLACE:
        return order
    return order._replace(
        client_order_id=texts.client_order_id or None,
        side=SIDES[command["side"]],
        type=ORDER_TYPES[command["type"]],
        time_in_force=TIMES_IN_FORCE[command["time_in_force"]],
        stop_price_units=_unless_0(command["stop_price"]),
        display_quantity=_unless_0(command["display_quantity"]),
        post_only=bool(command["flag"]),
        self_trade=SELF_TRADES[command["self_trade"]],
        expires_at_ms=max(0, int(command["expires_at_ms"])) if command["expires_at_ms"] else None,
    )


class CommandTexts(NamedTuple):
    """A command's texts; empty where it has none."""

    order_id: str
    client_order_id: str
    investor_id: str
    symbol: str
    message: str


def command_texts(rows: EventRows, command: Row) -> CommandTexts:
    """Give the texts of one of the rows' commands."""
    parts, start = [], int(command["text"])
    for name in ("id_length", "client_length", "investor_length", "symbol_length", "message_length"):
        end = start + int(command[name])
        parts.append(unescaped(rows.text[start:end].tobytes()))
        start = end
    return CommandTexts(*parts)


def _message(rows: EventRows, row: Row, order: _Order, command: Row) -> str:
    detail, last_price = int(row["detail"]), int(row["last_price"])
    fields: dict[str, Callable[[], object]] = {
        "symbol": lambda: order.symbol,
        "order_id": lambda: order.order_id,
        "investor_id": lambda: order.investor_id,
        "type": lambda: order.type or ORDER_TYPES[command["type"]],
        "phase": lambda: PHASES[detail],
        "price": lambda: decimal_from_units(last_price),
        "detail": lambda: decimal_from_units(detail),
        "count": lambda: last_price,
        "number": lambda: detail,
        "text": lambda: command_texts(rows, command).message,
    }
    return "".join(
        text + (str(fields[field]()) if field else "")
        for text, field, _, _ in Formatter().parse(SENTENCES[row["message"]].template)
    )


def _trade(rows: EventRows, maker_row: Row, taker_row: Row) -> Trade:
    maker, taker = _order(rows, maker_row["order"]), _order(rows, taker_row["order"])
    buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
    assert taker.side is not None, "an order has a side"
    return Trade(
        symbol=taker.symbol,
        price_units=int(taker_row["last_price"]),
        quantity=int(taker_row["last_quantity"]),
        buyer_id=buyer.investor_id,
        seller_id=seller.investor_id,
        buy_order_id=buyer.order_id,
        sell_order_id=seller.order_id,
        taker_side=taker.side,
    )


def _account(rows: EventRows, changes: Array) -> AccountChanged:
    command = rows.commands[changes[0]["command"]]
    kind = command["kind"] if command["account"] == changes[0]["account"] else NONE
    return AccountChanged(
        investor_id=_name(rows.account_names, rows.account_name_text, changes[0]["account"]),
        cash_units=int(changes[0]["cash"]),
        held_cash_units=int(changes[0]["held_cash"]),
        positions=tuple(
            Position(
                symbol=_name(
                    rows.asset_names, rows.asset_name_text, rows.positions[change["position"]]["asset"]
                ),
                quantity=int(change["quantity"]),
                held_quantity=int(change["held_quantity"]),
                cost_units=int(change["cost"]),
                realized_profit_units=int(change["realized_profit"]),
            )
            for change in changes
            if change["position"] != NONE
        ),
        limits=_limits(command) if kind == CommandKind.SET_LIMITS else None,
        trading_disabled=bool(command["flag"]) if kind == CommandKind.KILL_SWITCH else None,
    )


def _limits(command: Row) -> Limits:
    return Limits(
        order_value_max_units=_unless_0(command["price"]),
        open_orders_max=_unless_0(command["quantity"]),
        orders_per_second_max=_unless_0(command["display_quantity"]),
    )


def _name(names: Array, text: Array, row: int) -> str:
    start = int(names[row]["start"])
    return unescaped(text[start : start + int(names[row]["length"])].tobytes())


def _unless_0(number: Any) -> int | None:
    return int(number) or None
