"""Run the notebooks as their test does, and write what they show to docs/notebooks: `make notebooks`.

Markdown, with Plotly's figures drawn by Chromium into small images.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import plotly
from playwright.async_api import Page, async_playwright

from homebroker.broker.jars import default_cache, fetch_jars, locked_jars
from homebroker.settings import Settings
from tests.market import Market, RunningBroker, market_settings
from tests.notebook_runs import NOTEBOOKS, run_notebooks, trading
from tests.seeded_market import seeded_market

_TARGET = NOTEBOOKS.parent / "docs" / "notebooks"
_PLOTLY = "application/vnd.plotly.v1+json"
_WIDTH = 760
_HEIGHT = 450
_QUALITY = 70
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


async def _render() -> None:
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    with tempfile.TemporaryDirectory(prefix="homebroker-notebooks-") as folder:
        directory = Path(folder)
        broker = await asyncio.to_thread(RunningBroker, directory / "broker")
        try:
            settings = market_settings(directory, kafka_bootstrap_servers=broker.connection.bootstrap_servers)
            market = Market(settings=settings, connection=broker.connection)
            async with (
                seeded_market(market.connection, minutes=60),
                trading(market.connection),
            ):
                run = await run_notebooks(market, directory, paths, {})
        finally:
            broker.stop()
    shutil.rmtree(_TARGET, ignore_errors=True)
    _TARGET.mkdir(parents=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = await browser.new_page(viewport={"width": _WIDTH, "height": 800})
        script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
        await page.set_content("<body style='margin:0'><div id='figure'></div></body>")
        await page.add_script_tag(path=str(script))
        for name, notebook in run.items():
            await _write(page, name.removesuffix(".ipynb"), notebook)
        await browser.close()
    lines = [
        "# The notebooks, run",
        "",
        "Made by `make notebooks` on a market with an hour of history and somebody trading. The notebooks",
        "themselves are in [notebooks](../../notebooks/README.md).",
        "",
        *(f"- [{_title(notebook)}]({name.removesuffix('.ipynb')}.md)" for name, notebook in run.items()),
    ]
    (_TARGET / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def _write(page: Page, name: str, notebook: Any) -> None:
    parts = []
    for cell in notebook.cells[1:]:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += [await _shown(page, f"{name}-{cell.id}", output) for output in cell.outputs]
    text = "\n\n".join(part for part in parts if part)
    (_TARGET / f"{name}.md").write_text(text + "\n", encoding="utf-8")


async def _shown(page: Page, name: str, output: Any) -> str:
    data = output.get("data", {})
    if _PLOTLY in data:
        await _draw(page, data[_PLOTLY], _TARGET / f"{name}.jpg")
        return f"![{name}]({name}.jpg)"
    # What goes to the error output are bars, which tell of the machine and not of the market.
    shown = "" if output.get("name") == "stderr" else output.get("text") or data.get("text/plain", "")
    text = _ANSI.sub("", shown).rstrip()
    return f"```\n{text}\n```" if text else ""


async def _draw(page: Page, figure: Any, path: Path) -> None:
    layout = {"height": _HEIGHT, **figure["layout"], "width": _WIDTH}
    await page.evaluate(
        """([data, layout]) => {
            document.getElementById('figure').style.height = layout.height + 'px';
            return Plotly.newPlot('figure', data, layout, {staticPlot: true});
        }""",
        json.loads(json.dumps([figure["data"], layout])),
    )
    await page.locator("#figure").screenshot(path=path, type="jpeg", quality=_QUALITY)


def _title(notebook: Any) -> str:
    first: str = notebook.cells[1].source
    return first.splitlines()[0].removeprefix("# ")


if __name__ == "__main__":
    Settings.model_config["env_file"] = None
    fetch_jars(default_cache(), locked_jars(), lambda _here, _all: None)
    asyncio.run(_render())
