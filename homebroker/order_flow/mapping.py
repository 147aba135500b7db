"""Rows of order flow as commands of the market.

A `replace` row gives an order's new remaining quantity, an `amend` command its new total, so the mapper
must know what is filled. It asks the engine itself: a shard in memory that runs every command it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.domain import (
    Amend,
    Cancel,
    Command,
    ListAsset,
    OpenAccount,
    OrderType,
    Place,
    SelfTrade,
    TimeInForce,
    Trade,
)
from engine.shard import Shard
from homebroker.order_flow.reading import UNITS_PER_CENTAVO, FlowRow, FlowTrade, Op

REPLAY_INVESTOR_ID = "replay"


class FlowMapper:
    """Maps rows to commands, in order.

    Parameters
    ----------
    symbol : str
        The symbol that the flow is replayed as; nobody else may trade it, or fills would differ.
    run : str
        Put before every id of the file, so that the same file can be replayed again in one market.
    reference_price_units : int
        The listing's reference price.
    investor_id : str
        The account that all orders are from; it trades with itself.
    """

    def __init__(
        self,
        symbol: str,
        *,
        run: str,
        reference_price_units: int,
        investor_id: str = REPLAY_INVESTOR_ID,
    ) -> None:
        self.opening: tuple[Command, ...] = (
            ListAsset(
                symbol=symbol,
                name=f"Replay {symbol}",
                tick_size_units=UNITS_PER_CENTAVO,
                lot_size=1,
                reference_price_units=reference_price_units,
            ),
            OpenAccount(investor_id=investor_id, unlimited=True),
        )
        # No file's id has a slash, so this is refused as unknown: the answer that comes after all others.
        self.ending = Cancel(order_id=order_id_prefix(run) + "/end", investor_id=investor_id)
        self.trades: list[FlowTrade] = []
        self._symbol = symbol
        self._prefix = order_id_prefix(run)
        self._investor_id = investor_id
        self._shard = Shard(number=0)
        self._offset = 0
        for command in self.opening:
            self._apply(command)

    def map(self, row: FlowRow) -> Command | None:
        """Give the command for the next row, or None for a row about an order that is not open.

        What the command trades is added to `trades`.
        """
        command = self._command(row)
        if command is not None:
            self.trades.extend(self._flow_trade(row.seq, trade) for trade in self._apply(command))
        return command

    def _command(self, row: FlowRow) -> Command | None:
        order_id = self._prefix + row.flow_id
        if row.op not in {Op.CANCEL, Op.REPLACE}:
            return self._place(row, order_id)
        order = self._shard.order(order_id)
        if order is None:
            return None
        if row.op is Op.CANCEL:
            return Cancel(order_id=order_id, investor_id=self._investor_id)
        assert row.quantity is not None and row.price_centavos is not None, "replace rows have both"
        return Amend(
            order_id=order_id,
            investor_id=self._investor_id,
            quantity=order.filled_quantity + row.quantity,
            price_units=row.price_centavos * UNITS_PER_CENTAVO,
        )

    def _place(self, row: FlowRow, order_id: str) -> Place:
        assert row.side is not None and row.quantity is not None, "rows that enter orders have both"
        price = row.price_centavos
        return Place(
            order_id=order_id,
            investor_id=self._investor_id,
            symbol=self._symbol,
            side=row.side,
            type=OrderType.MARKET_TO_LIMIT if row.op is Op.MARKET_TO_LIMIT else OrderType.LIMIT,
            quantity=row.quantity,
            price_units=None if price is None else price * UNITS_PER_CENTAVO,
            time_in_force=TimeInForce.GTC,
            post_only=row.op is Op.POST,
            self_trade=SelfTrade.NONE,
        )

    def _apply(self, command: Command) -> list[Trade]:
        events = self._shard.apply(command, offset=self._offset, time_ms=0)
        self._offset += 1
        return [event for event in events if isinstance(event, Trade)]

    def _flow_trade(self, seq: int, trade: Trade) -> FlowTrade:
        return FlowTrade(
            seq,
            trade.buy_order_id.removeprefix(self._prefix),
            trade.sell_order_id.removeprefix(self._prefix),
            trade.price_units // UNITS_PER_CENTAVO,
            trade.quantity,
        )


def map_flow(
    rows: Iterable[FlowRow], *, symbol: str, run: str = "run", reference_price_units: int
) -> Iterator[Command]:
    """Give the commands that replay order flow, those that list the symbol and open the account first."""
    mapper = FlowMapper(symbol, run=run, reference_price_units=reference_price_units)
    yield from mapper.opening
    yield from (command for row in rows if (command := mapper.map(row)) is not None)


def order_id_prefix(run: str) -> str:
    """Give what every order id of a run starts with."""
    return f"{run}:"
