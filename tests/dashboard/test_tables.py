"""Tables show numbers as Brazilians write them, and keep them as numbers."""

from typing import Any

import msgspec
import pandas as pd
import pytest

from dashboard import downloads, figures, frames, tables
from homebroker.client import PastExecution
from tests.dashboard import answers


def _shown(table: pd.DataFrame) -> dict[str, list[str]]:
    told: Any = tables.written(table)._translate(False, False)
    rows = [[cell["display_value"] for cell in row if cell["type"] == "td"] for row in told["body"]]
    return {name: [str(row[place]) for row in rows] for place, name in enumerate(table.columns)}


def test_numbers_have_a_decimal_comma_and_dots_between_thousands() -> None:
    table = pd.DataFrame({"value": [1_234_567.891, 0.5], "held": [1_000_000, -1_000], "symbol": ["A1", "B2"]})
    assert _shown(table) == {
        "value": ["1.234.567,89", "0,50"],
        "held": ["1.000.000", "-1.000"],
        "symbol": ["A1", "B2"],
    }


def test_a_price_has_all_its_decimals_and_a_column_one_number_of_them() -> None:
    table = pd.DataFrame({"price": [38.51, 0.015, None], "average_price": [39.523333, 1.0, None]})
    assert _shown(table) == {"price": ["38,510", "0,015", "–"], "average_price": ["39,52", "1,00", "–"]}


def test_gains_carry_their_sign_and_nothing_has_none() -> None:
    table = pd.DataFrame({"realized": [12.5, -3.0, 0.0, -0.001, 0.001, None]})
    assert _shown(table) == {"realized": ["+12,50", "-3,00", "0,00", "0,00", "0,00", "–"]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_a_dash(value: float) -> None:
    assert _shown(pd.DataFrame({"kurtosis": [value, 1.0]})) == {"kurtosis": ["–", "1,00"]}


def test_shares_stay_whole_where_one_is_missing() -> None:
    shown = pd.array([1_000, None], dtype="Int64")
    assert _shown(pd.DataFrame({"display_quantity": shown})) == {"display_quantity": ["1.000", "–"]}
    found = [answers.EXECUTION, answers.EXECUTION | {"last_quantity": None, "execution_type": "new"}]
    life = frames.executions(msgspec.convert(found, list[PastExecution]))
    assert _shown(life)["traded"] == ["–", f"{answers.EXECUTION['last_quantity']}"]


def test_the_values_themselves_stay_as_they_are() -> None:
    table = pd.DataFrame({"price": [1_234.5], "quantity": [1_000]})
    styled = tables.written(table)
    pd.testing.assert_frame_equal(styled.data, table)
    assert downloads.csv(table).decode("utf-8-sig") == "price,quantity\n1234.5,1000\n"


def test_classes_of_sizes_have_dots_in_the_table_and_the_figure_and_none_in_the_file() -> None:
    table = pd.DataFrame({"size": ["1–9", "1000–4999", "5000+"], "trades": [1, 2, 3]})
    assert _shown(table)["size"] == ["1–9", "1.000–4.999", "5.000+"]
    assert list(figures.sizes(table).data[0].x) == ["1–9", "1.000–4.999", "5.000+"]
    assert "1000–4999" in downloads.csv(table).decode("utf-8-sig")


@pytest.mark.parametrize("text", ["1.234,57", "1234.567", "10.000", "10000"])
def test_a_number_is_found_as_it_is_shown_and_plain(text: str) -> None:
    table = pd.DataFrame({"value": [1_234.567, 5.0], "quantity": [10_000, 1]})
    assert frames.searched(table, text)["quantity"].tolist() == [10_000]


def test_no_line_is_drawn_through_the_time_in_which_nobody_traded() -> None:
    minutes = [0, 5, 10, 20, 300, 305]
    times = pd.to_datetime([60_000 * minute for minute in minutes], unit="ms", utc=True)
    table = pd.DataFrame({"PETR4": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}, index=times)
    drawn = figures.parted(table)["PETR4"]
    assert drawn.isna().tolist() == [False] * 4 + [True] + [False] * 2
    assert drawn.dropna().tolist() == table["PETR4"].tolist()
    assert drawn.index.is_monotonic_increasing
    whole = table.iloc[:4]
    assert figures.parted(whole) is whole
    for short in (table.iloc[:0], table.iloc[:1]):
        assert figures.parted(short) is short
