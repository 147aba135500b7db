"""What Python's collector of cycles is told, in a process of its own: it is one to a process."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import gc, weakref
from api.collecting import collect_seldom, uncollected

class Thing:
    pass

def cycle():
    thing = Thing()
    thing.itself = thing
    return weakref.ref(thing)

before = cycle()
collect_seldom()
assert before() is None, "what was garbage already is gone"
assert gc.get_freeze_count() > 1_000 and len(gc.get_objects()) < 500, "the rest is left alone"

after = cycle()
with uncollected():
    kept = [[] for _ in range(100_000)]
    assert after() is not None
assert gc.isenabled()
rounds = gc.get_stats()[0]["collections"]
kept += [[] for _ in range(100_000)]
assert after() is None, "cycles that come later are found"
assert gc.get_stats()[0]["collections"] - rounds < 10, "but seldom looked for"
"""


def test_the_collector_leaves_alone_what_is_there_and_finds_what_comes() -> None:
    ran = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
