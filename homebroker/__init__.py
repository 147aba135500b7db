"""Homebroker: a real-time stock exchange and home broker, and the research face that notebooks import.

`import homebroker as hb` costs nothing: each function is loaded, and pandas with it, when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homebroker.research.candles import candles
    from homebroker.research.errors import NoMarketError, UnreadableRecordError
    from homebroker.research.live import follow
    from homebroker.research.replaying import Replay, replay
    from homebroker.research.topics import accounts, book, executions, orders, transactions

_HOMES = {
    "NoMarketError": "errors",
    "Replay": "replaying",
    "UnreadableRecordError": "errors",
    "accounts": "topics",
    "book": "topics",
    "candles": "candles",
    "executions": "topics",
    "follow": "live",
    "orders": "topics",
    "replay": "replaying",
    "transactions": "topics",
}

__all__ = [
    "NoMarketError",
    "Replay",
    "UnreadableRecordError",
    "accounts",
    "book",
    "candles",
    "executions",
    "follow",
    "orders",
    "replay",
    "transactions",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.research.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
