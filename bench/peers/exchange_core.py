"""exchange-core 0.5.3 beside our kernel, in Java processes of its own: its order book, and its whole market.

The market is the book behind exchange-core's matching router and risk engine, which checks and holds what an
order needs and settles its trades. Both are called directly on one thread, as our kernel is, without the
queues between threads that its service has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Final

from bench.generator import LEVELS
from bench.stream import CASH_UNITS, INVESTORS, SHARES, TICK_UNITS, Stream

_ENDPOINT: Final = "exchange.core2:exchange-core:0.5.3"
_SOURCE: Final = "ExchangeCorePeer.java"
_FLAGS: Final = ("-XX:+UseParallelGC", "-Xms4g", "-Xmx4g")


class Part(Enum):
    """How much of exchange-core takes part; the value is what the Java program calls it."""

    BOOK = "book"
    ACCOUNTS = "accounts"

    @property
    def title(self) -> str:
        """Name the part in a table."""
        return {
            Part.BOOK: "exchange-core 0.5.3, OrderBookDirectImpl",
            Part.ACCOUNTS: "exchange-core 0.5.3 with its accounts and risk checks",
        }[self]


class NoPeerError(RuntimeError):
    """The peer cannot run here; says what is missing."""


class ExchangeCore:
    """A Java process that holds a stream and runs it through a new market whenever it is asked."""

    def __init__(self, part: Part, answers: IO[str], orders: IO[str], complaints: Path) -> None:
        self.part = part
        self._answers = answers
        self._orders = orders
        self._complaints = complaints
        word, *counts = self._answer().split()
        assert word == "checked"
        self.trades, self.traded_quantity, self.refused = map(int, counts)

    def run_pass(self) -> float:
        """Run the whole stream once and give the seconds."""
        self._orders.write("pass\n")
        self._orders.flush()
        return int(self._answer()) / 1e9

    def _answer(self) -> str:
        answer = self._answers.readline()
        if not answer:
            said = self._complaints.read_text()
            raise RuntimeError(f"{self.part.title}: the process ended and said: {said}")
        return answer


@contextmanager
def exchange_core(part: Part, made: Stream) -> Iterator[ExchangeCore]:
    """Run a part of exchange-core on a stream for the length of a `with` block.

    Raises
    ------
    NoPeerError
        When there is no JDK on the PATH, or its jars cannot be had.
    RuntimeError
        When its process ends: its market did not start, or its accounts did not add up.
    """
    java, class_path = _java(), _class_path()
    with (
        tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder,
        as_file(files(__package__) / _SOURCE) as source,
    ):
        path, complaints = Path(folder) / "stream.bin", Path(folder) / "stderr"
        made.write(path)
        size = map(str, (made.symbols, LEVELS, INVESTORS, CASH_UNITS // TICK_UNITS, SHARES))
        command = [str(java), *_FLAGS, "-cp", class_path, str(source), part.value, str(path), *size]
        with (
            complaints.open("w") as said,
            subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            yield ExchangeCore(part, process.stdout, process.stdin, complaints)


def _java() -> Path:
    # The launcher beside a compiler: it alone runs a program from its source.
    compiler = shutil.which("javac")
    if compiler is None:
        raise NoPeerError("No JDK is on the PATH, so exchange-core is left out.")
    return Path(compiler).resolve().with_name("java")


def _class_path() -> str:
    import jgo  # noqa: PLC0415 - it brings an HTTP stack, which no other benchmark needs

    try:
        return os.pathsep.join(str(jar.resolve()) for jar in jgo.resolve(_ENDPOINT))
    except (OSError, RuntimeError, ValueError) as error:
        raise NoPeerError(f"exchange-core's jars could not be had ({error}), so it is left out.") from error
