"""What an admin does to the market from the page, as requests to the API."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from msgspec import Struct

from dashboard.client import SignedInClient
from dashboard.wallet import WishKeys
from homebroker.client import Act, Ask, RefusedError, asks

PHASES: Final = {
    "continuous": "Open",
    "auction": "Auction",
    "halted": "Halted",
    "closed": "Closed",
}
SCENARIOS: Final = {
    "normal": "Normal: quiet and wild hours, as they come",
    "calm": "Calm: prices hardly move",
    "trending_up": "Trending up: about 2% an hour",
    "trending_down": "Trending down: about 2% an hour",
    "flash_crash": "Flash crash: down 6% in a minute, back within five",
}
AUDIT_ROWS: Final = 100


class Part(Struct, frozen=True, kw_only=True):
    """Where a part of the market stands."""

    name: str
    state: str
    message: str
    lag_records: int | None = None


class SystemStatus(Struct, frozen=True, kw_only=True):
    """The market's parts, and how old its newest event is."""

    parts: list[Part]
    market_time_ms: int
    silent_ms: int
    accounts: int
    symbols: int


class SimulatorWish(Struct, frozen=True, kw_only=True):
    """What the simulator is to do."""

    scenario: str
    rate: float | None = None
    since_ms: int = 0


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One act of somebody."""

    time_ms: int
    actor: str
    act: str
    subject: str
    outcome: str


class AuditPage(Struct, frozen=True, kw_only=True):
    """Acts, newest first."""

    entries: list[AuditEntry]


def system(person: SignedInClient) -> SystemStatus:
    """Tell how the parts keep up."""
    return person.ask(Ask("GET", "/admin/system", SystemStatus))


def simulator(person: SignedInClient) -> SimulatorWish:
    """Give what the simulator is to do."""
    return person.ask(Ask("GET", "/admin/simulator", SimulatorWish))


def steer(person: SignedInClient, scenario: str, rate: float | None) -> SimulatorWish:
    """Have the simulator do something else; without a rate, at that of the settings."""
    return person.ask(
        Ask("PUT", "/admin/simulator", SimulatorWish, body={"scenario": scenario, "rate": rate})
    )


def set_phase(person: SignedInClient, symbol: str, phase: str) -> Act:
    """Open, halt or close a symbol, or begin an auction."""
    return person.ask(Ask("PUT", f"/admin/assets/{quote(symbol)}/phase", Act, body={"phase": phase}))


def list_asset(person: SignedInClient, fields: dict[str, object]) -> Act:
    """List an asset, or change a listed one's name, band and fees."""
    return person.ask(Ask("POST", "/admin/assets", Act, body=fields))


def move(
    person: SignedInClient, investor_id: str, fields: dict[str, object], *, out: bool, keys: WishKeys
) -> Act:
    """Put cash or shares into anybody's account, or take them out; once, also when it was unknown whether."""
    wish = (investor_id, tuple(fields.items()), out)
    ask = asks.move(investor_id, fields, out=out, idempotency_key=keys.key(wish))
    try:
        act = person.ask(ask)
    except RefusedError:
        keys.settled(wish)
        raise
    keys.settled(wish)
    return act


def switch(person: SignedInClient, investor_id: str, *, on: bool) -> Act:
    """Stop anybody's trading and cancel all of their orders, or let them trade again."""
    path = f"/admin/accounts/{quote(investor_id, safe='')}/kill-switch"
    return person.ask(Ask("PUT", path, Act, body={"on": on}))


def audit(person: SignedInClient) -> list[AuditEntry]:
    """List who did what, newest first."""
    return person.ask(Ask("GET", "/admin/audit", AuditPage, {"limit": AUDIT_ROWS})).entries
