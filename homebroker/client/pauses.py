"""How long to wait before coming back."""

from __future__ import annotations

import random


class Pauses:
    """Pauses that double from `first_s` to `most_s`, each shortened by dice, at most to a half.

    The dice keep a thousand clients of a server that was restarted from coming back in step.
    """

    def __init__(
        self, *, first_s: float = 0.25, most_s: float = 10.0, dice: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._dice = dice or random.Random()  # noqa: S311 - nobody gains by guessing a pause
        self._failures = 0

    def next_s(self, *, at_least_s: float = 0.0) -> float:
        """Give the next pause; longer than `at_least_s`, where the server named one."""
        # An exponent without a bound would overflow.
        pause_s = min(self._most_s, self._first_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return max(at_least_s, pause_s * self._dice.uniform(0.5, 1.0))

    def begin_anew(self) -> None:
        """Forget the failures: it worked again."""
        self._failures = 0
