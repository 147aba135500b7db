"""The stages of a command's way through the kernel, which may stop between any two and go on later."""

from __future__ import annotations

from typing import Final

from engine.kernel.compile import inlined

BEGIN: Final = 0
EXECUTE: Final = 1
MATCH: Final = 2
ELECT: Final = 3
TELL: Final = 4
EXPIRE: Final = 5
CANCEL_EACH: Final = 6
CALL_IN: Final = 7
UNCROSS: Final = 8
DISMISS: Final = 9
SET_PHASE: Final = 10
NO_ROOM: Final = 11
"""Not a stage: there is no room for events; go on at the same stage in the next call."""


@inlined
def is_rare(stage: int) -> bool:
    """Tell whether few commands come by a stage."""
    return EXPIRE <= stage < NO_ROOM
