"""Signing in and out: tokens, browser sessions, API keys, passwords, registering."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from fastapi import FastAPI

from api.identity.credentials import SESSION_COOKIE
from api.identity.keys import KEYS_MAX
from api.identity.limits import Pace
from api.identity.service import Identity
from tests.api.people import PAGE, PASSWORDS, sign_in, stranger, tokens

FROM_PAGE = {"origin": PAGE}


def bearer(token: str) -> dict[str, str]:
    """Show a token."""
    return {"authorization": f"Bearer {token}"}


async def test_a_password_gives_tokens_that_tell_who_one_is(app: FastAPI) -> None:
    async with stranger(app) as client:
        pair = await tokens(client, "demo")
        assert (pair["token_type"], pair["expires_in"]) == ("bearer", 900)
        me = await client.get("/auth/me", headers=bearer(pair["access_token"]))
        assert me.json() == {
            "username": "demo",
            "role": "trader",
            "investor_id": "demo",
            "read_only": False,
        }


async def test_a_username_knows_no_capitals(app: FastAPI) -> None:
    async with stranger(app) as client:
        await tokens(client, " Demo", PASSWORDS["demo"])


async def test_a_refresh_token_gives_the_next_pair(app: FastAPI) -> None:
    async with stranger(app) as client:
        first = await tokens(client, "demo")
        second = (await client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
        third = await client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
        assert third.status_code == 200
        for pair in (first, second, third.json()):
            me = await client.get("/auth/me", headers=bearer(pair["access_token"]))
            assert me.status_code == 200
        assert len({pair["refresh_token"] for pair in (first, second, third.json())}) == 3


async def test_signing_out_ends_the_session_at_once(app: FastAPI) -> None:
    async with stranger(app) as client:
        pair, other = await tokens(client, "demo"), await tokens(client, "demo")
        assert (await client.get("/auth/me", headers=bearer(pair["access_token"]))).status_code == 200
        out = await client.post("/auth/logout", headers=bearer(pair["access_token"]))
        assert out.status_code == 204
        assert (await client.get("/auth/me", headers=bearer(pair["access_token"]))).status_code == 401
        again = await client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
        assert (again.status_code, again.json()["reason"]) == (401, "invalid_token")
        assert (await client.get("/auth/me", headers=bearer(other["access_token"]))).status_code == 200


@pytest.mark.parametrize("way", ["json", "data"])
async def test_a_browser_signs_in_by_a_cookie_that_no_script_can_read(app: FastAPI, way: str) -> None:
    async with stranger(app) as client:
        login = {"username": "demo", "password": PASSWORDS["demo"]}
        answer = await client.post("/auth/session", headers=FROM_PAGE, **{way: login})  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["investor_id"]) == (201, "demo")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{SESSION_COOKIE}=")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        assert (await client.get("/auth/me")).json()["username"] == "demo"
        secret = client.cookies[SESSION_COOKIE]
        client.cookies.clear()
        # The page's server gets the cookie, too, and speaks to the API with it.
        assert (await client.get("/auth/me", headers=bearer(secret))).json()["username"] == "demo"


async def test_over_https_the_cookie_is_secure(app: FastAPI) -> None:
    async with stranger(app) as client:
        login = {"username": "demo", "password": PASSWORDS["demo"]}
        answer = await client.post("https://127.0.0.1:8000/auth/session", json=login)
        assert "Secure" in answer.headers["set-cookie"]


async def test_signing_out_a_browser_clears_the_cookie_and_ends_its_session(app: FastAPI) -> None:
    async with stranger(app) as client:
        login = {"username": "demo", "password": PASSWORDS["demo"]}
        await client.post("/auth/session", json=login)
        secret = client.cookies[SESSION_COOKIE]
        out = await client.delete("/auth/session", headers=FROM_PAGE)
        assert out.status_code == 204
        assert SESSION_COOKIE not in client.cookies
        assert (await client.get("/auth/me", headers=bearer(secret))).status_code == 401
        # Once more, without a cookie and with an old one.
        assert (await client.delete("/auth/session", headers=FROM_PAGE)).status_code == 204
        old = FROM_PAGE | {"cookie": f"{SESSION_COOKIE}={secret}"}
        assert (await client.delete("/auth/session", headers=old)).status_code == 204


async def test_signing_in_again_ends_the_browsers_earlier_session(app: FastAPI) -> None:
    async with stranger(app) as client:
        login = {"username": "demo", "password": PASSWORDS["demo"]}
        await client.post("/auth/session", json=login)
        earlier = client.cookies[SESSION_COOKIE]
        await client.post("/auth/session", json=login)
        assert client.cookies[SESSION_COOKIE] != earlier
        assert (await client.get("/auth/me")).status_code == 200
        client.cookies.clear()
        assert (await client.get("/auth/me", headers=bearer(earlier))).status_code == 401


async def test_a_program_signs_in_by_an_api_key(client: httpx.AsyncClient, app: FastAPI) -> None:
    made = (await client.post("/auth/keys", json={"name": "my robot"})).json()
    [row] = (await client.get("/auth/keys")).json()
    assert "key" not in row
    assert row == {name: value for name, value in made.items() if name != "key"}
    async with stranger(app) as robot:
        for headers in (bearer(made["key"]), {"x-api-key": made["key"]}):
            assert (await robot.get("/auth/me", headers=headers)).json()["investor_id"] == "demo"
        gone = await client.delete(f"/auth/keys/{made['key_id']}")
        assert gone.status_code == 204
        assert (await robot.get("/auth/me", headers={"x-api-key": made["key"]})).status_code == 401
    assert (await client.get("/auth/keys")).json() == []
    assert (await client.delete(f"/auth/keys/{made['key_id']}")).status_code == 404


async def test_a_read_only_key_changes_nothing(client: httpx.AsyncClient, app: FastAPI) -> None:
    made = (await client.post("/auth/keys", json={"name": "eyes", "read_only": True})).json()
    async with stranger(app) as robot:
        robot.headers["x-api-key"] = made["key"]
        assert (await robot.get("/orders")).status_code == 200
        refused = await robot.delete("/orders")
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")
        asked = await robot.post("/orders/preview", json={"symbol": "PETR4", "side": "buy", "quantity": 1})
        assert asked.status_code != 403


async def test_a_key_ends_at_its_time(client: httpx.AsyncClient, app: FastAPI) -> None:
    now_ms = time.time_ns() // 1_000_000
    past = await client.post("/auth/keys", json={"name": "old", "expires_at_ms": now_ms - 1})
    assert (past.status_code, past.json()["reason"]) == (422, "bad_expiry")
    made = (await client.post("/auth/keys", json={"name": "brief", "expires_at_ms": now_ms + 300})).json()
    async with stranger(app) as robot:
        robot.headers["x-api-key"] = made["key"]
        assert (await robot.get("/auth/me")).status_code == 200
        await asyncio.sleep(0.35)
        assert (await robot.get("/auth/me")).status_code == 401
    assert (await client.get("/auth/keys")).json() == []


async def test_a_user_has_a_bounded_number_of_keys(client: httpx.AsyncClient) -> None:
    for number in range(KEYS_MAX):
        assert (await client.post("/auth/keys", json={"name": f"{number}"})).status_code == 201
    over = await client.post("/auth/keys", json={"name": "one more"})
    assert (over.status_code, over.json()["reason"]) == (422, "limit_exceeded")


async def test_a_new_password_ends_all_other_sessions(client: httpx.AsyncClient, app: FastAPI) -> None:
    change = {"current_password": PASSWORDS["demo"], "new_password": "another-one-entirely"}
    async with stranger(app) as other:
        await sign_in(other, "demo")
        wrong = await client.post("/auth/password", json=change | {"current_password": "not this"})
        assert (wrong.status_code, wrong.json()["reason"]) == (401, "invalid_credentials")
        assert (await client.post("/auth/password", json=change)).json()["api_keys"] == []
        assert (await client.get("/auth/me")).status_code == 200
        assert (await other.get("/auth/me")).status_code == 401
        with pytest.raises(AssertionError, match="invalid_credentials"):
            await tokens(other, "demo")
        await tokens(other, "demo", "another-one-entirely")


async def test_a_new_password_tells_of_the_keys_that_stay_and_ends_them_when_asked(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    key = (await client.post("/auth/keys", json={"name": "robot"})).json()["key"]
    async with stranger(app) as robot:
        robot.headers["X-API-Key"] = key
        change = {"current_password": PASSWORDS["demo"], "new_password": "another-one-entirely"}
        kept = await client.post("/auth/password", json=change)
        assert kept.status_code == 200
        assert [row["name"] for row in kept.json()["api_keys"]] == ["robot"]
        assert "1 API keys can still be used" in kept.json()["message"]
        assert key not in kept.text
        assert (await robot.get("/auth/me")).status_code == 200
        again = {"current_password": "another-one-entirely", "new_password": "a-third-one-entirely"}
        ended = await client.post("/auth/password", json=again | {"revoke_api_keys": True})
        assert (ended.status_code, ended.json()["api_keys"]) == (200, [])
        assert (await robot.get("/auth/me")).status_code == 401


@pytest.mark.parametrize("password", ["short", "x" * 129, "demo123456", "aaaaaaaaaaaa"])
async def test_a_weak_password_is_refused_with_what_is_wrong(
    client: httpx.AsyncClient, password: str
) -> None:
    change = {"current_password": PASSWORDS["demo"], "new_password": password}
    refused = await client.post("/auth/password", json=change)
    assert refused.status_code == 422
    assert password not in refused.text


async def test_in_the_demo_anybody_may_register_as_a_trader_with_an_own_account(app: FastAPI) -> None:
    async with stranger(app) as client:
        wanted = {"username": "Zoe", "password": "a-long-password"}
        made = await client.post("/auth/register", json=wanted)
        assert (made.status_code, made.json()["role"]) == (201, "trader")
        account = made.json()["investor_id"]
        assert account not in {"demo", "zoe"}
        await sign_in(client, "zoe", "a-long-password")
        assert (await client.get("/auth/me")).json()["investor_id"] == account
        again = await client.post("/auth/register", json=wanted)
        assert (again.status_code, again.json()["reason"]) == (409, "already_taken")
        bad = await client.post("/auth/register", json=wanted | {"username": "z o e"})
        assert (bad.status_code, bad.json()["reason"]) == (422, "bad_username")


async def test_outside_the_demo_nobody_registers_and_its_users_are_out(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    identity: Identity = app.state.identity
    identity.with_demo = False
    await identity.prepare_demo()
    identity.recognition.forget()
    assert (await client.get("/auth/me")).status_code == 401, "signed in while it was a demo"
    async with stranger(app) as other:
        wanted = {"username": "zoe", "password": "a-long-password"}
        refused = await other.post("/auth/register", json=wanted)
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")
        for username, password in PASSWORDS.items():
            form = {"grant_type": "password", "username": username, "password": password}
            out = await other.post("/auth/token", data=form)
            assert out.status_code == 403, username


async def test_a_demo_user_with_a_password_of_its_own_stays(client: httpx.AsyncClient, app: FastAPI) -> None:
    change = {"current_password": PASSWORDS["demo"], "new_password": "another-one-entirely"}
    await client.post("/auth/password", json=change)
    identity: Identity = app.state.identity
    identity.with_demo = False
    await identity.prepare_demo()
    await tokens(client, "demo", "another-one-entirely")
    assert (await client.get("/auth/me")).status_code == 200


async def test_a_demo_user_that_an_admin_has_changed_is_the_demos_no_more(app: FastAPI) -> None:
    async with stranger(app) as admin:
        await sign_in(admin, "admin")
        changed = await admin.patch("/admin/users/demo", json={"password": "another-one-entirely"})
        assert changed.status_code == 200
    identity: Identity = app.state.identity
    identity.with_demo = False
    await identity.prepare_demo()
    async with stranger(app) as client:
        await tokens(client, "demo", "another-one-entirely")
        refused = await client.post(
            "/auth/token",
            data={"grant_type": "password", "username": "analyst", "password": PASSWORDS["analyst"]},
        )
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")


async def test_too_many_requests_are_told_to_wait_and_cancels_still_come_through(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.pace = Pace(orders_per_second=0.5, requests_per_second=1)
    order = {"symbol": "PETR4", "side": "buy", "quantity": 1, "price": 10.0}
    assert (await client.post("/orders", json=order)).status_code == 201
    over = await client.post("/orders", json=order)
    assert (over.status_code, over.json()["reason"]) == (429, "rate_limited")
    assert int(over.headers["retry-after"]) == 2
    assert (await client.delete("/orders")).status_code == 200
    answers = [(await client.get("/orders")).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    async with stranger(app) as other:
        await sign_in(other, "analyst")
        assert (await other.get("/auth/me")).status_code == 200
