"""The JSON values of transactions, execution reports and account records, written by compiled code.

Byte for byte what `records.encode` makes of the structs in `engine.wire.records`.
"""

from __future__ import annotations

from typing import Any, Final

from engine.domain import Side, TimeInForce
from engine.kernel.compile import called
from engine.kernel.layout import NONE, SIDES, TIMES_IN_FORCE, CommandKind
from engine.wire import event_words as words
from engine.wire.event_rows import (
    account_event_at,
    command_at,
    execution_at,
    expiry_of,
    order_at,
    position_at,
    put_investor,
    put_order_text,
    put_symbol,
    remaining_of,
)
from engine.wire.event_words import put_word
from engine.wire.json_text import put_average, put_byte, put_count, put_integer, put_money, put_text

_BUY: Final = SIDES.index(Side.BUY)
_GTD: Final = TIMES_IN_FORCE.index(TimeInForce.GTD)
_PLACE: Final = int(CommandKind.PLACE)
_SET_LIMITS: Final = int(CommandKind.SET_LIMITS)
_KILL_SWITCH: Final = int(CommandKind.KILL_SWITCH)


@called
def put_transaction(at: int, sources: Any, maker: int, shard: int, index: int) -> int:
    """Put the transaction of a trade, of whose two rows the maker's is given by its number."""
    event = execution_at(sources.events, maker + 1)
    command = command_at(sources.commands, event.command)
    maker_order = order_at(sources.orders, execution_at(sources.events, maker).order)
    taker_order = order_at(sources.orders, event.order)
    taker_buys = taker_order.side == _BUY
    buyer = taker_order if taker_buys else maker_order
    seller = maker_order if taker_buys else taker_order
    asset = position_at(sources.positions, taker_order.position).asset
    at = _put_transaction_id(put_word(at, words.TRANSACTION), shard, command.offset, index)
    at = put_symbol(put_word(at, words.SYMBOL), sources, asset)
    at = put_money(put_word(at, words.TRADED_AT), event.last_price)
    at = put_count(put_word(at, words.QUANTITY), event.last_quantity)
    account = position_at(sources.positions, buyer.position).account
    at = put_investor(put_word(at, words.BUYER), sources, account)
    account = position_at(sources.positions, seller.position).account
    at = put_investor(put_word(at, words.SELLER), sources, account)
    at = put_order_text(put_word(at, words.BUY_ORDER), sources, buyer, 0, buyer.id_length)
    at = put_order_text(put_word(at, words.SELL_ORDER), sources, seller, 0, seller.id_length)
    at = put_count(put_word(at, words.TAKER_SIDE + taker_order.side), command.time_ms)
    at = put_count(put_word(at, words.TRADE_SHARD), shard)
    at = put_count(put_word(at, words.OFFSET), command.offset)
    return put_word(put_count(put_word(at, words.INDEX), index), words.END)


@called
def put_execution(at: int, sources: Any, number: int, shard: int, index: int) -> int:
    """Put the execution report of a row, given by its number."""
    event = execution_at(sources.events, number)
    command = command_at(sources.commands, event.command)
    at = _put_stamp(at, shard, command, index)
    at = put_word(at, words.EXECUTION_TYPE + event.execution_type)
    at = put_word(at, words.STATUS + event.status)
    at = _put_order(at, sources, event) if event.order != NONE else _put_commanded(at, sources.text, command)
    if event.trade != NONE:
        at = _put_trade(at, event, shard, command.offset)
    if event.liquidity:
        at = put_word(at, words.LIQUIDITY + event.liquidity)
    if event.reason:
        at = put_word(at, words.REASON + event.reason)
    if event.message:
        at = put_word(_put_message(put_word(at, words.MESSAGE), sources, number), words.QUOTE)
    return put_word(at, words.END)


