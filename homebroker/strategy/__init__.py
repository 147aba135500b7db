"""Trading strategies: written once, run over a recorded log and against the live market.

strategy    what an author writes: reactions to what happens
desk        what a strategy sees and does: book, own orders, position; place, cancel, amend
session     events in, commands out: the same for both runners
  ├── backtest   a recorded log, the strategy's orders queued among the recorded ones by the engine itself
  └── live       Kafka's topics and a paper account
journal, report, figures    what came of it
examples    a market maker, a VWAP execution, a momentum trader
"""

from homebroker.strategy.desk import Desk, OpenOrder
from homebroker.strategy.strategy import Fill, Strategy, TapeTrade

__all__ = ["Desk", "Fill", "OpenOrder", "Strategy", "TapeTrade"]
