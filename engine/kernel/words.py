"""The market's words as the numbers that the arrays hold."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.domain import ExecutionType, Liquidity, OrderType, Phase, SelfTrade, Side, Status, TimeInForce
from engine.kernel import layout
from engine.messages import SENTENCES

BUY: Final = layout.SIDES.index(Side.BUY)
SELL: Final = layout.SIDES.index(Side.SELL)

LIMIT: Final = layout.ORDER_TYPES.index(OrderType.LIMIT)
MARKET: Final = layout.ORDER_TYPES.index(OrderType.MARKET)
MARKET_TO_LIMIT: Final = layout.ORDER_TYPES.index(OrderType.MARKET_TO_LIMIT)
STOP: Final = layout.ORDER_TYPES.index(OrderType.STOP)
STOP_LIMIT: Final = layout.ORDER_TYPES.index(OrderType.STOP_LIMIT)

DAY: Final = layout.TIMES_IN_FORCE.index(TimeInForce.DAY)
GTC: Final = layout.TIMES_IN_FORCE.index(TimeInForce.GTC)
GTD: Final = layout.TIMES_IN_FORCE.index(TimeInForce.GTD)
IOC: Final = layout.TIMES_IN_FORCE.index(TimeInForce.IOC)
FOK: Final = layout.TIMES_IN_FORCE.index(TimeInForce.FOK)
AT_OPEN: Final = layout.TIMES_IN_FORCE.index(TimeInForce.AT_OPEN)
AT_CLOSE: Final = layout.TIMES_IN_FORCE.index(TimeInForce.AT_CLOSE)

EXPIRE_TAKER: Final = layout.SELF_TRADES.index(SelfTrade.EXPIRE_TAKER)
EXPIRE_MAKER: Final = layout.SELF_TRADES.index(SelfTrade.EXPIRE_MAKER)
EXPIRE_BOTH: Final = layout.SELF_TRADES.index(SelfTrade.EXPIRE_BOTH)
NO_PREVENTION: Final = layout.SELF_TRADES.index(SelfTrade.NONE)

CONTINUOUS: Final = layout.PHASES.index(Phase.CONTINUOUS)
AUCTION: Final = layout.PHASES.index(Phase.AUCTION)
CLOSED: Final = layout.PHASES.index(Phase.CLOSED)

PENDING_TRIGGER: Final = layout.STATUSES.index(Status.PENDING_TRIGGER)
NEW: Final = layout.STATUSES.index(Status.NEW)
PARTIALLY_FILLED: Final = layout.STATUSES.index(Status.PARTIALLY_FILLED)
FILLED: Final = layout.STATUSES.index(Status.FILLED)
CANCELED: Final = layout.STATUSES.index(Status.CANCELED)
EXPIRED: Final = layout.STATUSES.index(Status.EXPIRED)
REJECTED: Final = layout.STATUSES.index(Status.REJECTED)

DID_ENTER: Final = layout.EXECUTION_TYPES.index(ExecutionType.NEW)
DID_TRADE: Final = layout.EXECUTION_TYPES.index(ExecutionType.TRADE)
DID_CANCEL: Final = layout.EXECUTION_TYPES.index(ExecutionType.CANCELED)
DID_REPLACE: Final = layout.EXECUTION_TYPES.index(ExecutionType.REPLACED)
DID_EXPIRE: Final = layout.EXECUTION_TYPES.index(ExecutionType.EXPIRED)
DID_REJECT: Final = layout.EXECUTION_TYPES.index(ExecutionType.REJECTED)
DID_TRIGGER: Final = layout.EXECUTION_TYPES.index(ExecutionType.TRIGGERED)

MAKER: Final = layout.LIQUIDITIES.index(Liquidity.MAKER)
TAKER: Final = layout.LIQUIDITIES.index(Liquidity.TAKER)

# By message: the reason that it gives.
REASON_OF: Final = np.array([0] + [layout.REASONS.index(said.reason) for said in SENTENCES[1:]], np.uint8)