@called
def put_account(at: int, sources: Any, numbers: tuple[int, int], shard: int, index: int) -> int:
    """Put the record of an account's change, told by the rows from a first to before an end."""
    first, end = numbers
    changed = account_event_at(sources.events, first)
    at = _put_stamp(at, shard, command_at(sources.commands, changed.command), index)
    at = put_word(at, words.ACCOUNT)
    at = put_investor(at, sources, changed.account)
    at = put_money(put_word(at, words.CASH), changed.cash)
    at = put_money(put_word(at, words.HELD_CASH), changed.held_cash)
    at = put_word(at, words.POSITIONS)
    opening = words.FIRST_POSITION
    for number in range(first, end):
        row = account_event_at(sources.events, number)
        if row.position != NONE:
            asset = position_at(sources.positions, row.position).asset
            at = put_symbol(put_word(at, opening), sources, asset)
            at = _put_balances(at, row)
            opening = words.NEXT_POSITION
    at = put_word(at, words.END_POSITIONS)
    command = command_at(sources.commands, changed.command)
    if changed.account == command.account:
        at = _put_commanded_limits(at, command)
    return put_word(at, words.END)


@called
def _put_commanded_limits(at: int, command: Any) -> int:
    if command.kind == _KILL_SWITCH:
        return put_word(at, words.TRADING_DISABLED + command.flag)
    if command.kind != _SET_LIMITS:
        return at
    at = put_word(at, words.LIMITS)
    at = put_money(at, command.price) if command.price else put_word(at, words.NULL)
    at = _put_limit(put_word(at, words.OPEN_ORDERS_MAX), command.quantity)
    at = _put_limit(put_word(at, words.ORDERS_PER_SECOND_MAX), command.display_quantity)
    return put_word(at, words.END)


@called
def _put_limit(at: int, count: int) -> int:
    return put_count(at, count) if count else put_word(at, words.NULL)


@called
def _put_stamp(at: int, shard: int, command: Any, index: int) -> int:
    at = put_count(put_word(at, words.SHARD), shard)
    at = put_count(put_word(at, words.OFFSET), command.offset)
    at = put_count(put_word(at, words.INDEX), index)
    return put_count(put_word(at, words.TIME), command.time_ms)


@called
def _put_transaction_id(at: int, shard: int, offset: int, trade: int) -> int:
    at = put_word(put_count(at, shard), words.DASH)
    return put_count(put_word(put_count(at, offset), words.DASH), trade)


@called
def _put_trade(at: int, event: Any, shard: int, offset: int) -> int:
    at = put_money(put_word(at, words.LAST_PRICE), event.last_price)
    at = put_count(put_word(at, words.LAST_QUANTITY), event.last_quantity)
    at = put_money(put_word(at, words.FEE), event.detail)
    at = _put_transaction_id(put_word(at, words.TRANSACTION_ID), shard, offset, event.trade)
    return put_word(at, words.QUOTE)


@called
def _put_balances(at: int, row: Any) -> int:
    at = put_integer(put_word(at, words.POSITION_QUANTITY), row.quantity)
    at = put_integer(put_word(at, words.HELD_QUANTITY), row.held_quantity)
    at = _put_average(at, row.cost, row.quantity)
    return put_word(put_money(put_word(at, words.REALIZED_PROFIT), row.realized_profit), words.END)


@called
def _put_average(at: int, total: int, quantity: int) -> int:
    if quantity:
        return put_average(put_word(at, words.AVERAGE), total, quantity)
    return put_word(at, words.NO_AVERAGE)


@called
def _put_order(at: int, sources: Any, event: Any) -> int:
    order = order_at(sources.orders, event.order)
    position = position_at(sources.positions, order.position)
    at = put_order_text(at, sources, order, 0, order.id_length)
    if order.client_length:
        at = put_word(at, words.CLIENT)
        at = put_order_text(at, sources, order, order.id_length, order.client_length)
        at = put_word(at, words.INVESTOR)
    else:
        at = put_word(at, words.NO_CLIENT)
    at = put_investor(at, sources, position.account)
    at = put_word(at, words.SYMBOL)
    at = put_symbol(at, sources, position.asset)
    at = put_count(_put_terms(at, order, event.price), event.quantity)
    at = put_count(put_word(at, words.FILLED), event.filled)
    at = put_count(put_word(at, words.REMAINING), remaining_of(event))
    at = _put_average(at, event.traded, event.filled)
    has_expiry = order.time_in_force == _GTD
    # One question, answered alike for nearly every order.
    if order.display_quantity | order.post_only | order.self_trade | has_expiry:
        expires_at_ms = expiry_of(sources, order) if has_expiry else 0
        at = _put_rare_terms(at, order, order.post_only, expires_at_ms)
    return at


