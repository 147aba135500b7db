"""How a snapshot is cut into records of the topic `snapshots`: chunks, and a manifest that makes them valid.

    0/a/0 0/a/1 … 0/a/n 0/a/manifest      0/b/0 0/b/1 …

A shard's snapshots take the slots `a` and `b` in turn. So compaction, which keeps the newest record of each
key, keeps the newest two snapshots whole, and one that is not finished has spoiled only the older of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Buffer: TypeAlias = bytes | bytearray | memoryview | NDArray[Any]
"""Contiguous bytes, whatever they mean."""

VERSION: Final = 1
SLOTS: Final = ("a", "b")
CHUNK_BYTES_MAX: Final = 890_000

_LENGTH_BYTES = 4
_DIGEST_BYTES = 32
_MANIFEST = b"/manifest"


class ChunkHead(Struct, frozen=True, kw_only=True):
    """What stands before a chunk's bytes: whose they are, and their digest."""

    version: int
    shard: int
    offset: int
    chunk: int
    chunks: int
    digest: str


class Contents(Struct, frozen=True, kw_only=True):
    """What a finished snapshot is made of.

    Attributes
    ----------
    offset : int
        The last command that is in it.
    begins_at : int
        Where its first chunk stands in the topic.
    sizes : tuple of int
        Bytes of the header and of each part.
    digest : str
        Of all bytes, by way of the chunks' digests.
    state_hash : str
        The market's own fingerprint.
    """

    version: int
    shard: int
    offset: int
    slot: str
    begins_at: int
    chunks: int
    sizes: tuple[int, ...]
    digest: str
    state_hash: str


class Manifest(Struct, frozen=True, kw_only=True):
    """A snapshot's last record, with the digest of what it says."""

    contents: Contents
    digest: str


decode_manifest = msgspec.json.Decoder(Manifest).decode
_decode_head = msgspec.json.Decoder(ChunkHead).decode


def digest_of(buffer: bytes | memoryview) -> str:
    """Give the digest of some bytes."""
    return hashlib.blake2b(buffer, digest_size=_DIGEST_BYTES).hexdigest()


def digest_of_all(chunk_digests: Sequence[str]) -> str:
    """Give the digest of a snapshot whose chunks have these."""
    return digest_of("".join(chunk_digests).encode())


def manifest_of(contents: Contents) -> Manifest:
    """Give the manifest that says what a snapshot contains."""
    return Manifest(contents=contents, digest=digest_of(msgspec.json.encode(contents)))


def chunk_key(shard: int, slot: str, chunk: int) -> bytes:
    """Name a chunk's record."""
    return f"{shard}/{slot}/{chunk}".encode()


def manifest_key(shard: int, slot: str) -> bytes:
    """Name a manifest's record."""
    return f"{shard}/{slot}".encode() + _MANIFEST


def is_manifest(key: bytes | None) -> bool:
    """Tell a manifest's record from a chunk's."""
    return key is not None and key.endswith(_MANIFEST)


def chunk_value(head: ChunkHead, pieces: Sequence[memoryview]) -> bytes:
    """Give a chunk's record its value."""
    told = msgspec.json.encode(head)
    return b"".join([len(told).to_bytes(_LENGTH_BYTES, "big"), told, *pieces])


def split_chunk(value: bytes | memoryview | None) -> tuple[ChunkHead, memoryview] | None:
    """Give a chunk's head and bytes; None when the value is not a chunk."""
    view = memoryview(value or b"")
    start = _LENGTH_BYTES + int.from_bytes(view[:_LENGTH_BYTES], "big")
    try:
        return _decode_head(view[_LENGTH_BYTES:start]), view[start:]
    except msgspec.MsgspecError:
        return None


def octets(buffer: Buffer) -> memoryview:
    """Give a buffer's bytes, uncopied."""
    return np.frombuffer(buffer, np.uint8).data


def cut(buffers: Iterable[memoryview], size: int) -> Iterator[list[memoryview]]:
    """Cut the bytes of all buffers, one behind the other, into stretches of `size` and the rest."""
    stretch: list[memoryview] = []
    room = size
    for buffer in buffers:
        start = 0
        while start < len(buffer):
            piece = buffer[start : start + room]
            stretch.append(piece)
            start += len(piece)
            room -= len(piece)
            if room == 0:
                yield stretch
                stretch, room = [], size
    if stretch:
        yield stretch
