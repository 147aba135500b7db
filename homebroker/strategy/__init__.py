"""Trading strategies: written once, run over a recorded log, in a simulated market and in the live one.

strategy    what an author writes: reactions to what happens
desk        what a strategy sees and does: book, own orders, position; place, cancel, amend
seat        events into calls of a strategy: the same for all runners, the simulator's included
session     a seat whose run is written down
  ├── backtest   a recorded log or a simulated market, the strategy's orders queued in it by the engine itself
  └── live       Kafka's topics and a paper account
journal, report, figures    what came of it
examples    a market maker, a VWAP execution, a momentum trader
"""

from homebroker.strategy.desk import Desk, OpenOrder
from homebroker.strategy.strategy import Fill, Strategy, TapeTrade

__all__ = ["Desk", "Fill", "OpenOrder", "Strategy", "TapeTrade"]
