"""`homebroker replay --verify`: the stored log run again, with a progress bar, and what came of it."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from engine import warm_up
from engine.log import Connection, LogError
from engine.recovery import UnusableLogError
from engine.stored_outputs import DifferenceError
from engine.verification import PATIENCE_S, Verified, verify


def run_verify(
    connection: Connection, *, patience_s: float = PATIENCE_S, console: Console | None = None
) -> int:
    """Run the stored log again in memory and say whether what is stored of it is equal.

    Returns
    -------
    int
        The exit code: 0, 1 when something differs, 2 when it could not be compared.
    """
    console = console or Console()
    warm_up.main(lambda line: console.print(line, highlight=False))
    try:
        verified = asyncio.run(_with_progress(connection, patience_s, console))
    except DifferenceError as difference:
        _complain(console, f"Different: {difference}")
        return 1
    except UnusableLogError as error:
        _complain(console, str(error))
        return 2
    except LogError as error:
        _complain(
            console,
            f"Kafka does not answer at {connection.bootstrap_servers} ({error}); is the market up? "
            "See: homebroker status",
        )
        return 2
    console.print(_sentence(verified), style="green", highlight=False, soft_wrap=True)
    return 0


async def _with_progress(connection: Connection, patience_s: float, console: Console) -> Verified:
    columns = TextColumn("replayed"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("replayed", total=None)
        return await verify(
            connection,
            notice=lambda done, total: progress.update(task, completed=done, total=total),
            patience_s=patience_s,
        )


def _sentence(verified: Verified) -> str:
    records = ", ".join(f"{count:,} {topic}" for topic, count in verified.records.items())
    parts = [
        f"Equal: {verified.commands:,} commands, {records}",
        f"{verified.repeated:,} repeats",
        f"{verified.snapshots:,} snapshots",
    ]
    if verified.foreign_snapshots:
        parts.append(f"{verified.foreign_snapshots:,} snapshots of another version not compared")
    if verified.older_reports:
        parts.append(f"{verified.older_reports:,} reports of an engine that told less of an order's terms")
    return ", ".join(parts) + "."


def _complain(console: Console, sentence: str) -> None:
    console.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
