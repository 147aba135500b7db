"""What people with bad intentions try, each against the whole application."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import pytest
import structlog
from argon2 import PasswordHasher
from fastapi import FastAPI

from api.app import create_app
from api.identity import sign_in as sign_in_rules
from api.identity.tables import metadata
from api.recorder.store import HistoryStore
from api.services import Services
from tests.api.conftest import SECRET_KEY
from tests.api.near_engine import NearEngine
from tests.api.people import PAGE, PASSWORDS, sign_in, stranger, tokens

PUBLIC = {
    ("GET", "/assets"),
    ("GET", "/assets/{symbol}"),
    ("GET", "/book/{symbol}"),
    ("GET", "/trades/{symbol}"),
    ("GET", "/candles/{symbol}"),
    ("GET", "/transactions"),
    ("GET", "/stream"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("POST", "/auth/token"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/session"),
    ("DELETE", "/auth/session"),
    ("POST", "/auth/register"),
}
ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 1, "price": 10.0}
JSON = {"content-type": "application/json"}
FOREIGN_ORIGINS = [
    "http://evil.example",
    "http://127.0.0.1:3000",  # another program's page on this machine gets the cookie, too
    "https://127.0.0.1:8501",
    "http://127.0.0.1.evil.example:8501",
    "http://localhost:8501.evil.example",
    "null",
]


def claims_of(token: str) -> dict[str, Any]:
    """Read a token's claims, as anybody can."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    """Put a token together by hand."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


def resigned(token: str, key: str = SECRET_KEY, algorithm: str = "HS256", **changed: Any) -> str:
    """Sign a token's claims anew; a claim of None is left out."""
    claims = claims_of(token) | changed
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm)


async def test_nothing_but_market_data_and_signing_in_is_open_to_strangers(
    app: FastAPI, engine: NearEngine
) -> None:
    offset = engine.exchange.offset
    async with stranger(app) as client:
        described = (await client.get("/openapi.json")).json()["paths"]
        routes = {(method.upper(), path) for path, methods in described.items() for method in methods}
        assert len(routes) > 30
        for method, path in sorted(routes - PUBLIC):
            filled = path.format(
                symbol="PETR4", order_id="o", investor_id="demo", username="demo", key_id="k"
            )
            answer = await client.request(method, filled, json={})
            assert answer.status_code == 401, (method, path)
            assert answer.json()["reason"] == "not_signed_in"
            assert answer.headers["www-authenticate"] == "Bearer"
    assert engine.exchange.offset == offset


