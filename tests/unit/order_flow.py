"""Random order flow, and a tiny matcher written apart from the engine that says what it must trade."""

from __future__ import annotations

import random

from engine.domain import Side
from homebroker.order_flow.reading import FLOW_HEADER, FlowRow, FlowTrade, Op

_LETTERS = {Side.BUY: "B", Side.SELL: "S"}


def random_flow(seed: int, *, rows: int) -> list[FlowRow]:
    """Make a day of orders around 1,000 centavos: an opening book, then everything that a row can be."""
    dice = random.Random(seed)
    flow: list[FlowRow] = []
    ids: list[str] = []
    for _ in range(rows // 20):
        side = dice.choice(list(Side))
        away = dice.randint(1, 8)
        ids.append(f"o{len(flow)}")
        price = 1000 - away if side is Side.BUY else 1000 + away
        flow.append(FlowRow(len(flow), Op.REST, ids[-1], side, price, dice.randint(1, 90)))
    while len(flow) < rows:
        op = dice.choices(list(Op), [0, 5, 1, 1, 6, 2])[0]
        side = dice.choice(list(Side))
        price, quantity = dice.randint(993, 1007), dice.randint(1, 90)
        if op in {Op.REPLACE, Op.CANCEL}:
            # Among them ids that ended long ago, and one that never was.
            flow_id = dice.choice([*ids[-30:], "never"])
            amounts = (None, None) if op is Op.CANCEL else (price, quantity)
        else:
            flow_id = f"o{len(flow)}"
            ids.append(flow_id)
            amounts = (None if op is Op.MARKET_TO_LIMIT else price, quantity)
        flow.append(FlowRow(len(flow), op, flow_id, side, *amounts))
    return flow


def flow_text(flow: list[FlowRow]) -> str:
    """Write rows as an order-flow file."""
    lines = [FLOW_HEADER]
    for row in flow:
        price = "" if row.price_centavos is None else row.price_centavos
        quantity = "" if row.quantity is None else row.quantity
        side = "" if row.side is None else _LETTERS[row.side]
        lines.append(f"{row.seq},{row.op},{row.flow_id},{side},{price},{quantity}")
    return "\n".join(lines) + "\n"


class _Resting:
    def __init__(self, flow_id: str, side: Side, price: int, quantity: int, *, is_post: bool) -> None:
        self.flow_id, self.side, self.price, self.quantity = flow_id, side, price, quantity
        self.is_post = is_post


def expected_trades(flow: list[FlowRow]) -> list[FlowTrade]:
    """Match rows on one plain list, in which an order stands behind those that came before it."""
    queue: list[_Resting] = []
    trades: list[FlowTrade] = []
    for row in flow:
        standing = next((order for order in queue if order.flow_id == row.flow_id), None)
        if row.op is Op.CANCEL or row.op is Op.REPLACE:
            if standing is None:
                continue
            if row.op is Op.CANCEL:
                queue.remove(standing)
                continue
            assert row.price_centavos is not None and row.quantity is not None
            if standing.price == row.price_centavos and row.quantity <= standing.quantity:
                standing.quantity = row.quantity
                continue
            best = _best(queue, standing.side)
            if standing.is_post and best and _reaches(standing.side, row.price_centavos, best.price):
                # Post-only to the end: the move is refused and the order stays as it was.
                continue
            queue.remove(standing)
            incoming = _Resting(
                row.flow_id, standing.side, row.price_centavos, row.quantity, is_post=standing.is_post
            )
        else:
            assert row.side is not None and row.quantity is not None
            best = _best(queue, row.side)
            price = row.price_centavos
            if row.op is Op.MARKET_TO_LIMIT:
                price = None if best is None else best.price
            crossing = price is not None and best is not None and _reaches(row.side, price, best.price)
            if price is None or (row.op is Op.POST and crossing):
                continue
            incoming = _Resting(row.flow_id, row.side, price, row.quantity, is_post=row.op is Op.POST)
        trades += _match(row.seq, incoming, queue)
    return trades


def _match(seq: int, incoming: _Resting, queue: list[_Resting]) -> list[FlowTrade]:
    trades = []
    while incoming.quantity:
        best = _best(queue, incoming.side)
        if best is None or not _reaches(incoming.side, incoming.price, best.price):
            queue.append(incoming)
            break
        quantity = min(incoming.quantity, best.quantity)
        buyer, seller = (incoming, best) if incoming.side is Side.BUY else (best, incoming)
        trades.append(FlowTrade(seq, buyer.flow_id, seller.flow_id, best.price, quantity))
        incoming.quantity -= quantity
        best.quantity -= quantity
        if not best.quantity:
            queue.remove(best)
    return trades


def _best(queue: list[_Resting], side: Side) -> _Resting | None:
    others = [order for order in queue if order.side is not side]
    sign = 1 if side is Side.BUY else -1
    return min(others, key=lambda order: sign * order.price, default=None)


def _reaches(side: Side, price: int, other: int) -> bool:
    return price >= other if side is Side.BUY else price <= other
