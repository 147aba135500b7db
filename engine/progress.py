"""How a long-running part tells whoever started it where it stands."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class State(StrEnum):
    """Where a part stands."""

    STARTING = "starting"
    READY = "ready"
    STANDING_BY = "standing by"
    RETRYING = "retrying"


Report: TypeAlias = Callable[[State, str], None]
"""Takes a state and a sentence for people; called again, with the newest figures, every second or so."""
