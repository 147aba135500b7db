"""What an order would do, before it is placed."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.dependencies import Investor, WithView, json_body, json_response
from api.errors import ApiError, answers
from api.payloads import BookLevels, Failure, OrderPreview
from api.preview import Estimate, estimate
from api.preview.reading import situation_of
from api.routes.orders import NewOrder
from engine.domain import Place, Reason, Side
from engine.units import decimal_from_units
from engine.wire.records import average

router = APIRouter(prefix="/orders", tags=["orders"])

_DECIMALS = 8


@router.post(
    "/preview",
    response_model=OrderPreview,
    summary="Preview an order",
    dependencies=[Depends(json_body)],
    responses=answers(400, 403, 413, 415, 422, 503),
)
async def preview_order(order: NewOrder, view: WithView, investor: Investor) -> Response:
    """Reckon what an order would do now: fills and slippage, fees, what it would hold. Nothing is placed.

    It goes by what the book shows: hidden shares may make more trade than is told. Where the investor's own
    order rests at a price, others there are taken to stand before it. `would_be_refused` says why the engine
    would not take the order, as far as that can be told now; an account is taken to be limited.
    """
    place = order.command(investor)
    if place.symbol not in view.assets:
        raise ApiError(
            422, Reason.UNKNOWN_SYMBOL, f"{place.symbol} is not listed; GET /assets tells what is."
        )
    book = view.books[place.symbol]
    if not book.known:
        raise ApiError(503, "starting", "The book is being read; try again in a moment.")
    levels = book.levels()
    situation = situation_of(view, place, levels)
    funds = situation.funds
    cash_units, free_units = (0, 0) if funds is None else (funds.cash_units, funds.free_units)
    return json_response(_preview(place, estimate(place, situation), levels, cash_units, free_units))


def _preview(
    place: Place, reckoned: Estimate, book: BookLevels, cash_units: int, free_units: int
) -> OrderPreview:
    filled = sum(quantity for _, quantity in reckoned.fills)
    value_units = sum(price_units * quantity for price_units, quantity in reckoned.fills)
    price = average(value_units, filled)
    paid_units = value_units if place.side is Side.BUY else -value_units
    after_units = cash_units - paid_units - reckoned.fee_units
    held_shares = reckoned.resting_quantity if place.side is Side.SELL else 0
    refusal = reckoned.refusal
    best, mid = _best(place.side, book), _mid(book)
    return OrderPreview(
        symbol=place.symbol,
        side=place.side,
        quantity=place.quantity,
        filled_quantity=filled,
        resting_quantity=reckoned.resting_quantity,
        expiring_quantity=reckoned.expiring_quantity,
        average_price=price,
        worst_price=decimal_from_units(reckoned.fills[-1][0]) if reckoned.fills else None,
        best_price=best,
        mid_price=mid,
        slippage_to_best=_slippage(place.side, price, best),
        slippage_to_mid=_slippage(place.side, price, mid),
        value=decimal_from_units(value_units),
        fees=decimal_from_units(reckoned.fee_units),
        needed_cash=decimal_from_units(reckoned.needed_units),
        held_cash=decimal_from_units(reckoned.held_units),
        held_shares=held_shares,
        cash_after=decimal_from_units(after_units),
        available_cash_after=decimal_from_units(
            free_units - (cash_units - after_units) - reckoned.held_units
        ),
        would_be_refused=None if refusal is None else Failure(reason=refusal.reason, message=refusal.text),
        book_offset=book.offset,
        time_ms=book.time_ms,
    )


def _best(side: Side, book: BookLevels) -> float | None:
    offered = book.asks if side is Side.BUY else book.bids
    return offered[0][0] if offered else None


def _mid(book: BookLevels) -> float | None:
    if not (book.bids and book.asks):
        return None
    return round((book.bids[0][0] + book.asks[0][0]) / 2, _DECIMALS)


def _slippage(side: Side, price: float | None, against: float | None) -> float | None:
    """Give how much worse a price is for a side, a share."""
    if price is None or against is None:
        return None
    return round(price - against if side is Side.BUY else against - price, _DECIMALS)
