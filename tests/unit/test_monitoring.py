"""Grafana's dashboard asks for what the parts count, and Prometheus looks where they serve it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY

# What is counted is registered where it is written.
import api.app
import api.recorder.service  # noqa: F401
import engine.service  # noqa: F401
from homebroker.process import METRICS_PARTS

_ROOT = Path(__file__).parents[2]


def _families() -> set[str]:
    return {
        sample.rsplit("_created", 1)[0] for family in REGISTRY.collect() for sample in _names(family.name)
    }


def _names(family: str) -> set[str]:
    return {family, *(f"{family}_{ending}" for ending in ("total", "bucket", "count", "sum"))}


def test_dashboard_asks_for_what_there_is() -> None:
    dashboard = json.loads((_ROOT / "monitoring/grafana/dashboards/homebroker.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    names = set(re.findall(r"\b(?:homebroker|process)_[a-z_]+(?=[{\[) ]|$)", asked))
    assert len(names) > 10
    assert names - {"homebroker_state"} <= _families()


def test_prometheus_looks_where_the_parts_are() -> None:
    config = yaml.safe_load((_ROOT / "monitoring/prometheus.yml").read_text())
    compose = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
    [job] = config["scrape_configs"]
    base = int(compose["services"]["engine"]["environment"]["HOMEBROKER_METRICS_PORT"])
    expected = {f"{name}:{base + place}" for place, name in enumerate(METRICS_PARTS)} | {"api:8000"}
    assert set(job["static_configs"][0]["targets"]) == expected
