"""A market in which one investor's orders to buy meet nobody: for what is about ids, rows and time alone."""

from __future__ import annotations

from engine.domain import Command, ListAsset, OpenAccount, Place, Side, TimeInForce

OPENING: tuple[Command, ...] = (
    ListAsset(symbol="A", name="A", tick_size_units=1, lot_size=1, reference_price_units=100),
    OpenAccount(investor_id="ana", unlimited=True),
)


def buy(
    order_id: str, time_in_force: TimeInForce = TimeInForce.GTC, *, expires_at_ms: int | None = None
) -> Place:
    """Give the investor's order for one share."""
    return Place(
        order_id=order_id,
        investor_id="ana",
        symbol="A",
        side=Side.BUY,
        quantity=1,
        price_units=50,
        time_in_force=time_in_force,
        expires_at_ms=expires_at_ms,
    )
