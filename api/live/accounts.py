"""One investor's cash and positions, valued at the market's last prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.payloads import AccountRow, AccountSnapshot, PositionRow
from engine.wire.records import AccountRecord, PositionRecord

_DECIMALS = 4


class LiveAccount:
    """An account's balances; unknown until the account is opened."""

    def __init__(self, investor_id: str, last_price: Callable[[str], float | None]) -> None:
        self._investor_id = investor_id
        self._last_price = last_price
        self._record: AccountRecord | None = None
        self._positions: dict[str, PositionRecord] = {}

    def apply(self, record: AccountRecord) -> None:
        """Take in a change."""
        self._record = record
        self._positions.update((position.symbol, position) for position in record.positions)

    def account(self) -> AccountRow | None:
        """Give the balances; None before the account is opened."""
        if self._record is None:
            return None
        worth = sum(position.market_value or 0.0 for position in self.positions())
        return AccountRow(
            investor_id=self._investor_id,
            cash=self._record.cash,
            held_cash=self._record.held_cash,
            available_cash=round(self._record.cash - self._record.held_cash, _DECIMALS),
            equity=round(self._record.cash + worth, _DECIMALS),
        )

    def positions(self) -> Sequence[PositionRow]:
        """Give the positions, also the closed ones, which still carry their profit; by symbol."""
        return [self._valued(self._positions[symbol]) for symbol in sorted(self._positions)]

    def snapshot(self) -> AccountSnapshot:
        """Give it all at once."""
        return AccountSnapshot(account=self.account(), positions=list(self.positions()))

    def _valued(self, position: PositionRecord) -> PositionRow:
        price = self._last_price(position.symbol)
        value = None if price is None else round(position.quantity * price, _DECIMALS)
        profit = None
        if value is not None and position.average_price is not None:
            profit = round(value - position.quantity * position.average_price, _DECIMALS)
        return PositionRow(
            symbol=position.symbol,
            quantity=position.quantity,
            held_quantity=position.held_quantity,
            average_price=position.average_price,
            realized_profit=position.realized_profit,
            last_price=price,
            market_value=value,
            unrealized_profit=profit,
        )
