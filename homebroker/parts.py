"""The parts as processes: what each is made of, put together from the settings. Each imports only its own."""

# ruff: noqa: PLC0415 - a process pays for the imports of one part, not of six

from __future__ import annotations

from collections.abc import Callable

from homebroker.process import run_part
from homebroker.settings import Settings


def run_engine(settings: Settings) -> None:
    """Match orders until told to stop."""
    from engine import service
    from homebroker.instance import instance_of

    run_part(
        "engine",
        settings,
        lambda report: service.run(
            settings.connection,
            report=report,
            snapshot_commands=settings.snapshot_commands,
            instance=instance_of(settings.data_dir),
        ),
    )


def run_recorder(settings: Settings) -> None:
    """Write history until told to stop."""
    from api import recorder

    run_part(
        "recorder",
        settings,
        lambda report: recorder.run(settings.connection, settings.resolved_database_url, report=report),
    )


def run_api(settings: Settings) -> None:
    """Serve the API until told to stop."""
    from api import server
    from api.config import ApiConfig
    from homebroker.ports import check_api_port

    config = ApiConfig(
        connection=settings.connection,
        database_url=settings.resolved_database_url,
        host=settings.api_host,
        port=settings.api_port,
        dashboard_port=settings.dashboard_port,
        investor_id=settings.investor_id,
        allowed_hosts=tuple(name for name in map(str.strip, settings.allowed_hosts.split(",")) if name),
    )
    run_part(
        "api", settings, lambda report: server.run(config, report=report), lambda: check_api_port(settings)
    )


def run_dashboard(settings: Settings) -> None:
    """Serve the page until told to stop."""
    from dashboard import server
    from dashboard.config import DashboardConfig
    from engine.progress import State
    from homebroker.ports import check_dashboard_port

    config = DashboardConfig(
        api_url=settings.resolved_api_url,
        api_port=settings.api_port,
        host=settings.dashboard_host,
        port=settings.dashboard_port,
    )
    run_part(
        "dashboard",
        settings,
        lambda report: server.run(config, report=lambda state, detail: report(State(state), detail)),
        lambda: check_dashboard_port(settings),
    )


def run_simulator(settings: Settings) -> None:
    """Simulate investors until told to stop."""
    from homebroker.simulator import SimulatorConfig, run

    config = SimulatorConfig(
        rate=settings.simulator_rate,
        seed=settings.simulator_seed,
        warmup_hours=settings.simulator_warmup_hours,
        investor_id=settings.investor_id,
    )
    run_part("simulator", settings, lambda report: run(settings.connection, config, report=report))


RUN_BY_NAME: dict[str, Callable[[Settings], None]] = {
    "engine": run_engine,
    "recorder": run_recorder,
    "api": run_api,
    "dashboard": run_dashboard,
    "simulator": run_simulator,
}
