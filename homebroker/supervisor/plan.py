"""What `up` starts, in which order, and what each part needs first."""

from __future__ import annotations

from dataclasses import dataclass

from homebroker.settings import Settings

PART_NAMES = ("broker", "engine", "recorder", "api", "dashboard", "simulator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the market.

    `command` is what `homebroker` runs for it; none for a Kafka that runs elsewhere. It is launched as soon
    as the part named `needs` is ready, or at once, so that several load while the first still works.
    """

    name: str
    command: str | None
    needs: str | None
    stop_timeout_s: float = 15.0


def parts_of(settings: Settings) -> list[Part]:
    """Give the parts that these settings ask for, in the order of their start."""
    parts = [
        Part(
            name="broker",
            command="broker" if settings.embedded_broker else None,
            needs=None,
            stop_timeout_s=30.0,
        ),
        Part(name="engine", command="engine", needs="broker"),
        Part(name="recorder", command="recorder", needs="broker"),
        Part(name="api", command="api", needs="broker"),
        # Knows only the API, and finds it when it comes: it loads while Kafka starts.
        Part(name="dashboard", command="dashboard", needs=None),
    ]
    if settings.simulator == "on":
        parts.append(Part(name="simulator", command="simulate", needs="engine"))
    return parts
