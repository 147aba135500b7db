"""What `up` says about signing in."""

from __future__ import annotations

from collections.abc import Sequence

from api.identity.demo_users import DEMO_USERS
from homebroker.settings import Settings


def how_to_sign_in(settings: Settings) -> Sequence[str]:
    """Give the demo's users with their passwords, or where others come from."""
    if settings.demo == "off":
        return ["Signing in:          make users with `homebroker users add NAME`"]
    width = max(len(user.username) for user in DEMO_USERS)
    lines = [f"{user.username:<{width}}  {user.password}  ({user.role})" for user in DEMO_USERS]
    return [f"Sign in as:          {lines[0]}", *(f"{'':21}{line}" for line in lines[1:])]
