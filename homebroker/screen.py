"""What people see in the terminal: plain lines where it is none, colour and a bar where it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from homebroker.broker import jars

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def download_bar(label: str) -> Iterator[jars.Progress]:
    """Show a bar for a download, from its first byte on; nothing when there is none."""
    columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(label, total=None)
    # Not started before there is something to show: even an empty bar leaves a line.
    with ExitStack() as stack:

        def show(bytes_here: int, bytes_all: int) -> None:
            if not bar.live.is_started:
                stack.enter_context(bar)
            bar.update(task, completed=bytes_here, total=bytes_all)

        yield show
