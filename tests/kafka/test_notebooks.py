"""Every notebook, run top to bottom against a real market; what its cells produced is looked at.

A notebook runs in a process of its own, by nbclient's own program, the way a reader's would. A cell added
behind the last tells the values to compare; the outputs themselves are in the file that was run.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from engine.domain import OrderType, Place, Side
from engine.log import Connection, LogWriter, NewRecord
from engine.topics import ORDERS, TRANSACTIONS
from engine.wire.commands import encode_command
from engine.wire.records import Transaction, decode_transaction
from tests.market import Market, environment_of
from tests.seeded_market import records_of, seeded_market

pytestmark = pytest.mark.kafka
NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
_PLOTLY = "application/vnd.plotly.v1+json"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_outputs_are_not_kept_and_the_readme_names_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None, cell.source
    assert path.name in (NOTEBOOKS / "README.md").read_text(encoding="utf-8")


async def test_follow_the_tape(market: Market, tmp_path: Path) -> None:
    connection = market.connection
    async with seeded_market(connection):
        before = await _tape(connection)
        symbol = before[-1].symbol
        trading = asyncio.create_task(_trade_on(connection, symbol))
        try:
            cells, told = await _run(
                NOTEBOOKS / "01_follow_the_tape.ipynb",
                market,
                tmp_path,
                """
                {
                    "read": trades["transaction_id"].tolist(),
                    "candle_symbol": symbol,
                    "volume": int(candles["volume"].sum()),
                    "live": [row[0] for row in live],
                }
                """,
            )
        finally:
            trading.cancel()
            await asyncio.wait({trading})
        tape = await _tape(connection)
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


async def _tape(connection: Connection) -> list[Transaction]:
    return [decode_transaction(record.value or b"") for record in await records_of(connection, TRANSACTIONS)]


async def _trade_on(connection: Connection, symbol: str) -> None:
    """Buy a share at the market and sell it again, until cancelled."""
    async with LogWriter(connection) as writer:
        number = 0
        while True:
            number += 1
            order = Place(
                order_id=f"live-{number}",
                investor_id="demo",
                symbol=symbol,
                side=Side.BUY if number % 2 else Side.SELL,
                quantity=1,
                type=OrderType.MARKET,
            )
            await writer.append(ORDERS, NewRecord(b"demo", encode_command(order)))
            await asyncio.sleep(0.05)


async def _run(path: Path, market: Market, directory: Path, tell: str) -> tuple[dict[str, Any], Any]:
    """Run a notebook; give its cells by id, and what the expression `tell` is at the end."""
    notebook = nbformat.read(path, as_version=4)
    source = f"import json\n\nprint(json.dumps({tell.strip()}))"
    notebook.cells.append(nbformat.v4.new_code_cell(source, id="told"))
    run = directory / path.name
    nbformat.write(notebook, run)
    environment = environment_of(
        market.settings,
        # The kernels of this environment and the files of this test, not those of whoever runs it.
        JUPYTER_PREFER_ENV_PATH="1",
        JUPYTER_DATA_DIR=str(directory / "data"),
        JUPYTER_RUNTIME_DIR=str(directory / "runtime"),
        JUPYTER_CONFIG_DIR=str(directory / "config"),
        IPYTHONDIR=str(directory / "ipython"),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jupyter",
        "execute",
        "--inplace",
        "--timeout=120",
        str(run),
        env=environment,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    cells = {cell.id: cell for cell in nbformat.read(run, as_version=4).cells}
    for cell in cells.values():
        complaints = [out for out in cell.get("outputs", []) if out.get("name") == "stderr"]
        assert not complaints, complaints
    return cells, json.loads(cells["told"].outputs[0]["text"])


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
