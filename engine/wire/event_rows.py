"""The rows that event records are made of, as addresses that compiled code passes on together."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
from numba import from_dtype

from engine.events import EventRows
from engine.kernel.compile import called, inlined
from engine.kernel.layout import (
    ACCOUNT_EVENT,
    COMMAND,
    EXECUTION,
    NAME,
    ORDER,
    ORDER_TEXT_BYTES,
    POSITION,
    TEXT_CHUNK_BYTES,
)
from engine.kernel.words import NEW, PARTIALLY_FILLED, PENDING_TRIGGER
from engine.wire.addresses import address_of, place_of, row_reader
from engine.wire.json_text import put_text

SOURCES: Final = np.dtype([(name, "i8") for name in EventRows._fields])
"""Where the arrays of `EventRows` are; good while they live."""

execution_at = row_reader(EXECUTION)
account_event_at = row_reader(ACCOUNT_EVENT)
command_at = row_reader(COMMAND)
order_at = row_reader(ORDER)
position_at = row_reader(POSITION)
_name_at = row_reader(NAME)
_word_at = row_reader(np.dtype([("word", "i8")]))
_link_at = row_reader(np.dtype([("following", "i4")]))
_TEXT_PLACE: Final = int(cast("Any", from_dtype(ORDER)).offset("text"))


@inlined
def point_to(sources: Any, rows: EventRows) -> None:
    """Fill in a row of SOURCES."""
    sources.events = address_of(rows.events)
    sources.commands = address_of(rows.commands)
    sources.text = address_of(rows.text)
    sources.orders = address_of(rows.orders)
    sources.text_chunks = address_of(rows.text_chunks)
    sources.text_next = address_of(rows.text_next)
    sources.positions = address_of(rows.positions)
    sources.account_names = address_of(rows.account_names)
    sources.account_name_text = address_of(rows.account_name_text)
    sources.asset_names = address_of(rows.asset_names)
    sources.asset_name_text = address_of(rows.asset_name_text)


@inlined
def investor_text(sources: Any, account: int) -> tuple[int, int]:
    """Give an investor id's address and length."""
    name = _name_at(sources.account_names, account)
    return sources.account_name_text + name.start, name.length


@inlined
def symbol_text(sources: Any, asset: int) -> tuple[int, int]:
    """Give a symbol's address and length."""
    name = _name_at(sources.asset_names, asset)
    return sources.asset_name_text + name.start, name.length


@inlined
def remaining_of(event: Any) -> int:
    """Give how many shares of a reported order are open."""
    is_open = event.status in (NEW, PARTIALLY_FILLED, PENDING_TRIGGER)
    return int(event.quantity - event.filled) if is_open else 0


@inlined
def put_investor(at: int, sources: Any, account: int) -> int:
    """Put an account's investor id."""
    start, length = investor_text(sources, account)
    return put_text(at, start, length)


@inlined
def put_symbol(at: int, sources: Any, asset: int) -> int:
    """Put an asset's symbol."""
    start, length = symbol_text(sources, asset)
    return put_text(at, start, length)


@called
def expiry_of(sources: Any, order: Any) -> int:
    """Give the `expires_at_ms` of a gtd order, which stands behind its texts."""
    skip = max(0, (order.id_length + order.client_length - ORDER_TEXT_BYTES + 7) & -8)
    chunk = order.more_text
    while skip >= TEXT_CHUNK_BYTES:
        chunk = _link_at(sources.text_next, chunk).following
        skip -= TEXT_CHUNK_BYTES
    return int(_word_at(sources.text_chunks + chunk * TEXT_CHUNK_BYTES + skip, 0).word)


@called
def put_order_text(at: int, sources: Any, order: Any, skip: int, length: int) -> int:
    """Put so many bytes of an order's texts, behind some that are skipped."""
    if skip < ORDER_TEXT_BYTES:
        here = min(ORDER_TEXT_BYTES - skip, length)
        at = put_text(at, place_of(order) + _TEXT_PLACE + skip, here)
        length -= here
        skip = ORDER_TEXT_BYTES
    skip -= ORDER_TEXT_BYTES
    chunk = order.more_text
    while skip >= TEXT_CHUNK_BYTES and length > 0:
        chunk = _link_at(sources.text_next, chunk).following
        skip -= TEXT_CHUNK_BYTES
    while length > 0:
        here = min(TEXT_CHUNK_BYTES - skip, length)
        at = put_text(at, sources.text_chunks + chunk * TEXT_CHUNK_BYTES + skip, here)
        length -= here
        skip = 0
        if length > 0:
            chunk = _link_at(sources.text_next, chunk).following
    return at
