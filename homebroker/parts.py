"""The parts as processes: what each is made of, put together from the settings. Each imports only its own."""

# ruff: noqa: PLC0415 - a process pays for the imports of one part, not of six

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from homebroker.process import run_part
from homebroker.settings import Settings

if TYPE_CHECKING:
    from api.config import ApiConfig


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
    from api.recorder import service

    run_part(
        "recorder",
        settings,
        lambda report: service.run(
            settings.connection,
            settings.resolved_database_url,
            history_days=settings.history_days,
            report=report,
        ),
    )


def run_api(settings: Settings) -> None:
    """Serve the API until told to stop."""
    from api import server
    from api.collecting import collect_seldom
    from homebroker.exposure import check_api_exposure
    from homebroker.ports import check_api_port

    def check() -> None:
        check_api_exposure(settings)
        check_api_port(settings)

    run_part(
        "api",
        settings,
        lambda report: server.run(_api_config(settings), report=report, begun=collect_seldom),
        check,
    )


def run_dashboard(settings: Settings) -> None:
    """Serve the page until told to stop."""
    from api.identity.demo_users import DEMO_USERS
    from dashboard import server
    from dashboard.config import DashboardConfig, DemoUser
    from engine.progress import State
    from homebroker.exposure import check_demo_exposure
    from homebroker.ports import check_dashboard_port

    def check() -> None:
        check_demo_exposure(settings)
        check_dashboard_port(settings)

    config = DashboardConfig(
        api_url=settings.resolved_api_url,
        api_port=settings.api_port,
        host=settings.dashboard_host,
        port=settings.dashboard_port,
        demo_users=tuple(
            DemoUser(username=user.username, password=user.password, role=user.role)
            for user in (DEMO_USERS if settings.demo == "on" else ())
        ),
    )
    run_part(
        "dashboard",
        settings,
        lambda report: server.run(config, report=lambda state, detail: report(State(state), detail)),
        check,
    )


def run_simulator(settings: Settings) -> None:
    """Simulate investors until told to stop."""
    from api.identity.database import identity_url
    from homebroker.simulator import SimulatorConfig, run

    config = SimulatorConfig(
        rate=settings.simulator_rate,
        seed=settings.simulator_seed,
        warmup_hours=settings.simulator_warmup_hours,
        investor_id=settings.demo_investor_id,
        wishes_url=identity_url(settings.resolved_database_url),
    )
    run_part("simulator", settings, lambda report: run(settings.connection, config, report=report))


def _api_config(settings: Settings) -> ApiConfig:
    from api.config import ApiConfig
    from homebroker.secret_key import secret_key_of

    return ApiConfig(
        connection=settings.connection,
        database_url=settings.resolved_database_url,
        host=settings.api_host,
        port=settings.api_port,
        dashboard_port=settings.dashboard_port,
        allowed_hosts=_names(settings.allowed_hosts),
        secret_key=secret_key_of(settings),
        demo=settings.demo == "on",
        orders_per_second=settings.orders_per_second,
        requests_per_second=settings.requests_per_second,
        streams_per_user=settings.streams_per_user,
        streams_per_address=settings.streams_per_address,
        trusted_proxies=_names(settings.trusted_proxies),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in map(str.strip, text.split(",")) if name)


RUN_BY_NAME: dict[str, Callable[[Settings], None]] = {
    "engine": run_engine,
    "recorder": run_recorder,
    "api": run_api,
    "dashboard": run_dashboard,
    "simulator": run_simulator,
}
