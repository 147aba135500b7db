"""Money that comes in and goes out: what was typed, checked, sent once a click, and its outcome in words."""

from __future__ import annotations

import math
import secrets
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from dashboard import formats, words
from homebroker.client import Act, ClientError, RefusedError

AMOUNT_MAX: Final = 1_000_000.0
REPEAT_WINDOW_S: Final = 1.0
"""The same amount sooner than this after the answer is the same click, not a second wish."""

Direction: TypeAlias = Literal["deposit", "withdraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How moving money ended, for the person who moved it."""

    kind: Literal["done", "nothing", "unknown"]
    text: str
    is_known: bool = True


@dataclass(slots=True)
class WishKeys:
    """Names wishes for the API, which does once what comes again under the same name."""

    _keys: dict[object, str] = field(default_factory=dict)

    def key(self, wish: Hashable) -> str:
        """Give a wish's name; a new one, once the same was settled before."""
        return self._keys.setdefault(wish, secrets.token_hex(16))

    def settled(self, wish: Hashable) -> None:
        """Note that it is known what became of a wish: the same again is another."""
        self._keys.pop(wish, None)


@dataclass(slots=True)
class Clicks:
    """Tells a second click from a second wish, and names each wish, so that it is done once.

    The outcome is kept here: a second click ends the run of the first where that next draws.
    """

    outcome: Outcome | None = None
    _last: tuple[Direction, float] | None = None
    _answered_s: float = -math.inf
    _unknown: WishKeys = field(default_factory=WishKeys)

    def is_repeat(self, direction: Direction, amount: float, *, now_s: float) -> bool:
        """Tell whether a click belongs to the one before, which has been answered."""
        return (direction, amount) == self._last and now_s - self._answered_s < REPEAT_WINDOW_S

    def key(self, direction: Direction, amount: float) -> str:
        """Name a wish: as before where it is not known whether that was done."""
        return self._unknown.key((direction, amount))

    def answered(self, direction: Direction, amount: float, outcome: Outcome, *, now_s: float) -> None:
        """Note what became of a click."""
        if outcome.is_known:
            self._unknown.settled((direction, amount))
        self.outcome, self._last, self._answered_s = outcome, (direction, amount), now_s


def problem(amount: float | None) -> str | None:
    """Say in a sentence what keeps an amount from being sent, or None."""
    if amount is None:
        return "Type an amount in reais with a decimal comma, such as 1.000,00."
    if not 0 < amount <= AMOUNT_MAX:
        return f"The amount must be above zero and at most {formats.price(AMOUNT_MAX)}."
    if round(amount, 2) != amount:
        return "The amount must be whole centavos: two digits after the comma."
    return None


def outcome(direction: Direction, amount: float, act: Act) -> Outcome:
    """Tell what became of moving money."""
    done = "Deposited" if direction == "deposit" else "Withdrew"
    if act.status == "done":
        return Outcome(kind="done", text=f"{done} {formats.price(amount)}.")
    text = "Sent. The market has not answered yet; your cash changes as soon as it has."
    return Outcome(kind="unknown", text=text)


def failure(direction: Direction, error: ClientError) -> Outcome:
    """Tell why no answer, or a refusal, came."""
    nothing = "Nothing was deposited." if direction == "deposit" else "Nothing was withdrawn."
    if isinstance(error, RefusedError):
        return Outcome(kind="nothing", text=f"{nothing} {words.refusal(error.reason, error.message)}")
    if error.reason == "unreachable":
        return Outcome(kind="nothing", text=f"{nothing} {words.trouble(error)} Send it again in a moment.")
    return Outcome(
        kind="unknown",
        text=f"{words.trouble(error)} The money may have moved. Send the same again: it moves only once.",
        is_known=False,
    )
