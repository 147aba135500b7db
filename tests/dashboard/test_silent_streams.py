"""Streams that a network loses without a word: told, and opened anew; in real Chromium on a real API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Error, Page, async_playwright, expect

from dashboard import assets
from homebroker.client import AsyncClient, Stream, Trade
from tests.api.conftest import make_app, quick_passwords
from tests.api.live_engine import LiveEngine
from tests.api.people import PASSWORDS
from tests.api.serving import serving
from tests.cutting_proxy import SwallowingProxy
from tests.dashboard.conftest import CHROMIUM_FLAGS, LIVE, chromium_path
from tests.kafka.waiting import until

pytestmark = pytest.mark.browser

BEAT_EVERY_S = 0.2
PATIENT_MS = 60_000
PAGES = ("trade", "market", "account")
TOLD = re.compile(r"^Reconnecting to the market… What you see is of \d\d:\d\d:\d\d\.$")
MOUNT = """
async ({ pages, module, ...data }) => {
  const { mount } = await import(module);
  const user = { username: "demo", role: "trader", investor_id: "demo", trades: true };
  const assets = [{ symbol: "PETR4", name: "Petrobras PN", tick_size: 0.01, lot_size: 1 }];
  const shown = { ...data, user, assets, symbol: "PETR4", interval: "1m", intervals: ["1m"] };
  for (const page of pages) {
    const parentElement = document.createElement("main");
    parentElement.id = page;
    document.body.append(parentElement);
    mount({ data: { page, ...shown }, parentElement, setTriggerValue: () => {} });
  }
}
"""


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """Give an API whose streams beat quickly, and which serves the page's modules too."""
    quick_passwords(monkeypatch)
    monkeypatch.setattr("api.feed.subscription.BEAT_EVERY_S", BEAT_EVERY_S)
    timeout = httpx.Timeout(5.0, read=3 * BEAT_EVERY_S)
    monkeypatch.setattr("homebroker.client.client._STREAM_TIMEOUT", timeout)
    app = make_app(tmp_path)
    app.router.routes.insert(0, assets.route(assets.load()))
    async with app.state.identity.running():
        yield app
    app.state.services.history.close()


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Page]:
    """Open all pages that follow streams side by side; an error in their scripts fails the test."""
    path = chromium_path()
    errors: list[Error] = []
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS) as browser,
    ):
        page = await browser.new_page()
        page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - it marks what it is given
        form = {"username": "demo", "password": PASSWORDS["demo"]}
        assert (await page.request.post(f"{url}/auth/session", form=form)).ok
        await page.goto(f"{url}/health")
        await page.add_style_tag(path=LIVE / "live.css")
        urls = {"module": assets.module_url(), "plotly_url": assets.plotly_url()}
        await page.evaluate(MOUNT, {"pages": PAGES, "api_port": int(url.rpartition(":")[2]), **urls})
        yield page
    assert errors == []


async def _told(stream: Stream, trades: list[str]) -> None:
    async for event in stream:
        match event.data:
            case Trade() as trade:
                trades.append(trade.transaction_id)
            case _:
                pass


async def test_streams_lost_without_a_word_are_told_and_bring_what_was_missed(
    app: FastAPI, artifacts: Path
) -> None:
    live, trades = LiveEngine(app), list[str]()
    expect.set_options(timeout=PATIENT_MS)
    async with serving(app) as port:
        proxy = SwallowingProxy(port)
        async with (
            proxy.running() as url,
            AsyncClient(url) as client,
            client.follow(["PETR4"], ["trades"]) as stream,
            asyncio.TaskGroup() as reading,
            _opened(url) as page,
        ):
            reader = reading.create_task(_told(stream, trades))
            prints = page.locator("#trade .hb-print")
            await until(lambda: len(proxy.beats) == 4 and all(proxy.beats.values()), "all streams beat")
            live.trade()
            await expect(prints).to_have_count(1)
            await until(lambda: len(trades) == 1, "the program is told")
            connections = stream.connections
            proxy.lose_streams()
            live.trade()
            for name in PAGES:
                banner = page.locator(f"#{name} .hb-banner")
                await expect(banner).to_be_visible()
                await expect(banner).to_have_text(TOLD)
            await page.screenshot(path=artifacts / "silent-streams.png", full_page=True)
            assert proxy.swallowed
            assert await prints.count() == len(trades) == 1
            proxy.mend()
            await expect(prints).to_have_count(2)
            for name in PAGES:
                await expect(page.locator(f"#{name} .hb-banner")).to_be_hidden()
            await until(lambda: len(trades) == 2, "the program is told of what it missed")
            assert stream.connections > connections
            reader.cancel()
    assert len(set(trades)) == 2