FORGERIES: dict[str, Callable[[str], str]] = {
    "signed with another key": lambda token: resigned(token, key="k" * 40),
    "signed with the empty key's neighbour": lambda token: resigned(token, key="\0" * 32),
    "alg none": lambda token: unsigned({"alg": "none", "typ": "JWT"}, claims_of(token)),
    "alg None": lambda token: unsigned({"alg": "None"}, claims_of(token)),
    "alg none with the old signature": lambda token: unsigned(
        {"alg": "none"}, claims_of(token), token.rpartition(".")[2]
    ),
    "no alg": lambda token: unsigned({"typ": "JWT"}, claims_of(token), token.rpartition(".")[2]),
    "another algorithm with the right key": lambda token: resigned(token, algorithm="HS512"),
    "claims RS256": lambda token: unsigned({"alg": "RS256"}, claims_of(token), token.rpartition(".")[2]),
    "brings its own key": lambda token: unsigned(
        {"alg": "HS256", "jwk": {"kty": "oct", "k": "a2V5"}, "kid": "../../dev/null", "jku": "http://evil"},
        claims_of(token),
        token.rpartition(".")[2],
    ),
    "role raised": lambda token: ".".join(
        [
            token.split(".")[0],
            base64.urlsafe_b64encode(json.dumps(claims_of(token) | {"role": "admin"}).encode())
            .rstrip(b"=")
            .decode(),
            token.split(".")[2],
        ]
    ),
    "signature cut": lambda token: token.rpartition(".")[0] + ".",
    "signature's last letter": lambda token: token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
    "never ends": lambda token: resigned(token, exp=None),
    "ended": lambda token: resigned(token, exp=int(time.time()) - 1),
    "not yet": lambda token: resigned(token, nbf=int(time.time()) + 3_600),
    "another's session": lambda token: resigned(token, sid="0" * 24),
    "no session": lambda token: resigned(token, sid=None),
    "a list as session": lambda token: resigned(token, sid=["a"]),
    "another user in this session": lambda token: resigned(token, sub="0" * 24),
    "another issuer": lambda token: resigned(token, iss="elsewhere"),
    "a deep header": lambda token: base64.urlsafe_b64encode(b"[" * 3_000).decode() + "." + token,
    "a deep header, closed": lambda token: (
        base64.urlsafe_b64encode(b"[" * 3_000 + b"]" * 3_000).decode() + "." + token.partition(".")[2]
    ),
    "not text": lambda token: "ÿþ" + token,
    "empty": lambda _: "",
    "three dots": lambda _: "...",
    "one word": lambda _: "admin",
    "an api key of nobody": lambda _: "hb_0123456789abcdef_" + "A" * 43,
    "half an api key": lambda _: "hb_",
    "a session of nobody": lambda _: "hs_" + "A" * 43,
    "an SQL key": lambda _: "hb_' OR 1=1 --_x",
    "its refresh token": lambda _: "hr_" + "A" * 43,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_token_signs_nobody_in(
    app: FastAPI, engine: NearEngine, forge: Callable[[str], str]
) -> None:
    offset = engine.exchange.offset
    async with stranger(app) as client:
        forged = forge((await tokens(client, "demo"))["access_token"])
        headers = [{"authorization": f"Bearer {forged}".encode()}, {"x-api-key": forged.encode()}]
        for shown in headers:
            answer = await client.post("/orders", json=ORDER, headers=shown)
            assert answer.status_code == 401, answer.text
            assert answer.json()["reason"] in {"invalid_token", "token_expired"}
            if forged:
                assert forged not in answer.text
    assert engine.exchange.offset == offset


async def test_a_token_in_another_place_counts_for_nothing(app: FastAPI) -> None:
    async with stranger(app) as client:
        token = (await tokens(client, "demo"))["access_token"]
        for headers in (
            {"authorization": f"Basic {token}"},
            {"authorization": token},
            {"x-api-key": token},
            {"cookie": f"token={token}"},
        ):
            answer = await client.get(f"/auth/me?access_token={token}&token={token}", headers=headers)
            if "x-api-key" not in headers:
                assert answer.status_code == 401, headers


async def test_a_bad_header_is_not_made_good_by_a_good_cookie(app: FastAPI) -> None:
    async with stranger(app) as client:
        await client.post("/auth/session", json={"username": "demo", "password": PASSWORDS["demo"]})
        assert (await client.get("/auth/me")).status_code == 200
        answer = await client.get("/auth/me", headers={"authorization": "Bearer rubbish"})
        assert answer.status_code == 401


async def test_a_copied_refresh_token_ends_the_session_of_thief_and_owner(app: FastAPI) -> None:
    async with stranger(app) as client:
        first = await tokens(client, "demo")
        used = {"refresh_token": first["refresh_token"]}
        second = (await client.post("/auth/refresh", json=used)).json()
        assert (await client.post("/auth/refresh", json=used)).status_code == 401
        for pair in (first, second):
            shown = {"authorization": f"Bearer {pair['access_token']}"}
            assert (await client.get("/auth/me", headers=shown)).status_code == 401
        newest = {"refresh_token": second["refresh_token"]}
        assert (await client.post("/auth/refresh", json=newest)).status_code == 401


async def test_of_many_uses_of_a_refresh_token_at_once_one_wins_and_none_lasts(app: FastAPI) -> None:
    async with stranger(app) as client:
        used = {"refresh_token": (await tokens(client, "demo"))["refresh_token"]}
        answers = await asyncio.gather(*(client.post("/auth/refresh", json=used) for _ in range(12)))
        good = [answer for answer in answers if answer.status_code == 200]
        assert len(good) <= 1
        assert {answer.status_code for answer in answers} <= {200, 401}
        for answer in good:
            newest = {"refresh_token": answer.json()["refresh_token"]}
            assert (await client.post("/auth/refresh", json=newest)).status_code == 401


async def test_what_is_revoked_on_one_server_is_soon_dead_on_another(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: Services = app.state.services
    second = create_app(services.config)
    async with second.state.identity.running(), stranger(app) as here, stranger(second) as there:
        pair = await tokens(here, "demo")
        shown = {"authorization": f"Bearer {pair['access_token']}"}
        assert (await there.get("/auth/me", headers=shown)).status_code == 200
        await here.post("/auth/logout", headers=shown)
        monkeypatch.setattr("api.identity.recognition.FRESH_S", 0.0)
        assert (await there.get("/auth/me", headers=shown)).status_code == 401
    second.state.services.history.close()


@pytest.mark.parametrize("field", ["investor_id", "user_id", "username", "account", "command", "role"])
async def test_ids_in_an_order_count_for_nothing(
    client: httpx.AsyncClient, engine: NearEngine, field: str
) -> None:
    answer = await client.post("/orders", json=ORDER | {field: "ana", "order_id": "mine"})
    assert answer.status_code == 201
    [told] = {record.key for record in engine.exchange.records if b'"mine"' in (record.value or b"")}
    assert told == b"demo"
    for query in ("?investor_id=ana", "?user=ana"):
        assert [row["order_id"] for row in (await client.get(f"/orders{query}")).json()] == ["mine"]
        assert (await client.get(f"/account{query}")).json()["investor_id"] == "demo"


async def test_registering_gives_no_more_than_a_trader_of_an_own_account(app: FastAPI) -> None:
    async with stranger(app) as client:
        wanted = {
            "username": "mallory",
            "password": "a-long-password",
            "role": "admin",
            "investor_id": "demo",
            "user_id": "0",
            "demo": True,
            "disabled": False,
            "read_only": False,
        }
        made = (await client.post("/auth/register", json=wanted)).json()
        assert made["role"] == "trader"
        assert made["investor_id"] != "demo"
        await sign_in(client, "mallory", "a-long-password")
        assert (await client.get("/auth/me")).json() == made
        assert (await client.get("/admin/users")).status_code == 403
        key = {"name": "k", "role": "admin", "user_id": "0", "investor_id": "demo"}
        robot = (await client.post("/auth/keys", json=key)).json()["key"]
        shown = {"authorization": f"Bearer {robot}"}
        assert (await client.get("/auth/me", headers=shown)).json()["investor_id"] == made["investor_id"]


async def test_nobody_registers_as_somebody_who_is_there(app: FastAPI) -> None:
    async with stranger(app) as client:
        for name in ("demo", "DEMO", " demo ", "Admin", "admin\u00a0"):
            wanted = {"username": name, "password": "a-long-password"}
            assert (await client.post("/auth/register", json=wanted)).status_code == 409
        for name in ("demo\u200b", "ｄｅｍｏ", "d\u0435mo", "demo\0", "../demo", "demo'--", "", "a" * 40):
            wanted = {"username": name, "password": "a-long-password"}
            assert (await client.post("/auth/register", json=wanted)).status_code == 422
        for _ in range(5):
            await client.post("/auth/register", json={"username": "demo", "password": "a-long-password"})
        over = await client.post("/auth/register", json={"username": "zoe", "password": "a-long-password"})
        assert (over.status_code, over.json()["reason"]) == (429, "rate_limited")


@pytest.mark.parametrize(
    "path",
    [
        "/orders/..%2f..%2fadmin%2fusers",
        "/orders/../admin/users",
        "/orders//admin/users",
        "//admin/users",
        "/admin/users/",
        "/admin/users;/x",
        "/admin%2fusers",
        "/%61dmin/users",
        "/orders/%00",
        "/orders/%0d%0aSet-Cookie:%20a=b",
        "/orders/%ff%fe",
        "/orders/%27%20OR%201%3D1%20--",
        "/orders?status=open'%20OR%20'1'='1",
        "/orders?symbol=%00",
        "/orders?symbol=PETR4&symbol=VALE3",
        "/orders?limit=1e9",
        "/transactions?symbol=PETR4%27%3B%20DROP%20TABLE%20users%3B--",
        "/transactions?cursor=1-1-1%27",
        "/admin/audit?cursor=0%20OR%201=1",
        "/auth/keys/%27%20OR%201=1",
        "/assets/PETR4%2f..%2f..%2fadmin%2fusers",
        "/stream?symbols=%27,%22",
    ],
)
async def test_a_path_or_a_query_reaches_nothing_it_should_not(
    client: httpx.AsyncClient, app: FastAPI, path: str
) -> None:
    HistoryStore(app.state.services.config.database_url).prepare()
    for method in ("GET", "DELETE"):
        answer = await client.request(method, path)
        assert answer.status_code in {200, 307, 403, 404, 405, 422}, answer.text
        assert "set-cookie" not in answer.headers
        # What only an admin may read.
        assert "analyst" not in answer.text
    assert len(await app.state.identity.directory.everyone()) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8_000,
        b"[" * 7_000 + b"]" * 7_000,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"password":' + b"[" * 3_000 + b"]" * 3_000 + b"}",
        b'{"username":"' + b"a" * 12_000 + b'"}',
        b'{"username":' + b"9" * 12_000 + b"}",
        b'{"username":{"$ne":null},"password":{"$ne":null}}',
        b'{"username":["demo"],"password":["demo-trader"]}',
        b'{"username":null}',
        b'{"__proto__":{"role":"admin"}}',
        b'"\\ud800"',
        b'{"username":"\\ud800","password":"\\ud800"}',
        b"\x00",
        b"",
        b"null",
        b"NaN",
    ],
)
async def test_no_body_breaks_a_route(client: httpx.AsyncClient, body: bytes) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    for path, methods in described.items():
        for method in methods.keys() & {"post", "put", "patch"}:
            filled = path.format(symbol="PETR4", order_id="o", investor_id="demo", username="demo")
            if filled == "/auth/logout":  # reads no body
                continue
            answer = await client.request(method, filled, content=body, headers=JSON)
            assert answer.status_code in {400, 401, 403, 404, 415, 422, 429}, (path, answer.text)
            assert set(answer.json()) == {"reason", "message"}


