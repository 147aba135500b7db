"""What the API's double answers has no field that the API's answers lack, and all that the page reads."""

from dataclasses import fields
from typing import Any

import msgspec
import pytest

from api import payloads
from api.history.executions import ExecutionRow
from homebroker.client import Account, Candle, Order, OrderPreview, PastExecution, Position, Ticker, Trade
from tests.dashboard import answers

REAL: list[tuple[dict[str, Any], Any, Any]] = [
    (answers.TICKER, payloads.Ticker, Ticker),
    (answers.ACCOUNT, payloads.AccountRow, Account),
    (answers.POSITION, payloads.PositionRow, Position),
    (answers.ORDER, payloads.OrderRow, Order),
    (answers.PENDING, payloads.PendingOrder, Order),
    (answers.PREVIEW, payloads.OrderPreview, OrderPreview),
    (answers.EXECUTION, ExecutionRow, PastExecution),
    (answers.TRADE, payloads.TradeRow, Trade),
    (answers.CANDLE, payloads.Candle, Candle),
]


@pytest.mark.parametrize(("answer", "row", "read"), REAL)
def test_a_double_s_answer_is_like_the_real_one_and_is_read(
    answer: dict[str, Any], row: Any, read: Any
) -> None:
    assert set(answer) <= {field.name for field in fields(row)}
    assert msgspec.convert(answer, read)
