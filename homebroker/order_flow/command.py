"""`homebroker replay`: the replay with a progress bar, and what came of it in words."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.log import Connection, LogError
from homebroker.order_flow.reading import FlowError, FlowTrade, read_trades
from homebroker.order_flow.replay import ReplayError, ReplayResult, first_difference, replay_flow


def run_replay(
    connection: Connection,
    path: Path,
    *,
    symbol: str | None = None,
    trades_path: Path | None = None,
    speed: float | None = None,
    console: Console | None = None,
) -> int:
    """Replay a file, print what came of it, and compare the trades when there is a file of them.

    Returns
    -------
    int
        The exit code: 0, 1 when the trades differ, 2 when the replay could not be done.
    """
    console = console or Console()
    try:
        expected = None if trades_path is None else list(read_trades(trades_path))
        with _progress(console) as progress:
            tasks: dict[str, TaskID] = {}

            def notice(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = progress.add_task(step)
                progress.update(tasks[step], completed=done, total=total)

            result = asyncio.run(replay_flow(connection, path, symbol=symbol, speed=speed, notice=notice))
    except (FlowError, ReplayError) as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    except LogError as error:
        console.print(
            f"Kafka does not answer at {connection.bootstrap_servers} ({error}); is the market up? "
            "See: homebroker status",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        return 2
    _print_result(console, result)
    return 0 if expected is None else _print_comparison(console, result.trades, expected)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _print_result(console: Console, result: ReplayResult) -> None:
    rate = result.commands / result.seconds if result.seconds else 0.0
    console.print(
        f"{result.symbol}: {result.commands:,} commands, {len(result.trades):,} trades, "
        f"{result.seconds:.2f} s, {rate:,.0f} commands/s",
        highlight=False,
    )
    if result.ignored_rows:
        console.print(f"{result.ignored_rows:,} rows were about orders not open; ignored.", highlight=False)
    if result.rejected:
        console.print(f"{result.rejected:,} commands were rejected by the engine.", highlight=False)


def _print_comparison(console: Console, found: list[FlowTrade], expected: list[FlowTrade]) -> int:
    difference = first_difference(found, expected)
    if difference is None:
        console.print(f"Equal: the same {len(expected):,} trades, in order.", style="green", highlight=False)
        return 0
    console.print(f"Different: {difference}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 1
