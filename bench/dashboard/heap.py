"""What a page's scripts hold, kind by kind, so that what grows has a name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from playwright.sync_api import CDPSession

from bench.report import Figure

GROWN_MAX: Final = 8
_NAME_LETTERS: Final = 48
_NAMELESS: Final = frozenset({"string", "concatenated string", "sliced string", "number", "heap number"})
_ENGINES: Final = frozenset({"code", "hidden"})
_WATCHERS: Final = ("NetworkResourcesData", "InspectorNetwork")
"""The browser's own record of requests for whoever measures; nobody else's page keeps one."""


def held(session: CDPSession) -> Counter[str]:
    """Give the bytes that each kind of thing holds, after collection; takes some seconds."""
    chunks: list[str] = []

    def keep(event: dict[str, Any]) -> None:
        chunks.append(event["chunk"])

    session.on("HeapProfiler.addHeapSnapshotChunk", keep)
    session.send("HeapProfiler.collectGarbage")
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    session.remove_listener("HeapProfiler.addHeapSnapshotChunk", keep)
    return _by_kind(json.loads("".join(chunks)))


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> list[Figure]:
    """Tell how much was added, compiled code and the measurement's own apart, and which kinds grew most."""
    growth = Counter({kind: after.get(kind, 0) - before.get(kind, 0) for kind in {*before, *after}})
    shares = {"compiled code": 0, "the browser's record of requests": 0, "the page's own": 0}
    for kind, size in growth.items():
        shares[_owner(kind)] += size
    told = [Figure(f"grown: {owner}", size / 1_024, "KiB") for owner, size in shares.items()]
    own = [(kind, size) for kind, size in growth.most_common() if _owner(kind) == "the page's own"]
    return [*told, *(Figure(f"  {kind}", size / 1_024, "KiB") for kind, size in own[:GROWN_MAX])]


def _owner(kind: str) -> str:
    if kind.partition(" ")[0] in _ENGINES:
        return "compiled code"
    return "the browser's record of requests" if any(name in kind for name in _WATCHERS) else "the page's own"


def _by_kind(snapshot: Mapping[str, Any]) -> Counter[str]:
    meta, strings, nodes = snapshot["snapshot"]["meta"], snapshot["strings"], snapshot["nodes"]
    fields, types = meta["node_fields"], meta["node_types"][0]
    at_type, at_name, at_size = (fields.index(name) for name in ("type", "name", "self_size"))
    found: Counter[str] = Counter()
    for start in range(0, len(nodes), len(fields)):
        kind = types[nodes[start + at_type]]
        name = "" if kind in _NAMELESS else strings[nodes[start + at_name]][:_NAME_LETTERS]
        found[f"{kind} {name}".rstrip()] += nodes[start + at_size]
    return found
