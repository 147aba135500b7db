"""The terms that few orders ask for, wherever an order is told of."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.beginning.states import begin_orders
from api.live.orders import LiveOrders
from api.live.view import LiveView
from tests.api.exchange import ME, NOON_MS
from tests.api.near_engine import RecordedEngine

PLAIN: dict[str, Any] = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 9.5}
DEFAULTS = {"display_quantity": None, "post_only": False, "self_trade": "expire_taker", "expires_at_ms": None}
TERMS = {
    "display_quantity": 4,
    "post_only": True,
    "self_trade": "expire_both",
    "expires_at_ms": NOON_MS + 12_345,
}
RARE = PLAIN | TERMS | {"time_in_force": "gtd"}


def terms(told: dict[str, Any]) -> dict[str, Any]:
    """Give the rare terms of an order or a report."""
    return {name: told[name] for name in TERMS}


async def test_every_answer_about_an_order_tells_its_terms(
    client: httpx.AsyncClient, recorded: RecordedEngine
) -> None:
    placed = (await client.post("/orders", json=RARE)).json()
    plain = (await client.post("/orders", json=PLAIN)).json()
    assert (terms(placed), terms(plain)) == (TERMS, DEFAULTS)
    assert list(map(terms, (await client.get("/orders")).json())) == [DEFAULTS, TERMS]
    path = f"/orders/{placed['order_id']}"
    assert terms((await client.patch(path, json={"quantity": 8})).json()) == TERMS
    assert terms((await client.get(path)).json()) == TERMS
    begun = LiveView(books_from_start=True)
    with recorded.services.history.snapshot() as database:
        begin_orders(begun, database)
    assert begun.orders.open(ME, limit=9) == recorded.services.view.orders.open(ME, limit=9)
    assert terms((await client.delete(path)).json()) == TERMS
    # A view that begins now has not seen it, and the history has.
    recorded.services.view.orders = LiveOrders()
    assert terms((await client.get(path)).json()) == TERMS
    reports = (await client.get("/executions", params={"order_id": placed["order_id"]})).json()["executions"]
    assert [(row["execution_type"], terms(row)) for row in reports] == [
        ("canceled", TERMS),
        ("replaced", TERMS),
        ("new", TERMS),
    ]


async def test_a_refused_order_s_report_repeats_its_terms(
    client: httpx.AsyncClient, recorded: RecordedEngine
) -> None:
    refused = await client.post("/orders", json=RARE | {"order_id": "mine", "time_in_force": "ioc"})
    assert refused.status_code == 422
    assert terms((await client.get("/orders/mine")).json()) == TERMS
    (report,) = (await client.get("/executions", params={"order_id": "mine"})).json()["executions"]
    assert (report["execution_type"], terms(report)) == ("rejected", TERMS)


@pytest.mark.parametrize(
    "other",
    [
        {"display_quantity": 5},
        {"display_quantity": None},
        {"post_only": False},
        {"self_trade": "none"},
        {"self_trade": "expire_taker"},
        {"expires_at_ms": NOON_MS + 12_346},
        {"time_in_force": "gtc", "expires_at_ms": None},
    ],
)
async def test_other_terms_under_a_client_order_id_are_another_order(
    client: httpx.AsyncClient, recorded: RecordedEngine, other: dict[str, Any]
) -> None:
    order = RARE | {"client_order_id": "mine"}
    placed = (await client.post("/orders", json=order)).json()
    taken = await client.post("/orders", json=order | other)
    assert (taken.status_code, taken.json()["reason"]) == (409, "duplicate_order_id")
    again = await client.post("/orders", json=order)
    assert (again.status_code, again.json()) == (200, placed)
    # … also once it was amended, when the order as it stands says less.
    await client.patch(f"/orders/{placed['order_id']}", json={"quantity": 9})
    assert (await client.post("/orders", json=order | other)).status_code == 409
    assert (await client.post("/orders", json=order)).status_code == 200
    assert len((await client.get("/orders")).json()) == 1
