"""Files of others as logs and trades: LOBSTER messages, Binance's and Bitstamp's trades, plain flow."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import homebroker as hb
from engine.domain import Side
from homebroker.order_flow.importing import log_from_file, read_plain
from homebroker.order_flow.lobster import MAKER_ID, TAKER_ID, read_lobster
from homebroker.order_flow.reading import FlowError
from homebroker.order_flow.trade_files import read_trades
from tests.unit.order_flow import expected_trades, flow_text, random_flow

NAME = "TEST_2012-06-21_34200000_57600000_message_5.csv"


def _lobster(tmp_path: Path, rows: list[str], name: str = NAME) -> Path:
    path = tmp_path / name
    path.write_text("\n".join(rows) + "\n")
    return path


class _Nasdaq:
    """A plain book that writes messages as LOBSTER does, the beginning left out."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._resting: list[list[int]] = []  # id, size, price, direction
        self._ids = iter(range(1, 10**9))
        self.messages: list[tuple[int, ...]] = []
        self.trades: list[tuple[int, int, int]] = []

    def step(self) -> None:
        dice = self._dice
        roll = dice.random()
        direction = dice.choice([-1, 1])
        if roll < 0.5 or not self._resting:
            price = 1_000_000 - direction * 100 * dice.randint(1, 6)
            order = [next(self._ids), dice.randint(1, 300), price, direction]
            self._resting.append(order)
            self.messages.append((1, *order))
        elif roll < 0.65:
            order = dice.choice(self._resting)
            if order[1] > 1:
                size = dice.randint(1, order[1] - 1)
                order[1] -= size
                self.messages.append((2, order[0], size, *order[2:]))
        elif roll < 0.8:
            order = dice.choice(self._resting)
            self._resting.remove(order)
            self.messages.append((3, *order))
        else:
            self._execute(direction, dice.randint(1, 500))

    def _execute(self, direction: int, size: int) -> None:
        queue = [order for order in self._resting if order[3] == direction]
        for order in sorted(queue, key=lambda order: (-direction * order[2], order[0])):
            taken = min(size, order[1])
            if not taken:
                break
            size -= taken
            order[1] -= taken
            if not order[1]:
                self._resting.remove(order)
            self.messages.append((4, order[0], taken, order[2], direction))
            self.trades.append((order[0], order[2], taken))


@pytest.mark.parametrize("seed", range(4))
def test_lobster_messages_replay_to_their_executions(tmp_path: Path, seed: int) -> None:
    nasdaq = _Nasdaq(seed)
    for _ in range(200):
        nasdaq.step()
    # The file begins in the middle of a day: what rests by then is known only by what becomes of it.
    nasdaq.messages.clear()
    nasdaq.trades.clear()
    for _ in range(800):
        nasdaq.step()
    rows = [
        f"{34200 + number / 10:.9f}," + ",".join(map(str, message))
        for number, message in enumerate(nasdaq.messages)
    ]
    rows.insert(50, "34204.95,5,0,100,1000000,1")
    found = read_lobster(_lobster(tmp_path, rows))
    assert found.symbol == "TEST"
    assert (found.rows, found.ignored) == (len(rows), 1)
    assert found.seeded > 0
    run = hb.replay(found.log)
    trades = run.transactions
    makers = np.where(trades["taker_side"] == "buy", trades["sell_order_id"], trades["buy_order_id"])
    ours = list(zip(makers, trades["price"], trades["quantity"], strict=True))
    assert ours == [(str(order), price / 10_000, size) for order, price, size in nasdaq.trades]
    assert len(ours) > 30
    assert ours == list(found.executed.itertuples(index=False, name=None))
    refused = run.executions[run.executions["status"] == "rejected"]
    assert refused.empty, refused[["reason", "message"]]
    assert trades.index[-1].tz_convert("America/New_York").date().isoformat() == "2012-06-21"
    assert trades.index[0].tz_convert("America/New_York").hour == 9


def test_lobster_halts_stop_the_market_and_open_it_again(tmp_path: Path) -> None:
    rows = [
        "34200.1,1,7,100,1000000,1",
        "34201.0,7,0,0,-1,-1",
        "34202.0,1,8,100,999900,1",
        "34203.0,7,0,0,0,-1",
        "34204.0,7,0,0,1,-1",
        "34205.0,1,9,100,999800,1",
    ]
    run = hb.replay(read_lobster(str(_lobster(tmp_path, rows))).log)
    status = run.executions.set_index("order_id")["reason"]
    assert (status["8"], pd.isna(status["7"]), pd.isna(status["9"])) == ("halted", True, True)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("34201,9,8,100,1000000,1", "line 2.*no type"),
        ("34199,1,8,100,1000000,1", "line 2.*back in time"),
        ("34201,1,8,0,1000000,1", "line 2.*no possible size"),
        ("34201,1,8,100,0,1", "line 2.*no possible price"),
        ("34201,1,8,100,1000000,0", "line 2.*no direction"),
        ("34201,1,8,1.5,1000000,1", "line 2.*fraction"),
        ("34201,1,eight,100,1000000,1", "line 2.*no number"),
        ("34201,1,7,100,1000000,1", "line 2.*there before"),
        ("99999,1,8,100,1000000,1", "line 2.*within a day"),
    ],
)
def test_what_is_no_message_is_named_by_its_line(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(FlowError, match=says):
        read_lobster(_lobster(tmp_path, ["34200,1,7,100,1000000,1", row]))


@pytest.mark.parametrize("content", ["", "a,b,c\n", "\x00\xff" * 40])
def test_files_that_are_something_else_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FlowError):
        log_from_file(path)
    with pytest.raises(FlowError):
        read_lobster(path)
    for form in ("binance", "bitstamp"):
        with pytest.raises(FlowError):
            read_trades(path, form)  # type: ignore[arg-type]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"nothing\.csv.*check the path"):
        hb.replay(tmp_path / "nothing.csv")


