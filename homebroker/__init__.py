"""Homebroker: a real-time stock exchange and home broker, and the research face that notebooks import.

`import homebroker as hb` costs nothing: each function is loaded, and pandas with it, when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homebroker.order_flow.lobster import read_lobster
    from homebroker.order_flow.trade_files import read_trades
    from homebroker.research.book_at import book_at
    from homebroker.research.candles import candles, candles_from
    from homebroker.research.command_log import CommandLog
    from homebroker.research.errors import CutLogError, HistoryError, NoMarketError, UnreadableRecordError
    from homebroker.research.history import history
    from homebroker.research.live import follow
    from homebroker.research.load_log import load_log
    from homebroker.research.replaying import Replay, replay
    from homebroker.research.tape_hash import tape_hash
    from homebroker.research.topics import accounts, assets, book, executions, orders, transactions
    from homebroker.research.what_if import WhatIf, what_if
    from homebroker.simulator.simulation import Simulation
    from homebroker.strategy.backtest import Account, Fees, Latency, backtest
    from homebroker.strategy.live import trade_live
    from homebroker.strategy.report import Report
    from homebroker.strategy.strategy import Strategy

_HOMES = {
    "Account": "strategy.backtest",
    "CommandLog": "research.command_log",
    "CutLogError": "research.errors",
    "Fees": "strategy.backtest",
    "HistoryError": "research.errors",
    "Latency": "strategy.backtest",
    "NoMarketError": "research.errors",
    "Replay": "research.replaying",
    "Report": "strategy.report",
    "Simulation": "simulator.simulation",
    "Strategy": "strategy.strategy",
    "UnreadableRecordError": "research.errors",
    "WhatIf": "research.what_if",
    "accounts": "research.topics",
    "assets": "research.topics",
    "backtest": "strategy.backtest",
    "book": "research.topics",
    "book_at": "research.book_at",
    "candles": "research.candles",
    "candles_from": "research.candles",
    "executions": "research.topics",
    "follow": "research.live",
    "history": "research.history",
    "load_log": "research.load_log",
    "orders": "research.topics",
    "read_lobster": "order_flow.lobster",
    "read_trades": "order_flow.trade_files",
    "replay": "research.replaying",
    "tape_hash": "research.tape_hash",
    "trade_live": "strategy.live",
    "transactions": "research.topics",
    "what_if": "research.what_if",
}

__all__ = [
    "Account",
    "CommandLog",
    "CutLogError",
    "Fees",
    "HistoryError",
    "Latency",
    "NoMarketError",
    "Replay",
    "Report",
    "Simulation",
    "Strategy",
    "UnreadableRecordError",
    "WhatIf",
    "accounts",
    "assets",
    "backtest",
    "book",
    "book_at",
    "candles",
    "candles_from",
    "executions",
    "follow",
    "history",
    "load_log",
    "orders",
    "read_lobster",
    "read_trades",
    "replay",
    "tape_hash",
    "trade_live",
    "transactions",
    "what_if",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
