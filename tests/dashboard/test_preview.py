"""What a preview tells of the part of an order that would come to nothing."""

from typing import Any

import msgspec
import pytest

from dashboard import preview
from homebroker.client import OrderPreview
from tests.dashboard import answers


def _shortfall(**fields: Any) -> str | None:
    return preview.shortfall(msgspec.convert(answers.PREVIEW | fields, OrderPreview))


@pytest.mark.parametrize(
    ("side", "why"),
    [
        ("buy", "the book has no more at this price, or your free cash pays for no more."),
        ("sell", "the book has no more at this price."),
    ],
)
def test_what_would_not_trade_is_told_with_what_it_can_lack(side: str, why: str) -> None:
    told = _shortfall(side=side, quantity=50_000, filled_quantity=48_800, expiring_quantity=1_200)
    assert told == f"1.200 of 50.000 would not trade: {why}"


def test_where_nothing_would_trade_all_of_it_is_told() -> None:
    told = _shortfall(side="sell", quantity=540, filled_quantity=0, expiring_quantity=540)
    assert told == "All 540 would not trade: the book has no more at this price."


def test_what_trades_or_waits_and_what_is_refused_has_no_shortfall() -> None:
    assert _shortfall(expiring_quantity=0) is None
    refused = {"reason": "halted", "message": "PETR4 is halted."}
    assert _shortfall(expiring_quantity=100, would_be_refused=refused) is None
