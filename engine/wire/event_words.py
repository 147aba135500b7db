"""The fixed texts of event records, as tables for compiled code: field names, words, sentences.

They say again, as pieces of JSON, what the structs of `engine.wire.records` and the sentences of
`engine.messages` say; the tests hold the two together.
"""

from __future__ import annotations

from string import Formatter
from typing import Final

import numpy as np

from engine.escaping import escaped
from engine.kernel.compile import inlined
from engine.kernel.layout import (
    EXECUTION_TYPES,
    LIQUIDITIES,
    ORDER_TYPES,
    PHASES,
    REASONS,
    SELF_TRADES,
    SIDES,
    STATUSES,
    TIMES_IN_FORCE,
)
from engine.messages import SENTENCES
from engine.wire.json_text import Pieces, put_piece

_pieces: Final = Pieces()
SHARD: Final = _pieces.add('{"shard":')
OFFSET: Final = _pieces.add(',"offset":')
INDEX: Final = _pieces.add(',"index":')
TIME: Final = _pieces.add(',"time_ms":')
SYMBOL: Final = _pieces.add('","symbol":"')
QUANTITY: Final = _pieces.add(',"quantity":')
HELD_QUANTITY: Final = _pieces.add(',"held_quantity":')
AVERAGE: Final = _pieces.add(',"average_price":')
NO_AVERAGE: Final = _pieces.add(',"average_price":null')
DASH: Final = _pieces.add("-")
QUOTE: Final = _pieces.add('"')
END: Final = _pieces.add("}")

# Of an execution report.
EXECUTION_TYPE: Final = _pieces.add(*(f',"execution_type":"{word}","status":"' for word in EXECUTION_TYPES))
STATUS: Final = _pieces.add(*(f'{word}","order_id":"' for word in STATUSES))
CLIENT: Final = _pieces.add('","client_order_id":"')
INVESTOR: Final = _pieces.add('","investor_id":"')
NO_CLIENT: Final = _pieces.add('","client_order_id":null,"investor_id":"')
SIDE: Final = _pieces.add(*(f'","side":"{word}","type":"' for word in SIDES))
ORDER_TYPE: Final = _pieces.add(*(f'{word}","time_in_force":"' for word in ORDER_TYPES))
TIME_IN_FORCE: Final = _pieces.add(*(f'{word}","price":' for word in TIMES_IN_FORCE))
STOP_PRICE: Final = _pieces.add(',"stop_price":')
NO_STOP_PRICE: Final = _pieces.add(',"stop_price":null,"quantity":')
NULL: Final = _pieces.add("null")
NO_TERMS: Final = _pieces.add('","side":null,"type":null,"time_in_force":null,"price":null')
NO_QUANTITY: Final = _pieces.add(',"stop_price":null,"quantity":null')
FILLED: Final = _pieces.add(',"filled_quantity":')
REMAINING: Final = _pieces.add(',"remaining_quantity":')
NOTHING: Final = _pieces.add(',"filled_quantity":0,"remaining_quantity":0')
DISPLAY_QUANTITY: Final = _pieces.add(',"display_quantity":')
POST_ONLY: Final = _pieces.add(',"post_only":true')
SELF_TRADE: Final = _pieces.add(*(f',"self_trade":"{word}"' for word in SELF_TRADES))
EXPIRES_AT: Final = _pieces.add(',"expires_at_ms":')
LAST_PRICE: Final = _pieces.add(',"last_price":')
LAST_QUANTITY: Final = _pieces.add(',"last_quantity":')
FEE: Final = _pieces.add(',"fee":')
TRANSACTION_ID: Final = _pieces.add(',"transaction_id":"')
LIQUIDITY: Final = _pieces.add(*(f',"liquidity":"{word}"' for word in LIQUIDITIES))
REASON: Final = _pieces.add(*(f',"reason":"{word}"' for word in REASONS))
MESSAGE: Final = _pieces.add(',"message":"')

# Of a transaction.
TRANSACTION: Final = _pieces.add('{"transaction_id":"')
TRADED_AT: Final = _pieces.add('","price":')
BUYER: Final = _pieces.add(',"buyer_id":"')
SELLER: Final = _pieces.add('","seller_id":"')
BUY_ORDER: Final = _pieces.add('","buy_order_id":"')
SELL_ORDER: Final = _pieces.add('","sell_order_id":"')
TAKER_SIDE: Final = _pieces.add(*(f'","taker_side":"{word}","time_ms":' for word in SIDES))
TRADE_SHARD: Final = _pieces.add(',"shard":')

# Of an account.
ACCOUNT: Final = _pieces.add(',"investor_id":"')
CASH: Final = _pieces.add('","cash":')
HELD_CASH: Final = _pieces.add(',"held_cash":')
POSITIONS: Final = _pieces.add(',"positions":[')
FIRST_POSITION: Final = _pieces.add('{"symbol":"')
NEXT_POSITION: Final = _pieces.add(',{"symbol":"')
POSITION_QUANTITY: Final = _pieces.add('","quantity":')
REALIZED_PROFIT: Final = _pieces.add(',"realized_profit":')
END_POSITIONS: Final = _pieces.add("]")
LIMITS: Final = _pieces.add(',"limits":{"order_value_max":')
OPEN_ORDERS_MAX: Final = _pieces.add(',"open_orders_max":')
ORDERS_PER_SECOND_MAX: Final = _pieces.add(',"orders_per_second_max":')
TRADING_DISABLED: Final = _pieces.add(*(f',"trading_disabled":{word}' for word in ("false", "true")))

# In a sentence.
ORDER_TYPE_WORD: Final = _pieces.add(*ORDER_TYPES)
PHASE_WORD: Final = _pieces.add(*PHASES)

_PIECES: Final = _pieces.table()
_LENGTHS: Final = _pieces.lengths()


@inlined
def put_word(at: int, piece: int) -> int:
    """Put one of the pieces above, by its number."""
    return put_piece(at, _PIECES, _LENGTHS, piece)


# The sentences as JSON text in which a control code stands for what an event fills in.
_FIELDS: Final = (
    "symbol",
    "order_id",
    "investor_id",
    "type",
    "phase",
    "price",
    "detail",
    "count",
    "number",
    "text",
)
FIELDS: Final = len(_FIELDS)
"""Bytes of a sentence below this stand for a field."""
SAYS_SYMBOL: Final = _FIELDS.index("symbol")
SAYS_ORDER_ID: Final = _FIELDS.index("order_id")
SAYS_INVESTOR_ID: Final = _FIELDS.index("investor_id")
SAYS_TYPE: Final = _FIELDS.index("type")
SAYS_PHASE: Final = _FIELDS.index("phase")
SAYS_PRICE: Final = _FIELDS.index("price")
SAYS_DETAIL: Final = _FIELDS.index("detail")
SAYS_COUNT: Final = _FIELDS.index("count")
SAYS_NUMBER: Final = _FIELDS.index("number")
SAYS_TEXT: Final = _FIELDS.index("text")


def _coded(template: str) -> bytes:
    parts = Formatter().parse(template)
    return b"".join(
        escaped(text) + (bytes([_FIELDS.index(field)]) if field else b"") for text, field, _, _ in parts
    )


_coded_sentences: Final = tuple(_coded(sentence.template) for sentence in SENTENCES)
SENTENCE_TEXT: Final = np.frombuffer(b"".join(_coded_sentences), np.uint8).copy()
SENTENCE_ENDS: Final = np.cumsum([len(sentence) for sentence in _coded_sentences], dtype=np.int64)
"""Where each sentence's bytes end in `SENTENCE_TEXT`; the next one's begin there."""
