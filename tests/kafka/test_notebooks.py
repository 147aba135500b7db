"""Every notebook, run top to bottom against a real market; what its cells produced is looked at.

All run in one kernel, one after the other, beside one market: starting both costs more than most notebooks. A
cell added behind the last tells the values to compare.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from engine.domain import ExecutionType
from engine.log import Connection
from engine.topics import EXECUTIONS, TRANSACTIONS
from engine.wire.records import Transaction, decode_execution, decode_transaction
from tests.market import Market
from tests.notebook_runs import NOTEBOOKS, run_notebooks, trading
from tests.seeded_market import records_of, seeded_market

_PLOTLY = "application/vnd.plotly.v1+json"
_PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
_TELLS = {
    "01_follow_the_tape.ipynb": """{
        "read": trades["transaction_id"].tolist(),
        "candle_symbol": symbol,
        "volume": int(candles["volume"].sum()),
        "live": [row[0] for row in live],
    }""",
    "02_candles_and_indicators.ipynb": """{
        "rsi": study["rsi"].dropna().tolist(),
        "vwap": float(study["vwap"].dropna().iloc[-1]),
        "trades": [trades["price"].tolist(), trades["quantity"].tolist()],
    }""",
    "03_order_book_dynamics.ipynb": """{
        "bid": book[book["side"] == "buy"]["price"].iloc[0],
        "bid_then": depth["bid_1"].iloc[len(depth) // 2],
        "seconds": len(depth),
        "counted": int(signal["size"].sum()),
        "spread": float((depth["ask_1"] - depth["bid_1"]).min()),
    }""",
    "04_market_impact.ipynb": """{
        "slippage": takers["slippage_bps"].tolist(),
        "shares": int(takers["shares"].sum()),
        "walk": walk["slippage_bps"].tolist(),
    }""",
    "05_replay_and_what_if.ipynb": """{
        "same": bool(same),
        "filled": int(bought["last_quantity"].sum()),
        "kinds": sorted(set(study.difference["kind"])),
        "first_bps": rows[500]["slippage, bps"],
        "last_bps": rows[10_000]["slippage, bps"],
    }""",
    "06_market_making.ipynb": """{
        "fills": int(report.summary["fills"]),
        "fees": float(report.summary["fees"]),
        "turnover": float(report.summary["turnover"]),
        "rows": len(rows),
        "reacting": [each["fills"] for each in reacting],
        "live": live.orders["order_id"].tolist(),
        "open": int(live.orders["status"].isin(["pending", "new", "partially_filled"]).sum()),
    }""",
    "07_transaction_costs.ipynb": """{
        "investor": investor,
        "filled": int(shares.sum()),
        "average": average,
        "arrival": float(arrival),
        "shortfall": sum(parts.values()),
        "fee": parts["fee"],
    }""",
}


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: path.stem)
def test_outputs_are_not_kept_and_the_readme_names_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None, cell.source
    assert path.name in (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    assert path.name in _TELLS


@pytest.mark.kafka
async def test_every_notebook_runs_and_says_what_is_so(market: Market, tmp_path: Path) -> None:
    connection = market.connection
    tells = {name: f"import json\n\nprint(json.dumps({told}))" for name, told in _TELLS.items()}
    async with seeded_market(connection):
        before = await _tape(connection)
        async with trading(connection):
            run = await run_notebooks(market, tmp_path, _PATHS, tells)
        tape = await _tape(connection)
        executions = [
            decode_execution(record.value or b"") for record in await records_of(connection, EXECUTIONS)
        ]
    told = {}
    for name, notebook in run.items():
        for cell in notebook.cells:
            complaints = [out for out in cell.get("outputs", []) if out.get("name") == "stderr"]
            assert not complaints, (name, complaints)
        told[name] = json.loads(notebook.cells[-1].outputs[-1]["text"])
    first = "01_follow_the_tape.ipynb"
    _check_tape(_cells(run[first]), told[first], before, tape)
    for name, check in _CHECKS.items():
        check(told[name], tape)
    _check_orders(told, executions)


def _check_tape(
    cells: dict[str, Any], told: dict[str, Any], before: list[Transaction], tape: list[Transaction]
) -> None:
    ids = [trade.transaction_id for trade in tape]

    # The tape: every trade there was when the cell ran, in order.
    assert len(told["read"]) >= len(before) > 100
    assert told["read"] == ids[: len(told["read"])]
    assert "PETR4" in _html(cells["symbols"])

    # The candles: drawn, and made of trades, of one symbol.
    candles, bars = _figure(cells["chart"])["data"]
    assert (candles["type"], bars["type"]) == ("candlestick", "bar")
    assert _figure(cells["chart"])["layout"]["title"]["text"].startswith(told["candle_symbol"])
    assert len(_numbers(candles["open"])) == len(candles["x"]) > 5
    of_symbol = [trade for trade in tape if trade.symbol == told["candle_symbol"]]
    minutes: dict[int, list[float]] = {}
    for trade in of_symbol:
        minutes.setdefault(trade.time_ms // 60_000, []).append(trade.price)
    # The newest candle was still growing.
    whole = len(candles["x"]) - 1
    for name, fold in {"open": itemgetter(0), "high": max, "low": min, "close": itemgetter(-1)}.items():
        expected = [fold(prices) for prices in minutes.values()]
        assert _numbers(candles[name])[:whole] == expected[:whole], name
    assert sum(_numbers(bars["y"])) == told["volume"]
    at_the_least = sum(trade.quantity for trade in before if trade.symbol == told["candle_symbol"])
    assert at_the_least <= told["volume"] <= sum(trade.quantity for trade in of_symbol)

    # The live tail: ten trades in a row, none of which the table had.
    assert len(told["live"]) == 10
    first = ids.index(told["live"][0])
    assert told["live"] == ids[first : first + 10]
    assert first >= len(told["read"])


def _check_indicators(told: dict[str, Any], tape: list[Transaction]) -> None:
    prices, quantities = told["trades"]
    ours = [(trade.price, trade.quantity) for trade in tape if trade.symbol == "PETR4"]
    assert list(zip(prices, quantities, strict=True)) == ours[: len(prices)]
    assert told["vwap"] == pytest.approx(np.average(prices, weights=quantities))
    assert len(told["rsi"]) > 5
    assert all(0 <= value <= 100 for value in told["rsi"])


def _check_book(told: dict[str, Any], _tape: list[Transaction]) -> None:
    assert told["bid"] == told["bid_then"]
    assert told["counted"] == told["seconds"] > 100
    assert told["spread"] >= 0.0099


def _check_impact(told: dict[str, Any], tape: list[Transaction]) -> None:
    # Nobody who takes gets a better price than the middle, and deeper levels are dearer.
    assert min(told["slippage"]) >= -1e-6
    assert told["walk"] == sorted(told["walk"])
    assert 0 < told["shares"] <= sum(trade.quantity for trade in tape if trade.symbol == "PETR4")


def _check_what_if(told: dict[str, Any], _tape: list[Transaction]) -> None:
    assert told["same"] is True
    assert told["filled"] > 0
    assert "new" in told["kinds"]
    assert 0 < told["first_bps"] <= told["last_bps"]


def _check_market_making(told: dict[str, Any], _tape: list[Transaction]) -> None:
    assert told["fills"] > 5
    # Every fill is a maker's, at one basis point, rounded to the ten-thousandth.
    assert told["fees"] == pytest.approx(told["turnover"] / 10_000, abs=told["fills"] * 0.00005)
    assert told["rows"] == 6
    # Wider quotes are filled less often, also where the others react.
    assert told["reacting"] == sorted(told["reacting"], reverse=True) and told["reacting"][0] > 5
    assert told["open"] == 0


def _check_costs(told: dict[str, Any], tape: list[Transaction]) -> None:
    bought = [trade for trade in tape if trade.buyer_id == told["investor"]]
    assert told["filled"] == sum(trade.quantity for trade in bought) == 2_000
    average = sum(trade.price * trade.quantity for trade in bought) / told["filled"]
    assert told["average"] == pytest.approx(average)
    # The parts add up to what was paid above the price at arrival.
    paid_bps = told["shortfall"] - told["fee"]
    assert paid_bps == pytest.approx((average / told["arrival"] - 1) * 10_000)


_CHECKS: dict[str, Callable[[dict[str, Any], list[Transaction]], None]] = {
    "02_candles_and_indicators.ipynb": _check_indicators,
    "03_order_book_dynamics.ipynb": _check_book,
    "04_market_impact.ipynb": _check_impact,
    "05_replay_and_what_if.ipynb": _check_what_if,
    "06_market_making.ipynb": _check_market_making,
    "07_transaction_costs.ipynb": _check_costs,
}


def _check_orders(told: dict[str, Any], executions: list[Any]) -> None:
    """The live orders of both notebooks were in this market, and none of them is left in it."""
    live = told["06_market_making.ipynb"]["live"]
    assert live
    ended = {report.order_id: report.status for report in executions}
    assert {ended[order_id] for order_id in live} <= {"filled", "canceled", "rejected"}
    investor = told["07_transaction_costs.ipynb"]["investor"]
    of_investor = [report for report in executions if report.investor_id == investor]
    assert (
        sum(report.last_quantity for report in of_investor if report.execution_type is ExecutionType.TRADE)
        == 2_000
    )


async def _tape(connection: Connection) -> list[Transaction]:
    return [decode_transaction(record.value or b"") for record in await records_of(connection, TRANSACTIONS)]


def _cells(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells}


def _html(cell: Any) -> str:
    return "".join(out["data"].get("text/html", "") for out in cell.outputs if "data" in out)


def _figure(cell: Any) -> Any:
    (figure,) = [out["data"][_PLOTLY] for out in cell.outputs if _PLOTLY in out.get("data", {})]
    return figure


def _numbers(values: Any) -> list[float]:
    """Read an array of a figure: plain, or as plotly sends numpy's, base64 of its bytes."""
    if isinstance(values, list):
        return values
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
