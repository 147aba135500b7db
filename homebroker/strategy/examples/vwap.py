"""An execution: buys or sells so many shares over a while, in step with a profile of the market's volume."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from engine.domain import Side
from homebroker.strategy.desk import Desk
from homebroker.strategy.strategy import Strategy


class VwapExecution(Strategy):
    """Works a large order in slices: rests at the best price, and takes what it has fallen behind by.

    Parameters
    ----------
    side : Side
        Buy or sell.
    quantity : int
        Shares in all.
    seconds : float
        How long.
    profile : sequence of float
        The shares of the market's volume in equal parts of that time; even where left out, which makes it a
        TWAP. `volume_profile` of a day before is a good one.
    slices : int
        How often it looks again.
    """

    def __init__(
        self,
        side: Side | str,
        quantity: int,
        *,
        seconds: float,
        profile: Sequence[float] = (1.0,),
        slices: int = 20,
    ) -> None:
        if not profile or min(profile) < 0 or not sum(profile) > 0:
            raise ValueError("The profile must have parts of a volume, none of them negative.")
        self.timer_ms = max(1, int(1_000 * seconds / slices))
        self._side = Side(side)
        self._quantity = quantity
        self._seconds = seconds
        self._schedule = [0.0, *(part / sum(profile) for part in accumulate(profile))]
        self._started_ms = 0
        self._start_position = 0

    def on_start(self, desk: Desk) -> None:
        """Begin with the first slice."""
        self._started_ms, self._start_position = desk.time_ms, desk.position
        self._work(desk)

    def on_timer(self, desk: Desk) -> None:
        """Take what is behind the schedule, and rest for the next slice."""
        self._work(desk)

    def _work(self, desk: Desk) -> None:
        desk.cancel_all()
        done = abs(desk.position - self._start_position)
        elapsed = desk.time_ms - self._started_ms
        behind = min(self._target(elapsed), self._quantity) - done
        behind -= behind % desk.lot_size
        if behind > 0:
            desk.place(self._side, behind)
            done += behind
        soon = self._target(elapsed + (self.timer_ms or 0)) - done
        soon -= soon % desk.lot_size
        price = desk.book.bid if self._side is Side.BUY else desk.book.ask
        if soon > 0 and price is not None:
            desk.place(self._side, soon, price)

    def _target(self, elapsed_ms: float) -> int:
        """Give the shares that should be done by then."""
        parts = len(self._schedule) - 1
        place = min(max(elapsed_ms / 1_000 / self._seconds, 0.0), 1.0) * parts
        part = min(int(place), parts - 1)
        done = self._schedule[part] + (place - part) * (self._schedule[part + 1] - self._schedule[part])
        return round(self._quantity * done)
