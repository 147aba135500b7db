"""The command line: `homebroker --help`."""

# ruff: noqa: PLC0415 - each command imports what it needs, so that help comes at once

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from homebroker.errors import EXIT_CANNOT_START, StartError

if TYPE_CHECKING:
    from homebroker.settings import Settings

app = typer.Typer(
    help="A real-time stock exchange and home broker. `homebroker up` starts all of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; what stops a start is a sentence and exit code 2, not a traceback."""
    try:
        app()
    except StartError as error:
        typer.secho(str(error), fg="red", err=True)
        sys.exit(EXIT_CANNOT_START)


_bench = typer.Typer(help="Measure.", no_args_is_help=True)
app.add_typer(_bench, name="bench")
_users = typer.Typer(help="Manage who can sign in.", no_args_is_help=True)
app.add_typer(_users, name="users")


@app.command()
def up() -> None:
    """Start the whole market and keep it running; Ctrl-C stops it."""
    from homebroker.supervisor.command import run_up

    run_up(_settings())


@app.command()
def prepare(
    what: Annotated[
        Literal["engine", "kafka", "rehearsal"] | None, typer.Argument(help="Only this; absent: all.")
    ] = None,
    gently: Annotated[
        bool, typer.Option("--gently", help="Leave the processor to whoever else wants it.")
    ] = False,
) -> None:
    """Do now what the first starts would wait for: compile the engine, bring Kafka and rehearse it."""
    from homebroker.prepare import Preparation, run_prepare

    run_prepare(_settings(), Preparation(what) if what else None, gently=gently)


@app.command()
def broker() -> None:
    """Run the embedded broker, Apache Kafka."""
    from homebroker.broker.command import become_broker

    become_broker(_settings())


@app.command()
def topics(
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for Kafka.")] = 30.0,
) -> None:
    """Make the market's topics where they do not exist."""
    from homebroker.supervisor.topics import make_topics_when_up

    make_topics_when_up(_settings(), wait_s=wait_s)
    typer.echo("All topics are there.")


@app.command()
def engine() -> None:
    """Run the matching engine."""
    _run_part("engine")


@app.command()
def recorder() -> None:
    """Run the recorder, which writes history to the database."""
    _run_part("recorder")


@app.command()
def api() -> None:
    """Run the API: REST and streams."""
    _run_part("api")


@app.command()
def dashboard() -> None:
    """Run the trading page."""
    _run_part("dashboard")


@app.command()
def simulate() -> None:
    """Run the simulated investors."""
    _run_part("simulator")


@app.command()
def replay(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="Order flow: FILE.csv or FILE.csv.gz."),
    ] = None,
    trades: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The trades that must come of it.")
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Symbol to trade it as; absent: from the file's name.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="Times the pace of a session; absent: as fast as possible."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="No FILE: run the stored orders again, and compare.")
    ] = False,
) -> None:
    """Send a file of real order flow through Kafka and compare the trades; or verify what Kafka holds."""
    if verify == (file is not None):
        raise typer.BadParameter("Give a FILE of order flow, or --verify without one.")
    if file is None:
        from homebroker.order_flow.verify_command import run_verify

        raise typer.Exit(run_verify(_settings().connection))
    from homebroker.order_flow.command import run_replay

    raise typer.Exit(run_replay(_settings().connection, file, symbol=symbol, trades_path=trades, speed=speed))


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where DAY/SYMBOL.parquet are put.")],
) -> None:
    """Export the history's trades as Parquet by day and symbol; again, only what is new."""
    from homebroker.export_command import run_export

    run_export(_settings(), directory)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    check: Annotated[str | None, typer.Option(help="One part; exit code 0 when it is ready.")] = None,
) -> None:
    """Show where each part stands; exit code 0 when all that should run are ready."""
    from homebroker.supervisor.overview import print_check, print_overview

    settings = _settings()
    if check is not None:
        raise typer.Exit(print_check(settings, check))
    raise typer.Exit(print_overview(settings, as_json=as_json))


@app.command()
def settings() -> None:
    """Show every setting, its value, default and meaning."""
    from homebroker.settings_table import print_settings

    print_settings(_settings())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def notebook(context: typer.Context) -> None:
    """Open the notebooks in JupyterLab, which gets all options (such as --no-browser, --port 9999)."""
    from homebroker.notebook import open_notebooks

    open_notebooks(_settings(), context.args)


@_users.command("add")
def add_user(
    username: str,
    role: Annotated[
        Literal["trader", "analyst", "admin"], typer.Option(help="What the user may do.")
    ] = "trader",
    investor: Annotated[
        str | None, typer.Option(help="The account to trade; absent: a trader gets a new one.")
    ] = None,
) -> None:
    """Make a user; asks for the password, or reads it from the input."""
    from api.identity.callers import Role
    from homebroker.users_command import add

    add(_settings(), username, role=Role(role), investor_id=investor)


@_users.command("list")
def list_users() -> None:
    """List the users."""
    from homebroker.users_command import show

    show(_settings())


