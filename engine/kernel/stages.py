"""The stages of a command's way through the kernel, which may stop between any two and go on later."""

from __future__ import annotations

from typing import Final

BEGIN: Final = 0
EXPIRE: Final = 1
EXECUTE: Final = 2
MATCH: Final = 3
CANCEL_EACH: Final = 4
UNCROSS: Final = 5
SET_PHASE: Final = 6
ELECT: Final = 7
TELL: Final = 8
NO_ROOM: Final = 9
"""Not a stage: there is no room for events; go on at the same stage in the next call."""