@pytest.mark.parametrize("path", ["/auth/token", "/auth/session", "/auth/register", "/orders"])
async def test_a_body_too_large_is_not_read(client: httpx.AsyncClient, path: str) -> None:
    for headers in (JSON, {"content-type": "application/x-www-form-urlencoded"}):
        answer = await client.post(path, content=b"a" * 20_000, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (413, "payload_too_large")


async def test_a_body_that_trickles_in_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.middleware.BODY_TIMEOUT_S", 0.2)

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    began_s = time.monotonic()
    answer = await client.post("/orders", content=trickle(), headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (408, "request_timeout")
    assert time.monotonic() - began_s < 2


async def test_an_unknown_user_costs_the_same_work_and_gets_the_same_answer(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        worked.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    answers = []
    async with stranger(app) as client:
        for username in ("demo", "nobody", "!", "x" * 60):
            form = {"grant_type": "password", "username": username, "password": "a wrong one"}
            by_form = await client.post("/auth/token", data=form)
            by_json = await client.post("/auth/session", json={"username": username, "password": "wrong"})
            answers += [(got.status_code, got.text, dict(got.headers)) for got in (by_form, by_json)]
    assert len(worked) == 8
    assert len(set(worked)) == 1, "the same costs, whoever it is"
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 401


async def test_guessing_a_password_gets_slower_and_slower(app: FastAPI) -> None:
    form = {"grant_type": "password", "username": "demo", "password": "a guess"}
    async with stranger(app) as client:
        for _ in range(sign_in_rules.USERNAME_FREE_FAILURES):
            assert (await client.post("/auth/token", data=form)).status_code == 401
        paused = await client.post("/auth/token", data=form | {"password": PASSWORDS["demo"]})
        assert (paused.status_code, paused.json()["reason"]) == (429, "rate_limited")
        assert int(paused.headers["retry-after"]) >= 1
        # Under other names for the same user, too; not for others.
        same = await client.post("/auth/token", data=form | {"username": " DEMO"})
        assert same.status_code == 429
        await tokens(client, "analyst")


async def test_many_guesses_at_once_are_not_let_through_together(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[None] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        worked.append(None)
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    form = {"grant_type": "password", "username": "demo", "password": "a guess"}
    async with stranger(app) as client:
        answers = await asyncio.gather(*(client.post("/auth/token", data=form) for _ in range(60)))
    assert {answer.status_code for answer in answers} == {401, 429}
    assert len(worked) == sign_in_rules.USERNAME_FREE_FAILURES


async def test_guessing_one_password_for_many_users_is_paused_by_address(app: FastAPI) -> None:
    async with stranger(app, address="203.0.113.9") as client, stranger(app) as other:
        for number in range(sign_in_rules.ADDRESS_FREE_FAILURES):
            form = {"grant_type": "password", "username": f"user-{number}", "password": "Password1234"}
            assert (await client.post("/auth/token", data=form)).status_code == 401
        for headers in ({}, {"x-forwarded-for": "198.51.100.7"}, {"forwarded": "for=198.51.100.7"}):
            again = await client.post("/auth/token", data=form | {"username": "one-more"}, headers=headers)
            assert again.status_code == 429
        await tokens(other, "demo")


async def test_guessing_the_own_password_from_a_stolen_session_is_paused_too(
    client: httpx.AsyncClient,
) -> None:
    change = {"current_password": "a guess", "new_password": "another-one-entirely"}
    answers = [(await client.post("/auth/password", json=change)).status_code for _ in range(8)]
    assert answers == [401] * 5 + [429] * 3


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_foreign_page_does_nothing_with_the_cookie(
    app: FastAPI, engine: NearEngine, origin: str
) -> None:
    async with stranger(app) as client:
        await client.post("/auth/session", json={"username": "demo", "password": PASSWORDS["demo"]})
        placed = await client.post("/orders", json=ORDER, headers={"origin": PAGE})
        assert placed.status_code == 201
        offset = engine.exchange.offset
        attempts = [
            await client.post("/orders", json=ORDER, headers={"origin": origin}),
            await client.delete("/orders", headers={"origin": origin}),
            await client.post("/account/deposits", json={"cash": 1}, headers={"origin": origin}),
            await client.post("/auth/keys", json={"name": "k"}, headers={"origin": origin}),
            await client.delete("/auth/session", headers={"origin": origin}),
            # A program that has a cookie but says nothing of a page: no browser does that.
            await client.post("/orders", json=ORDER),
            await client.delete("/auth/session"),
        ]
        assert [(got.status_code, got.json()["reason"]) for got in attempts] == [
            (403, "forbidden_origin")
        ] * len(attempts)
        assert engine.exchange.offset == offset
        read = await client.get("/orders", headers={"origin": origin})
        assert "access-control-allow-origin" not in read.headers
        asked = {"origin": origin, "access-control-request-method": "POST"}
        assert "access-control-allow-origin" not in (await client.options("/orders", headers=asked)).headers
        assert (await client.get("/auth/me")).status_code == 200


async def test_a_foreign_page_signs_nobody_in_as_somebody_else(app: FastAPI) -> None:
    async with stranger(app) as client:
        login = {"username": "demo", "password": PASSWORDS["demo"]}
        for origin in FOREIGN_ORIGINS:
            answer = await client.post("/auth/session", data=login, headers={"origin": origin})
            assert answer.status_code == 403
        assert len(client.cookies) == 0


async def test_the_markets_own_pages_may_use_the_cookie(app: FastAPI) -> None:
    async with stranger(app) as client:
        await client.post("/auth/session", json={"username": "demo", "password": PASSWORDS["demo"]})
        read = await client.get("/orders", headers={"origin": PAGE})
        assert read.headers["access-control-allow-origin"] == PAGE
        assert read.headers["access-control-allow-credentials"] == "true"


async def test_an_api_key_cannot_make_itself_at_home(client: httpx.AsyncClient, app: FastAPI) -> None:
    made = (await client.post("/auth/keys", json={"name": "robot"})).json()
    async with stranger(app) as robot:
        robot.headers["x-api-key"] = made["key"]
        change = {"current_password": PASSWORDS["demo"], "new_password": "another-one-entirely"}
        for method, path in (
            ("POST", "/auth/keys"),
            ("GET", "/auth/keys"),
            ("DELETE", f"/auth/keys/{made['key_id']}"),
            ("POST", "/auth/password"),
            ("POST", "/auth/logout"),
        ):
            answer = await robot.request(method, path, json=change | {"name": "another"})
            assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")


async def test_the_right_id_of_a_key_is_not_the_key(client: httpx.AsyncClient, app: FastAPI) -> None:
    key = (await client.post("/auth/keys", json={"name": "robot"})).json()["key"]
    async with stranger(app) as robot:
        for guess in (key[:-1], key[:-1] + ("A" if key[-1] != "A" else "B"), key + "A", key.upper()):
            answer = await robot.get("/auth/me", headers={"x-api-key": guess})
            assert answer.status_code == 401


async def test_anothers_key_cannot_be_revoked(client: httpx.AsyncClient, app: FastAPI) -> None:
    made = (await client.post("/auth/keys", json={"name": "robot"})).json()
    async with stranger(app) as other:
        await sign_in(other, "admin")
        assert (await other.get("/auth/keys")).json() == []
        assert (await other.delete(f"/auth/keys/{made['key_id']}")).status_code == 404
        other.headers.pop("authorization")
        assert (await other.get("/auth/me", headers={"x-api-key": made["key"]})).status_code == 200


async def test_an_admin_who_is_none_any_more_is_none_at_once(client: httpx.AsyncClient, app: FastAPI) -> None:
    async with stranger(app) as admin, stranger(app) as fired:
        await sign_in(admin, "admin")
        wanted = {"username": "eve", "password": "a-long-password", "role": "admin"}
        await admin.post("/admin/users", json=wanted)
        await sign_in(fired, "eve", "a-long-password")
        assert (await fired.get("/admin/users")).status_code == 200
        await admin.patch("/admin/users/eve", json={"role": "analyst"})
        # The token still says otherwise.
        assert (await fired.get("/admin/users")).status_code == 403


async def test_no_secret_is_kept_logged_or_answered(app: FastAPI) -> None:
    password = "a-secret-that-nobody-sees"
    with structlog.testing.capture_logs() as logs:
        async with stranger(app) as client:
            registered = await client.post("/auth/register", json={"username": "zoe", "password": password})
            pair = await tokens(client, "zoe", password)
            shown = {"authorization": f"Bearer {pair['access_token']}"}
            key = (await client.post("/auth/keys", json={"name": "k"}, headers=shown)).json()["key"]
            session = await client.post("/auth/session", json={"username": "zoe", "password": password})
            cookie = client.cookies["homebroker_session"]
            wrong = await client.post("/auth/session", json={"username": "zoe", "password": password + "!"})
            bad = await client.post("/auth/session", json={"username": [password], "password": password})
            renewed = await client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
            await client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    for answer in (registered, session, wrong, bad):
        assert password not in answer.text
    secrets = [
        password,
        key,
        cookie,
        pair["refresh_token"],
        pair["access_token"],
        renewed.json()["refresh_token"],
    ]
    with app.state.identity.database.engine.connect() as connection:
        kept = str([connection.execute(table.select()).all() for table in metadata.sorted_tables])
    assert "$argon2id$" in kept
    for secret in secrets:
        assert secret not in kept
        assert secret not in str(logs)


async def test_a_flood_of_sign_ins_is_turned_away_and_stops_nobody_who_is_in(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.identity.passwords._WAITING_MAX", 4)
    verify = PasswordHasher.verify
    busy = set[threading.Thread]()

    def slow(self: PasswordHasher, password_hash: str, password: str) -> bool:
        busy.add(threading.current_thread())
        time.sleep(0.05)
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", slow)
    async with stranger(app) as crowd:

        async def knock(number: int) -> int:
            form = {"grant_type": "password", "username": f"user-{number % 19}", "password": "x"}
            return (await crowd.post("/auth/token", data=form)).status_code

        flood = asyncio.gather(*(knock(number) for number in range(19)))
        while not flood.done():
            assert (await client.get("/orders")).status_code == 200
            await asyncio.sleep(0.005)
        assert set(await flood) == {401, 503}
    # Requests are answered in this thread, which no password keeps busy.
    assert busy
    assert threading.current_thread() not in busy
