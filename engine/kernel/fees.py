"""What a trade costs besides its price, and what a share costs a buy at the most."""

from __future__ import annotations

from typing import Any, Final

from engine.domain import BALANCE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel.accounts import touch_account
from engine.kernel.compile import inlined, rarely
from engine.kernel.layout import HOUSE, NONE

_PPM: Final = 1_000_000


@inlined
def fee_of(value: int, ppm: int) -> int:
    """Give the fee of a fill of some value, rounded half up. In two parts, which stay within 64 bits."""
    whole = value // _PPM
    return whole * ppm + ((value - whole * _PPM) * ppm + _PPM // 2) // _PPM


@inlined
def maker_fee(market: Any, fees: int, value: int) -> int:
    """Give what a resting order with these fees pays for a fill."""
    ppm = market.fees[fees].maker
    return fee_of(value, ppm) if ppm != 0 else 0


@inlined
def taker_fee(market: Any, fees: int, value: int) -> int:
    """Give what an incoming order with these fees pays for a fill."""
    ppm = market.fees[fees].taker
    return fee_of(value, ppm) if ppm != 0 else 0


@inlined
def share_cost(market: Any, fees: int, price: int) -> int:
    """Give what a share at a price costs a buy at the most, fee included.

    Of a fill at this price or below, however large, value and rounded fee are never more than its shares
    times this: the fee of a share is rounded up to the next whole unit here, beyond which it would have to
    be rounded to cost more.
    """
    ppm = market.fees[fees].highest
    return price if ppm == 0 else price + price * ppm // _PPM + 1


@inlined
def house_can_take(market: Any, fee: int) -> bool:
    """Tell whether the house may have so much more."""
    return market.accounts[HOUSE].cash + fee <= BALANCE_UNITS_MAX


@inlined
def pay_house(market: Any, fee: int) -> None:
    """Give the house what a trade's sides have paid."""
    if fee != 0:
        market.accounts[HOUSE].cash += fee
        touch_account(market, HOUSE)


@rarely
def find_fees(market: Any, maker_ppm: int, taker_ppm: int) -> int:
    """Give the row of a pair of fees, a new one where it has none; NONE when there is no room for another."""
    words = market.header
    for fees in range(words[h.FEES_USED]):
        row = market.fees[fees]
        if row.maker == maker_ppm and row.taker == taker_ppm:
            return fees
    fees = words[h.FEES_USED]
    if fees == len(market.fees):
        return NONE
    words[h.FEES_USED] += 1
    row = market.fees[fees]
    row.maker = maker_ppm
    row.taker = taker_ppm
    row.highest = max(maker_ppm, taker_ppm)
    return fees