@pytest.mark.parametrize("seed", range(3))
def test_plain_flow_replays_in_memory_to_the_same_trades(tmp_path: Path, seed: int) -> None:
    flow = random_flow(seed, rows=500)
    path = tmp_path / "day_test4.commands.csv.gz"
    path.write_bytes(gzip.compress(flow_text(flow).encode()))
    imported = read_plain(path)
    assert imported.symbol == "TEST4"
    assert imported.rows == 500
    trades = hb.replay(path).transactions
    found = [
        (buy.removeprefix("flow:"), sell.removeprefix("flow:"), round(price * 100), quantity)
        for buy, sell, price, quantity in zip(
            trades["buy_order_id"], trades["sell_order_id"], trades["price"], trades["quantity"], strict=True
        )
    ]
    assert found == [trade[1:] for trade in expected_trades(flow)]
    # Rows carry no clock; they are spread over a session, in order.
    assert trades.index.is_monotonic_increasing
    assert trades.index[0] >= pd.Timestamp("1970-01-01T13:00Z")
    assert trades.index[-1] <= pd.Timestamp("1970-01-01T19:55Z")


# Trades of others


def test_binance_trades_become_candles(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-trades.csv"
    path.write_text(
        "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n"
        "1,100.5,0.25,25.125,1735689600000,True,True\n"
        "2,101.0,0.5,50.5,1735689630000,false,True\n"
        "3,99.5,1.0,99.5,1735689660000000,true,True\n"  # microseconds, as of 2025
    )
    trades = read_trades(path, "binance")
    assert trades["taker_side"].tolist() == ["sell", "buy", "sell"]
    assert trades["trade_id"].tolist() == [1, 2, 3]
    candles = hb.candles_from(trades, "1m")
    assert candles.to_numpy().tolist() == [
        [100.5, 101.0, 100.5, 101.0, 0.75, 2],
        [99.5, 99.5, 99.5, 99.5, 1.0, 1],
    ]
    assert candles.index.tolist() == [pd.Timestamp("2025-01-01T00:00Z"), pd.Timestamp("2025-01-01T00:01Z")]


def test_binance_aggregates_and_bitstamp_s_too(tmp_path: Path) -> None:
    binance = tmp_path / "agg.csv.gz"
    binance.write_bytes(
        gzip.compress(b"9,100.5,2,11,13,1735689600000,false\n10,100.4,1,14,14,1735689601000,true\n")
    )
    trades = read_trades(binance, "binance_agg")
    assert trades[["price", "quantity", "trade_id"]].to_numpy().tolist() == [[100.5, 2, 9], [100.4, 1, 10]]
    assert trades["taker_side"].tolist() == ["buy", "sell"]
    bitstamp = tmp_path / "bitstampUSD.csv"
    bitstamp.write_text("1735689660,101.5,0.1\n1735689600,100.5,0.25\n")
    trades = read_trades(str(bitstamp), "bitstamp")
    assert trades["price"].tolist() == [100.5, 101.5]
    assert trades.index[0] == pd.Timestamp("2025-01-01T00:00Z")
    assert "taker_side" not in trades


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2,x,0.5,50.5,1735689630000,false", "line 2.*no number"),
        ("2,-1,0.5,50.5,1735689630000,false", "line 2.*no possible price"),
        ("2,1,0,50.5,1735689630000,false", "line 2.*no possible quantity"),
        ("2,1,1,50.5,1735689630000,maybe", "line 2.*buyer is maker"),
        ("2,1,1,50.5,-5,true", "line 2.*no possible time"),
        ("2,nan,1,50.5,1735689630000,true", "line 2.*no number"),
    ],
)
def test_what_is_no_trade_is_named_by_its_line(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(f"1,100.5,0.25,25.125,1735689600000,True\n{row}\n")
    with pytest.raises(FlowError, match=says):
        read_trades(path, "binance")
    with pytest.raises(ValueError, match="choose one of"):
        read_trades(path, "nyse")  # type: ignore[arg-type]


def test_the_makers_and_takers_have_their_accounts(tmp_path: Path) -> None:
    log = read_lobster(_lobster(tmp_path, ["34200,1,7,100,1000000,1", "34201,4,7,40,1000000,1"])).log
    trade = hb.replay(log).transactions.iloc[0]
    assert (trade["buyer_id"], trade["seller_id"], trade["taker_side"]) == (MAKER_ID, TAKER_ID, Side.SELL)
