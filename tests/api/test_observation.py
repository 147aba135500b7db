"""What is seen of requests from outside: their names, and what Prometheus reads."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.observation import REQUEST_ID_HEADER
from tests.api.people import stranger

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}


async def counted(client: httpx.AsyncClient, sample: str, **labels: str) -> float:
    """Read one figure of the API's metrics; 0 where it is not there."""
    text = (await client.get("/metrics")).text
    values = [
        found.value
        for family in text_string_to_metric_families(text)
        for found in family.samples
        if found.name == sample and labels.items() <= found.labels.items()
    ]
    return sum(values)


@pytest.mark.parametrize("path", ["/health", "/no-such-route", "/orders/unknown"])
async def test_an_answer_carries_the_name_that_the_client_gave(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={REQUEST_ID_HEADER: "from-my-robot.1"})
    assert answer.headers[REQUEST_ID_HEADER] == "from-my-robot.1"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a,b", "ação".encode("latin-1").decode("latin-1")])
async def test_a_name_that_is_not_plain_is_replaced(client: httpx.AsyncClient, name: str) -> None:
    headers = [(REQUEST_ID_HEADER.encode(), name.encode("latin-1"))]
    given = [(await client.get("/health", headers=headers)).headers[REQUEST_ID_HEADER] for _ in range(2)]
    assert name not in given
    assert len(set(given)) == 2


async def test_requests_are_counted_by_route_and_not_by_path(client: httpx.AsyncClient) -> None:
    labels = {"method": "GET", "route": "/book/{symbol}", "status": "404"}
    before = await counted(client, "homebroker_api_request_seconds_count", **labels)
    for number in range(3):
        await client.get(f"/book/SECRET{number}")
    assert await counted(client, "homebroker_api_request_seconds_count", **labels) == before + 3
    assert "SECRET" not in (await client.get("/metrics")).text


async def test_made_up_methods_and_paths_make_no_new_series(client: httpx.AsyncClient) -> None:
    for number in range(20):
        await client.request(f"FETCH{number}", f"/made/up/{number}")
    text = (await client.get("/metrics")).text
    assert "FETCH" not in text
    assert "made" not in text
    assert await counted(client, "homebroker_api_request_seconds_count", method="other", route="other") >= 20


async def test_answered_commands_are_measured(client: httpx.AsyncClient) -> None:
    before = await counted(client, "homebroker_api_command_seconds_count")
    await client.post("/orders", json=ORDER)
    await client.post("/account/deposits", json={"cash": 10})
    assert await counted(client, "homebroker_api_command_seconds_count") == before + 2


async def test_metrics_are_open_and_tell_of_nobody(client: httpx.AsyncClient, app: FastAPI) -> None:
    await client.post("/orders", json=ORDER)
    async with stranger(app) as anybody:
        text = (await anybody.get("/metrics")).text
    assert 'homebroker_api_streams{feed="private"} 0.0' in text
    assert "demo" not in text
