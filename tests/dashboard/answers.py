"""What the API answers, whole, for the API's double; `test_answers.py` holds them against the API itself."""

from __future__ import annotations

from typing import Any

import msgspec

from homebroker.client import Candle, Order, PastExecution, Ticker, Trade

T0 = 1_790_046_000_000
"""A midnight in Brasília."""

TICKER: dict[str, Any] = {
    "symbol": "PETR4",
    "name": "Petrobras PN",
    "tick_size": 0.01,
    "lot_size": 1,
    "reference_price": 38.0,
    "phase": "continuous",
    "last_price": 38.5,
    "open": 38.0,
    "high": 38.6,
    "low": 37.9,
    "volume": 1_000,
    "change": 0.5,
    "change_percent": 1.32,
    "bid": 38.49,
    "ask": 38.5,
    "time_ms": T0,
}
ACCOUNT: dict[str, Any] = {
    "investor_id": "demo",
    "cash": 100_000.0,
    "held_cash": 0.0,
    "available_cash": 100_000.0,
    "equity": 100_000.0,
    "realized_profit": 0.0,
    "unrealized_profit": 0.0,
    "limits": None,
    "trading_disabled": False,
}
POSITION: dict[str, Any] = {
    "symbol": "PETR4",
    "quantity": 300,
    "held_quantity": 100,
    "average_price": 38.0,
    "realized_profit": 0.0,
    "last_price": 38.5,
    "market_value": 11_550.0,
    "unrealized_profit": 150.0,
}
ORDER: dict[str, Any] = {
    "order_id": "o-1",
    "client_order_id": "c-1",
    "symbol": "PETR4",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "price": 38.5,
    "stop_price": None,
    "quantity": 100,
    "filled_quantity": 0,
    "remaining_quantity": 100,
    "average_price": None,
    "status": "new",
    "reason": None,
    "message": None,
    "created_ms": T0,
    "updated_ms": T0,
}
PENDING: dict[str, Any] = {
    "order_id": "o-1",
    "status": "pending",
    "message": "The engine has not answered yet; ask for the order in a moment.",
}
PREVIEW: dict[str, Any] = {
    "symbol": "PETR4",
    "side": "buy",
    "quantity": 1_000,
    "filled_quantity": 600,
    "resting_quantity": 400,
    "expiring_quantity": 0,
    "average_price": 38.52,
    "worst_price": 38.53,
    "best_price": 38.5,
    "mid_price": 38.495,
    "slippage_to_best": 0.02,
    "slippage_to_mid": 0.025,
    "value": 23_112.0,
    "fees": 6.93,
    "needed_cash": 38_530.0,
    "held_cash": 15_412.0,
    "held_shares": 0,
    "cash_after": 76_881.07,
    "available_cash_after": 61_469.07,
    "would_be_refused": None,
    "book_offset": 7,
    "time_ms": T0,
}
EXECUTION: dict[str, Any] = {
    "execution_id": "0-1-0",
    "time_ms": T0,
    "execution_type": "trade",
    "status": "filled",
    "order_id": "o-1",
    "client_order_id": None,
    "symbol": "PETR4",
    "side": "buy",
    "type": "limit",
    "time_in_force": "day",
    "price": 38.5,
    "stop_price": None,
    "quantity": 100,
    "filled_quantity": 100,
    "remaining_quantity": 0,
    "average_price": 38.5,
    "last_price": 38.5,
    "last_quantity": 100,
    "fee": 1.0,
    "liquidity": "taker",
    "reason": None,
    "message": None,
}
TRADE: dict[str, Any] = {
    "transaction_id": "0-1-0",
    "symbol": "PETR4",
    "price": 38.5,
    "quantity": 100,
    "taker_side": "buy",
    "time_ms": T0,
}
CANDLE: dict[str, Any] = {
    "time_ms": T0,
    "open": 38.5,
    "high": 38.5,
    "low": 38.5,
    "close": 38.5,
    "volume": 1,
    "trades": 1,
    "closed": True,
}


def ticker(**fields: Any) -> Ticker:
    """Give a listed asset, as the client reads it."""
    return msgspec.convert(TICKER | fields, Ticker)


def order(**fields: Any) -> Order:
    """Give an order."""
    return msgspec.convert(ORDER | fields, Order)


def execution(**fields: Any) -> PastExecution:
    """Give what happened to an order."""
    return msgspec.convert(EXECUTION | fields, PastExecution)


def trade(**fields: Any) -> Trade:
    """Give a trade of the market."""
    return msgspec.convert(TRADE | fields, Trade)


def candle(close: float, **fields: Any) -> Candle:
    """Give a candle that stayed at one price."""
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return msgspec.convert(CANDLE | prices | fields, Candle)
