"""Whatever the functions of `hb` are given instead of what they take ends in a sentence: what to do."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import homebroker as hb
from homebroker.strategy.strategy import Strategy

NOTHING_THERE = "127.0.0.1:1"
WRONG = (
    *(None, 5, -1, 2.5, float("nan"), float("inf"), True, 10**30),
    *("", "x", "\x00", b"x", "2999-01-01T00:00+00:00", "1h"),
    *([], [1], {}, {"a": 1}, object(), Strategy, datetime(2030, 1, 1)),
    *(pd.DataFrame(), pd.DataFrame({"a": [1]}), pd.DataFrame({"price": ["x"]}, index=pd.to_datetime([0]))),
)
# What is good for the other arguments.
GOOD: dict[str, Any] = {
    "symbol": "PETR4",
    "topic": "transactions",
    "time": "1h",
    "sql": "SELECT 1",
    "commands": [],
    "base": [],
    "format": "binance",
    "path": "/no/such/file",
    "seconds": 1,
    "strategy": Strategy(),
}
# Values with fields of plain types, which their author writes down.
_VALUES = {"Account", "Fees", "Latency", "CommandLog", "Replay", "Report", "WhatIf", "Strategy"}


_SAID = (TypeError, ValueError, RuntimeError)


def _functions() -> list[tuple[str, str]]:
    found = []
    for name in sorted(set(hb.__all__) - _VALUES):
        thing = getattr(hb, name)
        if not (inspect.isclass(thing) and issubclass(thing, Exception)):
            found += [(name, parameter) for parameter in inspect.signature(thing).parameters]
    return found


@pytest.fixture(autouse=True)
def no_market(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let there be neither a market nor a history."""
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", NOTHING_THERE)
    monkeypatch.setenv("HOMEBROKER_DATA_DIR", str(tmp_path))

    def refuse(connection: Any, *_: object, **__: object) -> Any:
        raise hb.NoMarketError.at(connection, "it is a test")

    for place in ("reading.missing_topics", "reading.LogReader"):
        monkeypatch.setattr(f"homebroker.research.{place}", refuse)


@pytest.mark.parametrize(("name", "parameter"), _functions())
def test_a_wrong_argument_ends_in_a_sentence(name: str, parameter: str) -> None:
    function = getattr(hb, name)
    needed = [
        each.name
        for each in inspect.signature(function).parameters.values()
        if each.default is inspect.Parameter.empty
    ]
    for wrong in WRONG:
        arguments = {each: GOOD.get(each) for each in needed} | {parameter: wrong}
        try:
            given = function(**arguments)
            if inspect.isasyncgen(given):
                asyncio.run(anext(given))
        except Exception as error:  # noqa: BLE001 - which one it is, is the question
            raised = traceback.extract_tb(error.__traceback__)[-1]
            ours = any(part in raised.filename for part in ("/homebroker/", "/engine/", "/tests/"))
            assert ours, f"{wrong!r}: {error!r}"
            assert isinstance(error, _SAID), f"{wrong!r}: {error!r}"
            assert len(str(error)) > 20, f"{wrong!r}: {error!r}"
            assert str(error).rstrip().endswith((".", "?")), f"{wrong!r}: {error!r}"
