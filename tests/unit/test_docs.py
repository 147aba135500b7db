"""docs/reference.md names every command, setting, route, topic and reason; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

import homebroker as hb
from api.app import create_app
from api.config import ApiConfig
from engine.domain import Reason
from engine.log import Connection
from engine.topics import TOPIC_SETTINGS
from homebroker.cli import app
from homebroker.settings import Settings

_ROOT = Path(__file__).parents[2]
_REFERENCE = (_ROOT / "docs" / "reference.md").read_text()


def _documented(pattern: str) -> set[str]:
    return set(re.findall(pattern, _REFERENCE))


def test_every_command_is_documented_and_there() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert _documented(r"`homebroker (\w+)[^`]*`") == commands


def test_every_setting_is_documented_and_there() -> None:
    names = {f"HOMEBROKER_{name.upper()}" for name in Settings.model_fields}
    assert _documented(r"`(HOMEBROKER_\w+)`") == names


def test_every_route_is_documented_and_there() -> None:
    config = ApiConfig(
        connection=Connection(bootstrap_servers="127.0.0.1:1"),
        database_url="sqlite://",
        host="127.0.0.1",
        port=8000,
        dashboard_port=8501,
        allowed_hosts=(),
    )
    paths = create_app(config).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert _documented(r"`((?:GET|POST|PUT|PATCH|DELETE) /[\w/{}-]*)`") == routes


def test_every_name_of_the_research_face_is_documented_and_there() -> None:
    assert _documented(r"`hb\.(\w+)`") == set(hb.__all__)


def test_every_topic_and_reason_is_documented() -> None:
    assert set(TOPIC_SETTINGS) <= _documented(r"`(\w+)`")
    assert set(Reason) <= _documented(r"`(\w+)`")


@pytest.mark.parametrize(
    "page", sorted(_ROOT.glob("*.md")) + sorted(_ROOT.glob("docs/**/*.md")), ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
