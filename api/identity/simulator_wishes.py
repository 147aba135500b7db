"""What an admin wishes of the simulator: how much it trades, and in what weather."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, select

from api.identity.tables import market_settings

RATE_MAX: Final = 2_000.0
_NAME: Final = "simulator"


class Scenario(StrEnum):
    """How simulated prices move."""

    NORMAL = "normal"
    CALM = "calm"
    TRENDING_UP = "trending_up"
    TRENDING_DOWN = "trending_down"
    FLASH_CRASH = "flash_crash"


class SimulatorWish(Struct, frozen=True, kw_only=True):
    """What is wished since `since_ms`; `rate` is in commands a second, None: as the settings say."""

    scenario: Scenario = Scenario.NORMAL
    rate: float | None = None
    since_ms: int = 0


def read(connection: Connection) -> SimulatorWish:
    """Give the newest wish; where there is none, that everything be as usual."""
    text = connection.execute(
        select(market_settings.c.value).where(market_settings.c.name == _NAME)
    ).scalar_one_or_none()
    return SimulatorWish() if text is None else msgspec.json.decode(text, type=SimulatorWish)


def write(connection: Connection, wish: SimulatorWish) -> None:
    """Put a wish in the place of the one before."""
    connection.execute(delete(market_settings).where(market_settings.c.name == _NAME))
    value = msgspec.json.encode(wish).decode()
    connection.execute(market_settings.insert().values(name=_NAME, value=value, updated_ms=wish.since_ms))
