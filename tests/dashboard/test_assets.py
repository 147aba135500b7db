"""The browser's files: compressed once, kept for ever under a URL that names their content."""

import gzip
import hashlib
import posixpath
import re
from collections.abc import AsyncIterator
from importlib import resources

import httpx
import pytest
from starlette.applications import Starlette

from dashboard import assets

FILES = assets.load()


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=[assets.route(FILES)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
        yield client


async def test_plotly_travels_compressed_and_is_kept(browser: httpx.AsyncClient) -> None:
    response = await browser.get(assets.plotly_url(), headers={"accept-encoding": "gzip"})
    assert response.status_code == 200
    assert response.headers["content-encoding"] == "gzip"
    assert "immutable" in response.headers["cache-control"]
    assert int(response.headers["content-length"]) < 450_000 < len(response.content)
    assert b"Plotly" in response.content


async def test_a_client_that_cannot_unpack_gets_it_plain(browser: httpx.AsyncClient) -> None:
    response = await browser.get(assets.module_url(), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in response.headers
    assert b"export function mount" in response.content


async def test_every_module_that_is_imported_is_served(browser: httpx.AsyncClient) -> None:
    waiting, seen = ["main.js", "streams/worker.js"], set()
    while waiting:
        name = waiting.pop()
        response = await browser.get(f"{assets.PREFIX}/{assets.version()}/{name}")
        text = response.raise_for_status().text
        seen.add(name)
        folder = posixpath.dirname(name)
        imported = {
            posixpath.normpath(f"{folder}/{path}".lstrip("/"))
            for path in re.findall(r'from "(\.[^"]+)"', text)
        }
        waiting.extend(imported - seen)
    assert {"feed.js", "chart/chart.js", "market/market_page.js"} <= seen
    assert seen == {name for name in FILES if name != assets.PLOTLY}, "no module that nobody imports"


@pytest.mark.parametrize("path", ["/homebroker/0/main.js", f"/homebroker/{assets.version()}/live.py"])
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


def test_the_vendored_plotly_is_the_one_that_its_page_names() -> None:
    told = (resources.files("dashboard.components.live") / "vendor" / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(FILES[assets.PLOTLY].content).hexdigest() in told


def test_the_compressed_form_is_the_same_script() -> None:
    for asset in FILES.values():
        assert gzip.decompress(asset.gzipped) == asset.content