@_users.command("password")
def set_user_password(username: str) -> None:
    """Set a user's password; ends the user's sessions and API keys."""
    from homebroker.users_command import set_password

    set_password(_settings(), username)


@_users.command("disable")
def disable_user(
    username: str,
    undo: Annotated[bool, typer.Option("--undo", help="Let the user in again.")] = False,
) -> None:
    """Keep a user out."""
    from homebroker.users_command import disable

    disable(_settings(), username, enable=undo)


@_bench.command()
def kernel(
    commands: Annotated[
        int, typer.Option(min=100_000, max=10_000_000, help="Commands in a round.")
    ] = 2_000_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds, of which the median is told.")] = 7,
    resting: Annotated[int, typer.Option(min=100, max=500_000, help="Orders that rest at any time.")] = 5_000,
) -> None:
    """Match a seeded flow in memory, on 1 symbol, 100 and 100 full ones; with a JDK, beside peers."""
    from bench.kernel import run

    run(commands=commands, rounds=rounds, resting=resting)


@_bench.command()
def pipeline(
    commands: Annotated[int, typer.Option(min=10_000, max=10_000_000, help="Commands to send.")] = 1_000_000,
    symbols: Annotated[int, typer.Option(min=1, max=100, help="Symbols that they are spread over.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds that they are sent in.")] = 5,
) -> None:
    """Run a seeded flow of commands through a Kafka of its own, beside a pass-through."""
    from bench.pipeline import run

    run(commands=commands, symbols=symbols, rounds=rounds)


@_bench.command()
def latency(
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long each rate lasts.")] = 10,
) -> None:
    """Time orders from their moment to their executions at 100, 1,000 and 10,000 a second, beside an echo."""
    from bench.latency import run

    run(seconds=seconds)


@_bench.command()
def recovery(
    commands: Annotated[
        int, typer.Option(min=100_000, max=50_000_000, help="Commands of history.")
    ] = 10_000_000,
    starts: Annotated[int, typer.Option(min=1, max=20, help="Starts from it.")] = 3,
) -> None:
    """Start an engine from a long history with a snapshot; pause and memory with a million resting orders."""
    from bench.recovery import run

    run(commands=commands, starts=starts)


@_bench.command("dashboard")
def bench_dashboard(
    seconds: Annotated[int, typer.Option(min=5, max=3_600, help="How long each figure is watched.")] = 30,
    minutes: Annotated[
        int, typer.Option(min=0, max=1_440, help="Instead: watch memory so long, in a market as usual.")
    ] = 0,
    browsers: Annotated[
        int, typer.Option(min=0, max=500, help="Instead: one who draws among so many who watch.")
    ] = 0,
) -> None:
    """Watch the page in Chromium at 50 trades a second, beside Streamlit's fragments and autorefresh."""
    from bench.dashboard import crowd, memory, run

    if minutes:
        memory.run(minutes=minutes)
    elif browsers:
        crowd.run(browsers=browsers)
    else:
        run.run(seconds=seconds)


@_bench.command("recorder")
def bench_recorder(
    trades: Annotated[int, typer.Option(min=10_000, max=10_000_000, help="Trades in a round.")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds, of which the median is told.")] = 3,
) -> None:
    """Record trades from a Kafka of its own in SQLite and PostgreSQL, beside plain inserts from memory."""
    from bench.recorder import run

    run(trades=trades, rounds=rounds)


@_bench.command()
def feed(
    listeners: Annotated[int, typer.Option(min=1, max=1_900, help="Streams that are open at once.")] = 1_000,
    rate: Annotated[int, typer.Option(min=1, max=1_000, help="Events a second that each is sent.")] = 50,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long each part lasts.")] = 10,
) -> None:
    """Send events to a thousand streams and books to whoever asks, beside a server of constant bytes."""
    from bench.feed import run

    run(listeners=listeners, rate=rate, seconds=seconds)


@_bench.command()
def live(
    trades: Annotated[int, typer.Option(min=10_000, max=100_000_000, help="Trades of history.")] = 10_000_000,
    starts: Annotated[int, typer.Option(min=1, max=20, help="Starts, of which the median is told.")] = 3,
    *,
    whole: Annotated[bool, typer.Option("--whole", help="Also read the whole log: minutes.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Keep the market here for the next time.")] = None,
) -> None:
    """Start an API on a long history in SQLite and PostgreSQL, beside one that has no history to read."""
    from bench.live import run

    run(trades=trades, starts=starts, whole=whole, folder=folder)


@_bench.command()
def start(
    restarts: Annotated[int, typer.Option(min=1, max=20, help="Starts of the same market again.")] = 3,
) -> None:
    """Start a whole market, new and again."""
    from bench.start import run

    run(restarts=restarts)


def _run_part(name: str) -> None:
    from homebroker.parts import RUN_BY_NAME

    RUN_BY_NAME[name](_settings())


def _settings() -> Settings:
    from homebroker.settings_table import load_settings

    return load_settings()
