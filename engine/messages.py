"""What the market says when it refuses a command or ends an order: sentences that tell what to do next.

In braces stands what an event fills in: `symbol`, `order_id`, `investor_id`, `type` (the order's) and `phase`
(the asset's at that moment) as they are; `price` (its `last_price`) and `detail` as amounts of money, `count`
(`last_price`) and `number` (`detail`) as plain integers, `text` the malformed record's own message.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from engine.domain import Reason


class Sentence(NamedTuple):
    """A reason and how it is put."""

    reason: Reason
    template: str


class Message(IntEnum):
    """Rows of `SENTENCES`; 0 is no message."""

    NONE = 0
    MALFORMED = 1
    NO_ACCOUNT = 2
    NOT_LISTED = 3
    DUPLICATE_ORDER_ID = 4
    HALTED = 5
    AUCTION = 6
    NEEDS_STOP_PRICE = 7
    TAKES_NO_STOP_PRICE = 8
    LOT = 9
    NEEDS_PRICE = 10
    TAKES_NO_PRICE = 11
    TICK = 12
    BAND = 13
    POST_ONLY_TYPE = 14
    DISPLAY_TYPE = 15
    DISPLAY_QUANTITY = 16
    STOP_WAITS = 17
    NEEDS_EXPIRY = 18
    TAKES_NO_EXPIRY = 19
    ORDER_VALUE = 20
    MARKET_FULL = 21
    NO_PRICE_TO_TAKE = 22
    WOULD_CROSS = 23
    NOT_WHOLE = 24
    NO_MORE_ON_OFFER = 25
    MET_NEWER = 26
    MET_OLDER = 27
    ACCOUNT_BOUND = 28
    NO_OPEN_ORDER = 29
    NOT_OWNER = 30
    NOTHING_TO_CANCEL = 31
    FILLED_ALREADY = 32
    CASH_OR_SHARES = 33
    CASH_BOUND = 34
    SHARES_BOUND = 35
    CASH_NOT_FREE = 36
    SHARES_NOT_FREE = 37
    ACCOUNT_EXISTS = 38
    ACCOUNTS_FULL = 39
    FEES_FULL = 40
    REFERENCE_TICK = 41
    TICK_AND_LOT_STAY = 42
    ASSETS_FULL = 43
    HOUSE_TRADES_NOT = 44
    TRADING_DISABLED = 45
    ORDERS_PER_SECOND = 46
    OPEN_ORDERS = 47
    ACCOUNT_ORDER_VALUE = 48
    NEEDS_CASH = 49
    NEEDS_SHARES = 50
    CASH_COVERS_NO_MORE = 51
    HOUSE_BOUND = 52
    OPEN_ALREADY = 53
    AUCTION_TYPE = 54
    NEEDS_BAND = 55
    AUCTION_OVER = 56
    NO_AUCTION = 57
    OTHER_TRANSFER = 58
    TRANSFERS_FULL = 59


_R = Reason
SENTENCES: Final[tuple[Sentence, ...]] = (
    Sentence(_R.MALFORMED, ""),
    Sentence(_R.MALFORMED, "{text}"),
    Sentence(_R.UNKNOWN_INVESTOR, "{investor_id} has no account; open one first."),
    Sentence(_R.UNKNOWN_SYMBOL, "{symbol} is not listed; see the assets for what is."),
    Sentence(_R.DUPLICATE_ORDER_ID, "There was an order {order_id} before; give this one a new id."),
    Sentence(_R.HALTED, "{symbol} is {phase}: it takes no orders or changes now, only cancels."),
    Sentence(
        _R.HALTED,
        "{symbol} is in an auction, where orders wait for each other; send a limit order that is day, gtc or "
        "gtd, or one that is at_open or at_close.",
    ),
    Sentence(_R.BAD_PRICE, "A {type} order needs a stop_price."),
    Sentence(_R.BAD_PRICE, "A {type} order takes no stop_price; leave it out."),
    Sentence(_R.BAD_QUANTITY, "{symbol} trades in lots of {count}; {number} is not a multiple of it."),
    Sentence(_R.BAD_PRICE, "A {type} order needs a price."),
    Sentence(_R.BAD_PRICE, "A {type} order takes no price; leave it out."),
    Sentence(_R.BAD_PRICE, "{symbol} moves in ticks of {detail}; {price} is not a multiple of it."),
    Sentence(
        _R.PRICE_BAND, "{symbol} trades today within {detail} of its reference price; {price} is outside."
    ),
    Sentence(_R.UNSUPPORTED, "Only a limit order that may rest can be post-only."),
    Sentence(_R.UNSUPPORTED, "Only a limit order that may rest can hide a part of its quantity."),
    Sentence(
        _R.BAD_QUANTITY,
        "display_quantity must be a multiple of the lot, at most the quantity and at least a thousandth "
        "of it.",
    ),
    Sentence(_R.UNSUPPORTED, "A {type} order waits for its stop price; make it day, gtc or gtd."),
    Sentence(_R.BAD_EXPIRY, "A gtd order needs expires_at_ms, later than the market's time."),
    Sentence(_R.BAD_EXPIRY, "Only a gtd order takes expires_at_ms; leave it out."),
    Sentence(_R.LIMIT_EXCEEDED, "An order may be worth at most 100 billion; make it smaller."),
    Sentence(_R.LIMIT_EXCEEDED, "The market has no room for another open order; cancel some first."),
    Sentence(_R.NOT_FILLED, "Nothing is on offer to take a price from; use a limit order."),
    Sentence(_R.WOULD_CROSS, "A post-only order must not trade at once; move its price."),
    Sentence(_R.NOT_FILLED, "The whole quantity is not on offer at this price now."),
    Sentence(_R.NOT_FILLED, "No more shares are on offer at this price now."),
    Sentence(_R.SELF_TRADE, "It met a newer order of the same investor."),
    Sentence(_R.SELF_TRADE, "It met an older order of the same investor."),
    Sentence(_R.LIMIT_EXCEEDED, "The trade would take the account beyond what it may hold."),
    Sentence(_R.UNKNOWN_ORDER, "There is no open order {order_id}; it may have ended."),
    Sentence(_R.NOT_OWNER, "Order {order_id} is another investor's."),
    Sentence(_R.UNKNOWN_ORDER, "There are no open orders to cancel."),
    Sentence(_R.BAD_QUANTITY, "{count} shares are filled already; the new total must be more, or cancel."),
    Sentence(_R.MALFORMED, "Give either cash, or a symbol and a quantity."),
    Sentence(_R.LIMIT_EXCEEDED, "That is more cash than an account may have."),
    Sentence(_R.LIMIT_EXCEEDED, "That is more shares than an account may have."),
    Sentence(_R.INSUFFICIENT_CASH, "That is more cash than is free; cancel orders first."),
    Sentence(_R.INSUFFICIENT_SHARES, "That is more {symbol} than is free; cancel orders first."),
    Sentence(_R.DUPLICATE_INVESTOR, "{investor_id} has an account already."),
    Sentence(_R.LIMIT_EXCEEDED, "The market has no room for another account."),
    Sentence(_R.LIMIT_EXCEEDED, "The market has no room for another pair of fees; use one that there was."),
    Sentence(_R.BAD_ASSET, "The reference price must be a multiple of the tick size."),
    Sentence(_R.BAD_ASSET, "{symbol} is listed already; its tick and lot size stay as they are."),
    Sentence(_R.LIMIT_EXCEEDED, "The market has no room for another asset."),
    Sentence(_R.UNSUPPORTED, "{investor_id} takes the fees and does not trade; use another account."),
    Sentence(_R.TRADING_DISABLED, "The account's trading is switched off; have it switched on first."),
    Sentence(
        _R.LIMIT_EXCEEDED,
        "The account's limit is {count} orders and changes a second (orders_per_second_max); slow down.",
    ),
    Sentence(
        _R.LIMIT_EXCEEDED,
        "The account's limit is {count} open orders (open_orders_max); cancel some first.",
    ),
    Sentence(
        _R.LIMIT_EXCEEDED,
        "The order is worth {price}, the account's limit is {detail} (order_value_max); make it smaller.",
    ),
    Sentence(
        _R.INSUFFICIENT_CASH,
        "It needs {price} in cash and {detail} is free; deposit cash, cancel orders or make it smaller.",
    ),
    Sentence(
        _R.INSUFFICIENT_SHARES,
        "It needs {count} {symbol} and {number} are free; cancel orders or make it smaller.",
    ),
    Sentence(
        _R.INSUFFICIENT_CASH,
        "The next lot costs {price} with its fee and {detail} is free; deposit cash or cancel orders.",
    ),
    Sentence(_R.LIMIT_EXCEEDED, "The trade's fees would take the house beyond what it may have in cash."),
    Sentence(
        _R.HALTED,
        "{symbol} trades already, and at_open orders are taken in the auction before that; send a day order.",
    ),
    Sentence(
        _R.UNSUPPORTED,
        "Only a limit or market order can be at_open or at_close; make a {type} order day, gtc or gtd.",
    ),
    Sentence(
        _R.BAD_PRICE,
        "{symbol} has no price band, without which a market order in an auction has no bound; "
        "send a limit order.",
    ),
    Sentence(_R.NOT_FILLED, "The auction is over, and no more shares were on offer there at its price."),
    Sentence(_R.NOT_FILLED, "{symbol} opened or closed without an auction; send an order that trades now."),
    Sentence(
        _R.DUPLICATE_TRANSFER_ID,
        "The account had another transfer under this transfer_id; give this one a new id.",
    ),
    Sentence(
        _R.LIMIT_EXCEEDED,
        "The market has no room for another transfer_id; look at the account, and send it without one.",
    ),
)
assert len(SENTENCES) == len(Message)
