"""What people are told of input that is not good, and ids that look like paths."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from tests.api.people import sign_in, stranger

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}


@pytest.mark.parametrize("order_id", ["a/b", "../x", "preview", "a b?c=d#e", "a%2Fb", "ação"])
async def test_an_order_whose_id_looks_like_a_path_can_be_read_amended_and_canceled(
    client: httpx.AsyncClient, order_id: str
) -> None:
    assert (await client.post("/orders", json=ORDER | {"order_id": order_id})).status_code == 201
    path = f"/orders/{quote(order_id, safe='')}"
    assert (await client.get(path)).json()["order_id"] == order_id
    amended = await client.patch(path, json={"quantity": 5})
    assert (amended.status_code, amended.json()["quantity"]) == (200, 5)
    canceled = await client.delete(path)
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")


async def test_an_account_whose_id_looks_like_a_path_can_be_given_money(app: FastAPI) -> None:
    async with stranger(app) as admin:
        await sign_in(admin, "admin")
        assert (await admin.post("/admin/accounts", json={"investor_id": "desk/1"})).status_code == 201
        given = await admin.post("/admin/accounts/desk%2F1/deposits", json={"cash": 5.0})
        assert given.status_code == 200, given.text


async def test_canceling_without_an_id_cancels_nothing(client: httpx.AsyncClient) -> None:
    client.follow_redirects = True
    order_id = (await client.post("/orders", json=ORDER)).json()["order_id"]
    assert (await client.delete("/orders/")).status_code == 422
    # Nothing is led on from a path with a slash too many to another one.
    assert (await client.get("/orders/../account/")).status_code == 404
    assert (await client.get(f"/orders/{order_id}")).json()["status"] == "new"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"symbol": "petr4"},
            "symbol: give capitals, digits, dots and hyphens, at most 16 of them, as in PETR4.",
        ),
        ({"symbol": 5}, "symbol: give a text, in quotes."),
        ({"side": "BUY"}, "side: give 'buy' or 'sell'."),
        ({"quantity": 1.5}, "quantity: give a whole number, without quotes or a decimal point."),
        ({"quantity": "100"}, "quantity: give a whole number, without quotes or a decimal point."),
        ({"quantity": 0}, "quantity: give at least 1."),
        ({"quantity": 10**9}, "quantity: give at most 100,000,000."),
        ({"price": 0}, "price: give more than 0."),
        ({"price": 10**9}, "price: give at most 1,000,000."),
        ({"price": [1]}, "price: give a number."),
        ({"price": float("nan")}, "price: give a number that is neither infinite nor NaN."),
        ({"post_only": "yes"}, "post_only: give true or false, without quotes."),
        ({"order_id": "a\nb"}, "order_id: leave out control characters, such as line breaks."),
        ({"order_id": ""}, "order_id: give at least 1 characters."),
        ({"order_id": "a" * 65}, "order_id: give at most 64 characters."),
    ],
)
async def test_a_wrong_field_is_told_as_what_to_give_instead(
    client: httpx.AsyncClient, changed: dict[str, Any], message: str
) -> None:
    answer = await client.post(
        "/orders", content=json.dumps(ORDER | changed), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["message"]) == (422, message)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 422, "Send one JSON object as the body"),
        (b"null", 422, "Send one JSON object as the body"),
        (b"[]", 422, "Send one JSON object as the body"),
        (b"{", 400, "check its quotes, commas and braces"),
        (b'{"symbol":"\xff"}', 400, "send JSON in UTF-8"),
        (b"{}", 422, "symbol: is missing; give it."),
    ],
)
async def test_a_body_that_is_none_is_told_of(
    client: httpx.AsyncClient, body: bytes, status: int, told: str
) -> None:
    answer = await client.post("/orders", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert told in answer.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/orders?limit=abc",
        "/orders?limit=1e9",
        "/orders?limit=99999999999999999999999",
        "/candles/PETR4?interval=2m",
        "/candles/PETR4?limit=0",
        "/transactions?price_min=nan",
        "/transactions?side=x",
        "/transactions?format=xls",
        "/portfolio/history?interval=1s",
        f"/orders/{'a' * 65}",
        "/orders/%00",
    ],
)
async def test_no_answer_speaks_of_the_validator(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 422
    message = answer.json()["message"]
    assert ": give " in message or ": leave out " in message or ": is too large" in message
    assert message.endswith(".")
