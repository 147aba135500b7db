"""Attacks on tokens and on what is open without one, each against the whole application."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.services import Services
from tests.api.conftest import SECRET_KEY
from tests.api.near_engine import NearEngine
from tests.api.people import PASSWORDS, stranger, tokens

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
                symbol="PETR4", order_id="o", investor_id="demo", username="demo", key_id="k", name="n"
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
