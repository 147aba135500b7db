"""The client against a real server's answers, good and bad."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboard import client as page_client
from dashboard.client import SignedInClient
from homebroker.client import (
    Client,
    ClientError,
    NewOrder,
    RefusedError,
    SignedOutError,
    UnknownOutcomeError,
    UnreachableError,
    asks,
)
from tests.dashboard import answers
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
    row = answers.TICKER | {"unknown_field": None}
    api.answer("GET /assets", 200, [row | {"symbol": "VALE3"}, row | {"symbol": "ABEV3"}])
    assert [asset.symbol for asset in page_client.assets(client)] == ["ABEV3", "VALE3"]


def test_an_order_goes_out_without_what_the_contract_takes_for_granted(api: Scripted, client: Client) -> None:
    api.answer("POST /orders", 201, answers.ORDER)
    assert SignedInClient(client, DEMO_SECRET).ask(asks.place(ORDER)).status == "new"
    assert api.bodies == [
        {
            "client_order_id": "c-1",
            "symbol": "PETR4",
            "side": "buy",
            "quantity": 100,
            "price": 38.5,
        }
    ]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((422, {"reason": "halted", "message": "Halted."}), RefusedError, ("halted", "Halted.")),
        ((404, b"<html>"), RefusedError, ("refused", "The market's API answered 404 without a reason.")),
        ((307, b""), RefusedError, ("refused", "The market's API answered 307 without a reason.")),
        ((503, {"reason": "starting", "message": "No."}), UnknownOutcomeError, ("starting", "No.")),
        (
            (500, b""),
            UnknownOutcomeError,
            ("refused", "The market's API answered 500 without a reason."),
        ),
    ],
)
def test_a_refusal_carries_the_reason(
    api: Scripted, client: Client, answer: tuple[int, Any], error: type[ClientError], words: tuple[str, str]
) -> None:
    api.answer("POST /orders", *answer)
    with pytest.raises(error) as caught:
        SignedInClient(client, DEMO_SECRET).ask(asks.place(ORDER))
    assert (caught.value.reason, caught.value.message) == words


@pytest.mark.parametrize("body", [b"<html>hello</html>", {"order": 1}, [1]])
def test_another_program_on_the_port_is_told_apart(api: Scripted, client: Client, body: Any) -> None:
    api.answer("POST /orders", 200, body)
    api.answer("GET /assets", 200, body)
    person = SignedInClient(client, DEMO_SECRET)
    for ask in (lambda: person.ask(asks.place(ORDER)), lambda: page_client.assets(client)):
        with pytest.raises(UnknownOutcomeError, match="not that of a Homebroker API"):
            ask()


ACTS = {
    "GET /account": lambda person: person.has_account(),
    "POST /account": lambda person: person.open_account(),
    "POST /account/deposits": lambda person: person.ask(asks.deposit(10.5)),
    "POST /account/withdrawals": lambda person: person.ask(asks.withdraw(10.5)),
    "POST /orders": lambda person: person.ask(asks.place(ORDER)),
    "POST /orders/preview": lambda person: person.ask(asks.preview(ORDER)),
    "PUT /preferences/studies": lambda person: person.ask(asks.save_preference("studies", ["rsi"])),
    "GET /auth/me": lambda person: person.ask(asks.me()),
}


@pytest.mark.parametrize("name", ACTS)
def test_whoever_is_signed_out_is_told_so(api: Scripted, client: Client, name: str) -> None:
    with pytest.raises(SignedOutError, match="not any more"):
        ACTS[name](SignedInClient(client, "hbs_nobody"))
    assert [(request.name, request.secret) for request in api.requests] == [(name, "hbs_nobody")]


def test_everybody_s_requests_carry_their_own_secret_and_never_a_cookie_of_another_s(
    api: Scripted, client: Client
) -> None:
    api.sessions["hbs_bia"] = DEMO | {"username": "bia"}
    api.cookies = ["homebroker_session=hbs_demo; Path=/"]
    assert SignedInClient(client, DEMO_SECRET).ask(asks.me()).username == "demo"
    assert SignedInClient(client, "hbs_bia").ask(asks.me()).username == "bia"
    assert api.cookies_received == []
    assert page_client.assets(client)
    assert [request.secret for request in api.requests] == [DEMO_SECRET, "hbs_bia", None]


def test_an_account_that_is_not_open_is_no_error(api: Scripted, client: Client) -> None:
    api.answer("GET /account", 404, {"reason": "unknown_investor", "message": "There is none yet."})
    assert SignedInClient(client, DEMO_SECRET).has_account() is False
    api.answer("GET /account", 200, answers.ACCOUNT)
    assert SignedInClient(client, DEMO_SECRET).has_account() is True
    api.answer("POST /account", 422, {"reason": "duplicate_investor", "message": "demo has one already."})
    assert SignedInClient(client, DEMO_SECRET).open_account().status == "done"


def test_an_order_that_the_engine_has_yet_to_answer_is_pending(api: Scripted, client: Client) -> None:
    api.answer("POST /orders", 202, answers.PENDING)
    assert SignedInClient(client, DEMO_SECRET).ask(asks.place(ORDER)).status == "pending"


def test_what_is_answered_with_nothing_gives_none(api: Scripted, client: Client) -> None:
    api.answer("PUT /preferences/studies", 204, b"")
    SignedInClient(client, DEMO_SECRET).ask(asks.save_preference("studies", ["rsi"]))
    assert api.bodies == [{"value": ["rsi"]}]


def test_a_hang_up_leaves_the_outcome_unknown(api: Scripted, client: Client) -> None:
    api.answer("POST /orders", 0, None)
    with pytest.raises(UnknownOutcomeError):
        SignedInClient(client, DEMO_SECRET).ask(asks.place(ORDER))


def test_nobody_listening_is_certainly_nothing_placed() -> None:
    with scripted_api() as api:
        url = api.url
    client = Client(url)
    with pytest.raises(UnreachableError, match=url):
        SignedInClient(client, DEMO_SECRET).ask(asks.place(ORDER))
    client.close()
