"""The market's rules (docs/rules.md) in the plainest Python: dicts and lists, searched anew each time.

Slow on purpose. It shares nothing with the engine but its words, and its answers are the engine's measure.
"""

from tests.reference.shard import ReferenceShard

__all__ = ["ReferenceShard"]
