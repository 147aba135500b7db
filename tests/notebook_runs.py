"""Notebooks run top to bottom, one after the other, in one kernel beside one market."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from engine.log import Connection
from homebroker.simulator.live import trade_live
from tests.market import Market, environment_of

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
_TIMEOUT_S = 120
_RATE = 60.0


async def run_notebooks(
    market: Market, directory: Path, paths: Sequence[Path], told: dict[str, str]
) -> dict[str, Any]:
    """Run notebooks and give them, by name, with what their cells put out.

    Parameters
    ----------
    directory : Path
        Where the kernel runs, and Jupyter keeps its files.
    told : dict
        By a notebook's name: code that is run behind its last cell, in a cell with the id `told`.
    """
    environment = environment_of(
        market.settings,
        # The kernels of this environment and the files of this test, not those of whoever runs it.
        JUPYTER_PREFER_ENV_PATH="1",
        IPYTHONDIR=str(directory / "ipython"),
    )
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(env=environment, cwd=str(directory))
    try:
        run: dict[str, Any] = {}
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f", id="reset"))
            if path.name in told:
                notebook.cells.append(nbformat.v4.new_code_cell(told[path.name], id="told"))
            client = NotebookClient(notebook, km=manager, timeout=_TIMEOUT_S)
            await client.async_execute()
            client.kc.stop_channels()
            run[path.name] = notebook
        return run
    finally:
        await manager.shutdown_kernel(now=True)


@asynccontextmanager
async def trading(connection: Connection) -> AsyncIterator[None]:
    """Have the simulated investors trade, in the context."""
    task = asyncio.create_task(
        trade_live(connection, rate=_RATE, seed=3, wishes_url="", report=lambda *_told: None)
    )
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
