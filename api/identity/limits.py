"""How fast somebody may come: pure, with the time as an argument, and bounded in memory."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

REMEMBERED_MAX = 100_000
_FORGET_AFTER_S = 15 * 60.0
_BURST_S = 2.0
"""Seconds of a rate that may come at once."""


class Bucket(Struct, kw_only=True):
    """What somebody has left at a time."""

    left: float
    time_s: float


class Buckets:
    """A token bucket for each key: `burst` at once, and `rate_per_s` in the long run.

    Of more than 100,000 keys the ones that came longest ago are forgotten, which gives them a full bucket.
    """

    def __init__(self, *, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str, *, now_s: float) -> float:
        """Take one from a key's bucket; gives 0, or when it is empty the seconds until it has one."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(left=self._burst, time_s=now_s)
            if len(self._buckets) > REMEMBERED_MAX:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.left = min(self._burst, bucket.left + (now_s - bucket.time_s) * self._rate_per_s)
        bucket.time_s = now_s
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate_per_s
        bucket.left -= 1
        return 0.0


class Pace:
    """How many requests a user may make: orders, cancels and all others apart.

    Cancels have a bucket of their own, so that whoever has sent too many orders can still take them back.
    """

    def __init__(self, *, orders_per_second: float, requests_per_second: float) -> None:
        self._orders = Buckets(rate_per_s=orders_per_second, burst=_BURST_S * orders_per_second)
        self._cancels = Buckets(rate_per_s=orders_per_second, burst=_BURST_S * orders_per_second)
        self._others = Buckets(rate_per_s=requests_per_second, burst=_BURST_S * requests_per_second)

    def wait_s(self, user_id: str, method: str, path: str, *, now_s: float) -> float:
        """Count a request; gives 0, or the seconds until it may come."""
        buckets = self._others
        if path.startswith("/orders") and method in {"POST", "PATCH"}:
            buckets = self._orders
        elif path.startswith("/orders") and method == "DELETE":
            buckets = self._cancels
        return buckets.take(user_id, now_s=now_s)


class Failures(Struct, kw_only=True):
    """Failures in a row, and when the last one was."""

    count: int
    time_s: float


class GrowingPauses:
    """After some failures, a pause before the next try: a second, doubled with each more, up to a bound.

    A try counts as failed until it is forgiven, so that many at once are not let through together. What was
    a quarter of an hour ago is forgotten.
    """

    def __init__(self, *, free_failures: int, pause_max_s: float) -> None:
        self._free_failures = free_failures
        self._pause_max_s = pause_max_s
        self._failures: OrderedDict[str, Failures] = OrderedDict()

    def pause_s(self, key: str, *, now_s: float) -> float:
        """Give the seconds until a key may try again; 0 when it may now."""
        failures = self._failures.get(key)
        if failures is None or failures.count < self._free_failures:
            return 0.0
        # An exponent without a bound would overflow.
        doublings = min(failures.count - self._free_failures, 30)
        pause_s = min(2.0**doublings, self._pause_max_s)
        return max(0.0, failures.time_s + pause_s - now_s)

    def begin(self, key: str, *, now_s: float) -> None:
        """Count a try."""
        failures = self._failures.pop(key, None)
        if failures is None or now_s - failures.time_s > _FORGET_AFTER_S:
            failures = Failures(count=0, time_s=now_s)
        failures.count += 1
        failures.time_s = now_s
        self._failures[key] = failures
        if len(self._failures) > REMEMBERED_MAX:
            self._failures.popitem(last=False)

    def forgive(self, key: str) -> None:
        """Take the last try back: it did not fail."""
        failures = self._failures.get(key)
        if failures is not None:
            failures.count -= 1

    def forget(self, key: str) -> None:
        """Take all tries back."""
        self._failures.pop(key, None)
