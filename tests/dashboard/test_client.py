"""The client against a real server's answers, good and bad."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboard.client import Client
from dashboard.errors import (
    ApiError,
    RefusedError,
    SignedOutError,
    UnknownOutcomeError,
    UnreachableError,
)
from dashboard.payloads import NewOrder
from tests.dashboard.api_double import DEMO, DEMO_SECRET, Scripted, scripted_api

ORDER = NewOrder(
    client_order_id="c-1",
    symbol="PETR4",
    side="buy",
    type="limit",
    quantity=100,
    time_in_force="day",
    price=38.5,
)
PLACED = {
    "order_id": "o-1",
    "symbol": "PETR4",
    "side": "buy",
    "status": "new",
    "quantity": 100,
    "price": 38.5,
}


@pytest.fixture
def api() -> Iterator[Scripted]:
    with scripted_api() as scripted:
        yield scripted


@pytest.fixture
def client(api: Scripted) -> Iterator[Client]:
    client = Client(api.url, timeout=httpx.Timeout(0.3))
    yield client
    client.close()


def test_assets_come_sorted_by_symbol(api: Scripted, client: Client) -> None:
    row = {"name": "", "tick_size": 0.01, "lot_size": 1, "reference_price": 1, "unknown_field": None}
    api.answer("GET /assets", 200, [row | {"symbol": "VALE3"}, row | {"symbol": "ABEV3"}])
    assert [asset.symbol for asset in client.assets()] == ["ABEV3", "VALE3"]


def test_an_order_goes_out_as_the_contract_writes_it(api: Scripted, client: Client) -> None:
    api.answer("POST /orders", 201, PLACED)
    assert client.signed_in(DEMO_SECRET).place(ORDER).status == "new"
    assert api.bodies == [
        {
            "client_order_id": "c-1",
            "symbol": "PETR4",
            "side": "buy",
            "type": "limit",
            "quantity": 100,
            "time_in_force": "day",
            "price": 38.5,
        }
    ]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((422, {"reason": "halted", "message": "Halted."}), RefusedError, ("halted", "Halted.")),
        ((404, b"<html>"), RefusedError, ("refused", "The market's API answered 404 without a reason.")),
        ((307, b""), RefusedError, ("refused", "The market's API answered 307 without a reason.")),
        ((503, {"reason": "starting", "message": "No."}), UnknownOutcomeError, ("unknown_outcome", "No.")),
        (
            (500, b""),
            UnknownOutcomeError,
            ("unknown_outcome", "The market's API answered 500 without a reason."),
        ),
    ],
)
def test_a_refusal_carries_the_reason(
    api: Scripted, client: Client, answer: tuple[int, Any], error: type[ApiError], words: tuple[str, str]
) -> None:
    api.answer("POST /orders", *answer)
    with pytest.raises(error) as caught:
        client.signed_in(DEMO_SECRET).place(ORDER)
    assert (caught.value.reason, caught.value.message) == words


@pytest.mark.parametrize("body", [b"<html>hello</html>", {"order": 1}, [1]])
def test_another_program_on_the_port_is_told_apart(api: Scripted, client: Client, body: Any) -> None:
    api.answer("POST /orders", 200, body)
    api.answer("GET /assets", 200, body)
    for ask in (lambda: client.signed_in(DEMO_SECRET).place(ORDER), client.assets):
        with pytest.raises(UnknownOutcomeError, match="not that of a Homebroker API"):
            ask()


ACTS = {
    "GET /account": lambda person: person.has_account(),
    "POST /account": lambda person: person.open_account(),
    "POST /account/deposits": lambda person: person.deposit(10.5),
    "POST /account/withdrawals": lambda person: person.withdraw(10.5),
    "POST /orders": lambda person: person.place(ORDER),
    "POST /orders/preview": lambda person: person.preview(ORDER),
    "GET /auth/me": lambda person: person.user(),
}


@pytest.mark.parametrize("name", ACTS)
def test_whoever_is_signed_out_is_told_so(api: Scripted, client: Client, name: str) -> None:
    with pytest.raises(SignedOutError, match="not any more"):
        ACTS[name](client.signed_in("hbs_nobody"))
    assert [(request.name, request.secret) for request in api.requests] == [(name, "hbs_nobody")]


def test_everybody_s_requests_carry_their_own_secret_and_never_a_cookie_of_another_s(
    api: Scripted, client: Client
) -> None:
    api.sessions["hbs_bia"] = DEMO | {"username": "bia"}
    api.cookies = ["homebroker_session=hbs_demo; Path=/"]
    assert client.signed_in(DEMO_SECRET).user().username == "demo"
    assert client.signed_in("hbs_bia").user().username == "bia"
    assert api.cookies_received == []
    assert client.assets()
    assert [request.secret for request in api.requests] == [DEMO_SECRET, "hbs_bia", None]


def test_an_account_that_is_not_open_is_no_error(api: Scripted, client: Client) -> None:
    api.answer("GET /account", 404, {"reason": "unknown_investor", "message": "There is none yet."})
    assert client.signed_in(DEMO_SECRET).has_account() is False
    api.answer("GET /account", 200, {"cash": 1.0})
    assert client.signed_in(DEMO_SECRET).has_account() is True
    api.answer("POST /account", 422, {"reason": "duplicate_investor", "message": "demo has one already."})
    assert client.signed_in(DEMO_SECRET).open_account().status == "done"


def test_a_hang_up_leaves_the_outcome_unknown(api: Scripted, client: Client) -> None:
    api.answer("POST /orders", 0, None)
    with pytest.raises(UnknownOutcomeError):
        client.signed_in(DEMO_SECRET).place(ORDER)


def test_nobody_listening_is_certainly_nothing_placed() -> None:
    with scripted_api() as api:
        url = api.url
    client = Client(url)
    with pytest.raises(UnreachableError, match=url):
        client.signed_in(DEMO_SECRET).place(ORDER)
    client.close()
