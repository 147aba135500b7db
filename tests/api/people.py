"""People who use the API of the tests: the demo's users, and how they sign in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from api.identity.demo_users import DEMO_USERS

PASSWORDS = {user.username: user.password for user in DEMO_USERS}
PAGE = "http://127.0.0.1:8501"


@asynccontextmanager
async def stranger(app: FastAPI, *, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that nobody has signed in with."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


async def tokens(client: httpx.AsyncClient, username: str, password: str | None = None) -> dict[str, str]:
    """Sign in for tokens."""
    form = {"grant_type": "password", "username": username, "password": password or PASSWORDS[username]}
    answer = await client.post("/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    pair: dict[str, str] = answer.json()
    return pair


async def sign_in(client: httpx.AsyncClient, username: str, password: str | None = None) -> None:
    """Let a client show an access token from now on."""
    pair = await tokens(client, username, password)
    client.headers["authorization"] = f"Bearer {pair['access_token']}"
