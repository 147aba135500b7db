"""Rows of events and what they point to, built by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from engine.domain import TimeInForce
from engine.escaping import escaped
from engine.events import EventRows
from engine.kernel import layout
from engine.kernel.layout import EventKind


class Market:
    """Builds the arrays of a market by hand."""

    def __init__(self) -> None:
        self.commands = np.zeros(0, layout.COMMAND)
        self.orders = np.zeros(0, layout.ORDER)
        self.positions = np.zeros(0, layout.POSITION)
        self.events = np.zeros(0, layout.EXECUTION)
        self._text = b""
        self._chunks: list[bytes] = []
        self._next: list[int] = []
        self._accounts: list[bytes] = []
        self._assets: list[bytes] = []

    def command(self, *texts: str, offset: int = 7, time_ms: int = 1_790_000_000_000, **fields: Any) -> int:
        """Add a command; its texts are order id, client id, investor id, symbol and message."""
        parts = [escaped(text) for text in (*texts, *[""] * (5 - len(texts)))]
        names = ("id_length", "client_length", "investor_length", "symbol_length", "message_length")
        lengths = dict(zip(names, map(len, parts), strict=True))
        self.commands, row = _added(
            self.commands, **lengths, text=len(self._text), offset=offset, time_ms=time_ms, **fields
        )
        self._text += b"".join(parts)
        return row

    def position(self, investor_id: str, symbol: str) -> int:
        """Add a position, and with it an account and an asset."""
        self._accounts.append(escaped(investor_id))
        self._assets.append(escaped(symbol))
        row = len(self._accounts) - 1
        self.positions, _ = _added(self.positions, account=row, asset=row)
        return row

    def order(self, order_id: str, client_id: str = "", *, expires_at_ms: int = 0, **fields: Any) -> int:
        """Add an order, its texts in its row and behind it in a chain that skips a chunk at each step.

        One that is gtd has its time to end behind the texts, at the next whole word.
        """
        texts = escaped(order_id) + escaped(client_id)
        if layout.TIMES_IN_FORCE[fields.get("time_in_force", 0)] is TimeInForce.GTD:
            words = texts.ljust(max(layout.ORDER_TEXT_BYTES, -(-len(texts) // 8) * 8), b"x")
            texts = words + expires_at_ms.to_bytes(8, sys.byteorder)
        begun = texts[: layout.ORDER_TEXT_BYTES].ljust(layout.ORDER_TEXT_BYTES, b"x")
        text, text_2 = (int(word) for word in np.frombuffer(begun, np.int64))
        first = len(self._chunks) if len(texts) > layout.ORDER_TEXT_BYTES else layout.NONE
        for start in range(layout.ORDER_TEXT_BYTES, len(texts), layout.TEXT_CHUNK_BYTES):
            chunk = texts[start : start + layout.TEXT_CHUNK_BYTES]
            self._chunks += [chunk.ljust(layout.TEXT_CHUNK_BYTES, b"x"), b"-" * layout.TEXT_CHUNK_BYTES]
            self._next += [len(self._next) + 2, 0]
        lengths = {"id_length": len(escaped(order_id)), "client_length": len(escaped(client_id))}
        texts_at = {"text": text, "text_2": text_2, "more_text": first}
        self.orders, row = _added(self.orders, **texts_at, **lengths, **fields)
        return row

    def event(self, command: int, **fields: Any) -> None:
        """Add an event that reports an order or, without one, the command."""
        absent = {"order": layout.NONE, "trade": layout.NONE}
        self.events, _ = _added(self.events, command=command, **(absent | fields))

    def account_event(self, command: int, **fields: Any) -> None:
        """Add an event that reports an account."""
        row = np.zeros(1, layout.ACCOUNT_EVENT)
        for name, value in {"kind": EventKind.ACCOUNT, "command": command, **fields}.items():
            row[name] = value
        self.events = np.concatenate([self.events, row.view(layout.EXECUTION)])

    def rows(self, first: int = 0, end: int | None = None) -> EventRows:
        """Give the events from the first to before the end, and all that they speak of."""
        chunks = b"".join(self._chunks) or bytes(layout.TEXT_CHUNK_BYTES)
        return EventRows(
            events=self.events[first:end].copy(),
            commands=self.commands,
            text=_bytes(self._text),
            orders=self.orders,
            text_chunks=_bytes(chunks).reshape(-1, layout.TEXT_CHUNK_BYTES),
            text_next=np.array([*self._next, 0], np.int32),
            positions=self.positions,
            account_names=_names(self._accounts),
            account_name_text=_bytes(b"".join(self._accounts)),
            asset_names=_names(self._assets),
            asset_name_text=_bytes(b"".join(self._assets)),
        )


def _added(array: Any, **fields: Any) -> tuple[Any, int]:
    row = np.zeros(1, array.dtype)
    for name, value in fields.items():
        row[name] = value
    return np.concatenate([array, row]), len(array)


def _bytes(text: bytes) -> Any:
    return np.frombuffer(text, np.uint8).copy()


def _names(texts: list[bytes]) -> Any:
    names = np.zeros(len(texts), layout.NAME)
    names["length"] = [len(text) for text in texts]
    names["start"] = np.cumsum(names["length"]) - names["length"]
    return names
