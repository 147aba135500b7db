"""Which records of `snapshots` are a snapshot's own: an engine that was cut off may write its chunks too."""

from __future__ import annotations

import msgspec
import pytest

from engine.snapshot_records import VERSION, ChunkHead, Contents, chunk_value, digest_of
from engine.snapshot_store import _take_chunk

_PAYLOAD = b"0123456789"
_CONTENTS = Contents(
    version=VERSION,
    shard=0,
    offset=20,
    slot="a",
    begins_at=0,
    chunks=1,
    sizes=(4, 6),
    digest="",
    state_hash="",
)
_HEAD = ChunkHead(version=VERSION, shard=0, offset=20, chunk=0, chunks=1, digest=digest_of(_PAYLOAD))


def _taken(head: ChunkHead) -> tuple[bytes, list[str]]:
    """Give the content and the chunks' digests when a record with this head has been read."""
    content, digests = bytearray(len(_PAYLOAD)), [""]
    value = chunk_value(head, [memoryview(_PAYLOAD)])
    _take_chunk(memoryview(value), _CONTENTS, content, digests)
    return bytes(content), digests


def test_a_chunk_of_its_own_is_taken() -> None:
    assert _taken(_HEAD) == (_PAYLOAD, [_HEAD.digest])


@pytest.mark.parametrize(
    "foreign",
    [{"offset": 15}, {"shard": 1}, {"version": VERSION + 1}, {"chunks": 2}, {"chunk": 1}, {"chunk": -1}],
)
def test_a_chunk_of_another_is_passed_over(foreign: dict[str, int]) -> None:
    head = msgspec.structs.replace(_HEAD, **foreign)
    assert _taken(head) == (bytes(len(_PAYLOAD)), [""])
