"""Who a demo market is made with."""

from __future__ import annotations

from msgspec import Struct

from api.identity.callers import Role


class DemoUser(Struct, frozen=True, kw_only=True):
    """A user that a demo market is made with."""

    username: str
    password: str
    role: Role
    investor_id: str | None = None


DEMO_INVESTOR_ID = "demo"
DEMO_USERS = (
    DemoUser(
        username="demo",
        password="demo-trader",  # noqa: S106 - told at the start
        role=Role.TRADER,
        investor_id=DEMO_INVESTOR_ID,
    ),
    DemoUser(username="analyst", password="demo-analyst", role=Role.ANALYST),  # noqa: S106
    DemoUser(username="admin", password="demo-admin", role=Role.ADMIN),  # noqa: S106
)
