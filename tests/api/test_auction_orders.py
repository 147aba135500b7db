"""Orders at the opening and at the close, as they are asked for, told of, and end."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from engine.domain import Phase, SetPhase, Side
from tests.api.near_engine import NearEngine

ORDER: dict[str, Any] = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}


def _turn(engine: NearEngine, *phases: Phase) -> None:
    for phase in phases:
        engine.services.view.apply(engine.exchange.run(SetPhase(symbol="PETR4", phase=phase)))


async def test_an_order_for_the_close_waits_unseen_and_ends_there(
    client: httpx.AsyncClient, engine: NearEngine
) -> None:
    wanted = ORDER | {"time_in_force": "at_close"}
    told = (await client.post("/orders/preview", json=wanted)).json()
    assert (told["resting_quantity"], told["expiring_quantity"], told["would_be_refused"]) == (10, 0, None)
    answer = await client.post("/orders", json=wanted)
    placed = answer.json()
    assert (answer.status_code, placed["status"]) == (201, "pending_trigger")
    assert (await client.get("/orders?status=open")).json() == [placed]
    assert (await client.get("/book/PETR4")).json()["bids"] == []
    assert (await client.get("/account")).json()["held_cash"] == told["held_cash"] == 100.0
    engine.services.view.apply(engine.exchange.place("s-1", Side.SELL, 6, 10.0))
    _turn(engine, Phase.AUCTION, Phase.CONTINUOUS, Phase.AUCTION, Phase.CLOSED)
    ended = (await client.get(f"/orders/{placed['order_id']}")).json()
    assert (ended["status"], ended["filled_quantity"], ended["reason"]) == ("expired", 6, "not_filled")
    assert "auction is over" in ended["message"]
    assert (await client.get("/account")).json()["held_cash"] == 0


@pytest.mark.parametrize(
    ("phases", "changed", "told"),
    [
        ((), {"time_in_force": "at_open"}, ("halted", "send a day order")),
        ((Phase.CLOSED,), {"time_in_force": "at_close"}, ("halted", "only cancels")),
        ((Phase.AUCTION,), {"time_in_force": "ioc"}, ("halted", "at_open or at_close")),
        (
            (),
            {"time_in_force": "at_close", "type": "market", "price": None},
            ("bad_price", "send a limit order"),
        ),
        (
            (Phase.AUCTION,),
            {"time_in_force": "at_open", "type": "stop", "price": None, "stop_price": 10.0},
            ("unsupported", "make a stop order day"),
        ),
        ((), {"time_in_force": "at_close", "post_only": True}, ("unsupported", "that may rest")),
    ],
)
async def test_a_refusal_says_what_to_do_and_the_preview_knows_it(
    client: httpx.AsyncClient,
    engine: NearEngine,
    phases: tuple[Phase, ...],
    changed: dict[str, Any],
    told: tuple[str, str],
) -> None:
    _turn(engine, *phases)
    expected = (await client.post("/orders/preview", json=ORDER | changed)).json()["would_be_refused"]
    answer = await client.post("/orders", json=ORDER | changed)
    assert (answer.status_code, answer.json()) == (422, expected)
    reason, says = told
    assert expected["reason"] == reason
    assert says in expected["message"]
