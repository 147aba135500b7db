"""What every long-running part has in common: its pid file, log, status file and signals."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import structlog
import uvloop
from prometheus_client import Enum, start_http_server

from engine.progress import Report, State
from homebroker.errors import StartError
from homebroker.pidfile import claim
from homebroker.settings import Settings
from homebroker.status import PartStatus, now_ms, remove_status, write_status

PARENT_VARIABLE = "HOMEBROKER_PARENT_PID"

_PR_SET_PDEATHSIG = 1
METRICS_PARTS = ("engine", "recorder", "simulator", "dashboard")
"""The parts with a port for their metrics: the first has HOMEBROKER_METRICS_PORT, each other the next one."""

_STATE = Enum("homebroker_state", "Where the part stands.", ("part",), states=list(State))


def run_part(
    name: str,
    settings: Settings,
    part: Callable[[Report], Coroutine[None, None, None]],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Run a part until it is told to stop by SIGTERM or SIGINT; a second signal kills it.

    Parameters
    ----------
    name : str
        The process's name: of its pid file, its status file, and in its log.
    part : callable
        Takes what to report to, and runs until it is cancelled.
    check : callable
        Looks, once the name is ours, whether the part can run at all, and raises `StartError` when not.

    Raises
    ------
    StartError
        When the name is taken in this data directory, or the check says so.
    """
    stop_with_parent()
    configure_logging(name)
    pid_file = claim(settings.data_dir, name)
    reporter = _Reporter(settings.data_dir, name)
    try:
        check()
        _serve_metrics(name, settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run_until_told(part, reporter))
    finally:
        remove_status(settings.data_dir, name)
        pid_file.release()


def _serve_metrics(name: str, settings: Settings) -> None:
    """Let Prometheus read what this part counts; the API answers it under its own address instead."""
    if not settings.metrics_port or name not in METRICS_PARTS:
        return
    port = settings.metrics_port + METRICS_PARTS.index(name)
    try:
        start_http_server(port, settings.metrics_host)
    except OSError as error:
        raise StartError(
            f"The {name}'s metrics cannot be served on port {port}: {error.strerror}. "
            "Set HOMEBROKER_METRICS_PORT to another, or to 0 for none."
        ) from error


def stop_with_parent() -> None:
    """See that this process is told to stop when the `up` that started it dies; only Linux can."""
    parent = os.environ.get(PARENT_VARIABLE, "")
    if not parent.isdigit() or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        # It died before we asked.
        raise SystemExit(1)


def configure_logging(name: str) -> None:
    """Log one line an event to stderr: UTC time, level, sentence, key=value; libraries' warnings too."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(part=name)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(
                    key_order=["timestamp", "level", "event"], drop_missing=True
                ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # Ten lines a second while Kafka is away; what is done about it is logged by whoever does it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    for ours in ("engine", "api", "dashboard", "homebroker"):
        logging.getLogger(ours).setLevel(logging.INFO)


class _Reporter:
    """Keeps the status file: what the part last reported, and when. One that hangs reports no more."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._data_dir = data_dir
        self._name = name
        self._log = structlog.get_logger(f"homebroker.{name}")
        self._state: State | None = None
        self._write(State.STARTING, "")

    def report(self, state: State, detail: str) -> None:
        if state != self._state:
            self._log.info(detail, state=str(state))
            if state is State.READY:
                # What a part is made of stays. The collector would go through all of it again and again: for
                # 60 ms, or 180 on a busy machine, the engine answered no order.
                gc.freeze()
        self._state = state
        _STATE.labels(self._name).state(state)
        self._write(state, detail)

    def _write(self, state: State, detail: str) -> None:
        status = PartStatus(pid=os.getpid(), state=state, detail=detail, time_ms=now_ms())
        try:
            write_status(self._data_dir, self._name, status)
        except OSError as error:
            # A full disk must not stop the part that could still be drained.
            self._log.warning("The status file cannot be written.", error=error.strerror)


async def _run_until_told(part: Callable[[Report], Coroutine[None, None, None]], reporter: _Reporter) -> None:
    running = asyncio.create_task(part(reporter.report))
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        running.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    try:
        await running
    except asyncio.CancelledError:
        if not told:
            raise
