"""Three strategies to read and to start from: a market maker, a VWAP execution, a momentum trader."""

from homebroker.strategy.examples.market_maker import MarketMaker
from homebroker.strategy.examples.momentum import Momentum
from homebroker.strategy.examples.vwap import VwapExecution

__all__ = ["MarketMaker", "Momentum", "VwapExecution"]