@called
def _put_rare_terms(at: int, order: Any, post_only: int, expires_at_ms: int) -> int:
    """Put what few orders ask for; `order` is its row, or that of the command that asks for it."""
    if order.display_quantity:
        at = put_count(put_word(at, words.DISPLAY_QUANTITY), order.display_quantity)
    if post_only:
        at = put_word(at, words.POST_ONLY)
    if order.self_trade:
        at = put_word(at, words.SELF_TRADE + order.self_trade)
    if expires_at_ms:
        at = put_count(put_word(at, words.EXPIRES_AT), max(0, expires_at_ms))
    return at


@called
def _put_terms(at: int, order: Any, price: int) -> int:
    at = put_word(at, words.SIDE + order.side)
    at = put_word(at, words.ORDER_TYPE + order.type)
    at = put_word(at, words.TIME_IN_FORCE + order.time_in_force)
    at = put_money(at, price) if price else put_word(at, words.NULL)
    if order.stop_price == 0:
        return put_word(at, words.NO_STOP_PRICE)
    return put_word(put_money(put_word(at, words.STOP_PRICE), order.stop_price), words.QUANTITY)


@called
def _put_commanded(at: int, text: int, command: Any) -> int:
    start = text + command.text
    at = put_text(at, start, command.id_length)
    start += command.id_length
    is_place = command.kind == _PLACE
    if is_place and command.client_length:
        at = put_text(put_word(at, words.CLIENT), start, command.client_length)
        at = put_word(at, words.INVESTOR)
    else:
        at = put_word(at, words.NO_CLIENT)
    start += command.client_length
    at = put_text(at, start, command.investor_length)
    start += command.investor_length
    at = put_text(put_word(at, words.SYMBOL), start, command.symbol_length)
    if is_place:
        at = put_count(_put_terms(at, command, command.price), command.quantity)
    else:
        at = put_word(put_word(at, words.NO_TERMS), words.NO_QUANTITY)
    at = put_word(put_word(at, words.NOTHING), words.NO_AVERAGE)
    return _put_rare_terms(at, command, command.flag, command.expires_at_ms) if is_place else at


@called
def _put_message(at: int, sources: Any, number: int) -> int:
    event = execution_at(sources.events, number)
    end = words.SENTENCE_ENDS[event.message]
    for place in range(words.SENTENCE_ENDS[event.message - 1], end):
        code = words.SENTENCE_TEXT[place]
        if code >= words.FIELDS:
            at = put_byte(at, code)
        elif code in (words.SAYS_PRICE, words.SAYS_DETAIL):
            at = put_money(at, event.last_price if code == words.SAYS_PRICE else event.detail)
        elif code in (words.SAYS_COUNT, words.SAYS_NUMBER):
            at = put_integer(at, event.last_price if code == words.SAYS_COUNT else event.detail)
        elif code == words.SAYS_PHASE:
            at = put_word(at, words.PHASE_WORD + event.detail)
        elif event.order != NONE and code != words.SAYS_TEXT:
            at = _put_said_of_order(at, sources, order_at(sources.orders, event.order), code)
        else:
            at = _put_said_of_command(at, sources.text, command_at(sources.commands, event.command), code)
    return at


@called
def _put_said_of_order(at: int, sources: Any, order: Any, code: int) -> int:
    position = position_at(sources.positions, order.position)
    if code == words.SAYS_SYMBOL:
        return put_symbol(at, sources, position.asset)
    if code == words.SAYS_INVESTOR_ID:
        return put_investor(at, sources, position.account)
    if code == words.SAYS_ORDER_ID:
        return put_order_text(at, sources, order, 0, order.id_length)
    return put_word(at, words.ORDER_TYPE_WORD + order.type)


@called
def _put_said_of_command(at: int, text: int, command: Any, code: int) -> int:
    start = text + command.text
    if code == words.SAYS_TYPE:
        return put_word(at, words.ORDER_TYPE_WORD + command.type)
    if code == words.SAYS_ORDER_ID:
        return put_text(at, start, command.id_length)
    start += command.id_length + command.client_length
    if code == words.SAYS_INVESTOR_ID:
        return put_text(at, start, command.investor_length)
    start += command.investor_length
    if code == words.SAYS_SYMBOL:
        return put_text(at, start, command.symbol_length)
    return put_text(at, start + command.symbol_length, command.message_length)
