"""What is compiled, and when: all of it before the first command, and none of it afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from engine.log import Connection, LogWriter
from engine.topics import ORDERS
from tests.all_commands import DAY_MS, flow
from tests.kafka.clean_run import all_answered, check_outputs

pytestmark = pytest.mark.kafka
_ROOT = Path(__file__).parent.parent.parent
_SOAK = os.environ.get("HOMEBROKER_TEST_SOAK") == "1"
# Two lives of an engine, the second from the first's snapshot; then what was compiled meanwhile.
_LIVES = """
import asyncio, sys
from numba.core.dispatcher import Dispatcher
from structlog.testing import capture_logs
from engine import service, warm_up
from engine.log import Connection

def signatures():
    modules = [module for name, module in sys.modules.items() if name.startswith("engine")]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)]
    return {(each.py_func.__qualname__, str(each.signatures)) for each in found}

async def live(awaited):
    connection = Connection(bootstrap_servers=sys.argv[1])
    with capture_logs() as logs:
        running = asyncio.create_task(
            service.run(connection, report=lambda _state, _detail: None, snapshot_commands=1_000)
        )
        while not running.done() and all(entry["event"] != awaited for entry in logs):
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return [entry["event"] for entry in logs]

warm_up.load()
before = signatures()
assert len(before) > 5, before
print(asyncio.run(live("snapshot saved")))
print(asyncio.run(live("caught up with the log")))
print("compiled meanwhile:", sorted(signatures() - before))
"""
_WITHOUT_CACHE = """
import sys
from engine import batches, warm_up
warm_up.load() if sys.argv[1] == "all" else batches.warm_up()
print("it works")
"""


def _python(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": str(_ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_no_command_waits_for_the_compiler(connection: Connection) -> None:
    records = list(islice(flow(seed=700, start_ms=100 * DAY_MS), 8_000))
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, records)
    ran = _python(_LIVES, connection.bootstrap_servers)
    assert ran.returncode == 0, ran.stderr
    _, second_life, compiled = ran.stdout.splitlines()
    assert "going on from a snapshot" in second_life
    assert compiled == "compiled meanwhile: []"
    assert await all_answered(connection)
    await check_outputs(connection)


@pytest.mark.parametrize("what", ["all"] if _SOAK else ["a part"])
def test_where_compiled_code_cannot_be_kept_the_engine_says_so_and_works(what: str) -> None:
    ran = _python(_WITHOUT_CACHE, what, NUMBA_CACHE_DIR="/proc/nowhere")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "it works"
    assert "cannot be kept in /proc/nowhere" in ran.stderr
    assert "Make the folder writable or set NUMBA_CACHE_DIR" in ran.stderr
