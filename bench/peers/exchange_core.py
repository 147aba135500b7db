"""exchange-core's order book beside ours: `OrderBookDirectImpl` of release 0.5.3, in its own Java process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Final

from bench.stream import Stream

NAME: Final = "exchange-core 0.5.3, OrderBookDirectImpl"
_ENDPOINT: Final = "exchange.core2:exchange-core:0.5.3"
_SOURCE: Final = "ExchangeCoreBook.java"
_FLAGS: Final = ("-XX:+UseParallelGC", "-Xms4g", "-Xmx4g")


class NoPeerError(RuntimeError):
    """The peer cannot run here; says what is missing."""


class ExchangeCore:
    """A Java process that holds a stream and runs it through new books whenever it is asked."""

    def __init__(self, answers: IO[str], orders: IO[str], complaints: Path) -> None:
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
            raise NoPeerError(f"{NAME} is left out, for its process ended: {self._complaints.read_text()}")
        return answer


@contextmanager
def exchange_core(made: Stream) -> Iterator[ExchangeCore]:
    """Run exchange-core on a stream for the length of a `with` block.

    Raises
    ------
    NoPeerError
        When there is no JDK on the PATH, or its jars cannot be had.
    """
    java, class_path = _java(), _class_path()
    with (
        tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder,
        as_file(files(__package__) / _SOURCE) as source,
    ):
        path, complaints = Path(folder) / "stream.bin", Path(folder) / "stderr"
        made.write(path)
        command = [str(java), *_FLAGS, "-cp", class_path, str(source), str(path), str(made.symbols)]
        with (
            complaints.open("w") as said,
            subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            yield ExchangeCore(process.stdout, process.stdin, complaints)


def _java() -> Path:
    # The launcher beside a compiler: it alone runs a program from its source.
    compiler = shutil.which("javac")
    if compiler is None:
        raise NoPeerError(f"No JDK is on the PATH, so {NAME} is left out.")
    return Path(compiler).resolve().with_name("java")


def _class_path() -> str:
    import jgo  # noqa: PLC0415 - it brings an HTTP stack, which no other benchmark needs

    try:
        return os.pathsep.join(str(jar.resolve()) for jar in jgo.resolve(_ENDPOINT))
    except (OSError, RuntimeError, ValueError) as error:
        raise NoPeerError(f"The jars of {NAME} could not be had ({error}), so it is left out.") from error
