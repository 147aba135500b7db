"""Numbers as Brazilians write and mean them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import formats


@given(st.integers(1, 10**11), st.sampled_from([2, 3, 4]))
def test_a_written_price_is_read_back(units: int, decimals: int) -> None:
    value = units / 10**decimals
    assert formats.parse_price(formats.number(value, decimals)) == value


@given(st.integers(0, 10**11))
def test_a_written_quantity_is_read_back(value: int) -> None:
    assert formats.parse_whole(formats.number(value)) == value
    assert formats.parse_whole(str(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("38,51", 38.51), ("38.51", 38.51), ("1.234,56", 1234.56), ("R$ 10", 10.0), (" 7,5 ", 7.5)],
)
def test_prices_are_read_as_they_are_meant(text: str, value: float) -> None:
    assert formats.parse_price(text) == value


# 38.510 is 38510 to a Brazilian and 38.51 to others; a wrong guess would cost a thousandfold.
@pytest.mark.parametrize(
    "text", ["38.510", "1,234.56", "12.34,5", "-3", "", "abc", "1e3", "٣٨", "1,", "nan", "inf"]
)
def test_what_could_mean_something_else_is_no_price(text: str) -> None:
    assert formats.parse_price(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("5.000", 5000.0), ("R$ 1.234.567", 1234567.0), ("5000,50", 5000.5), ("12.5", 12.5)]
)
def test_in_an_amount_of_money_dots_may_stand_between_thousands(text: str, value: float) -> None:
    assert formats.parse_amount(text) == value


@pytest.mark.parametrize("text", ["", "abc", "5.00.000", "1,234.56", "-5.000"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert formats.parse_amount(text) is None


@pytest.mark.parametrize("text", ["1,5", "1.5", "10.00", "-1", "", "1 000", "1_000", "١٠"])
def test_what_is_no_whole_number_is_no_quantity(text: str) -> None:
    assert formats.parse_whole(text) is None


@pytest.mark.parametrize(("tick", "decimals"), [(0.01, 2), (1.0, 2), (0.05, 2), (0.005, 3), (0.0001, 4)])
def test_a_price_has_the_decimals_of_its_tick(tick: float, decimals: int) -> None:
    assert formats.decimals_of(tick) == decimals
