"""Snapshots that something has happened to on their way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import pytest

from engine.log import Connection
from engine.snapshot_records import decode_manifest, is_manifest, manifest_of
from engine.snapshot_store import SnapshotStore

Change: TypeAlias = Callable[[bytes, bytes], bytes | None]
"""Takes a record's key and value, and gives the value that is sent; None when the record is not."""


async def save_spoiled(
    connection: Connection,
    change: Change,
    offset: int,
    *,
    header: bytes,
    parts: Sequence[Any],
    state_hash: str,
) -> None:
    """Save a snapshot as the newest, each record changed on its way."""
    async with SnapshotStore(connection, 0) as store:
        await store.load_newest()
        append = store._append

        async def append_changed(key: bytes, value: bytes) -> int:
            changed = change(key, value)
            if changed is None:
                # In its place, so that what counts on its offset is none the worse.
                return await append(b"lost", b"")
            return await append(key, changed)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "_append", append_changed)
            sizes = [len(part) for part in parts]
            await store.save(offset, header=header, sizes=sizes, pieces=parts, state_hash=state_hash)


def without_manifest(key: bytes, value: bytes) -> bytes | None:
    """Leave it unfinished."""
    return None if is_manifest(key) else value


def without_chunk(number: int) -> Change:
    """Lose a chunk."""
    return lambda key, value: None if _is_chunk(key, number) else value


def with_a_byte_flipped(number: int) -> Change:
    """Spoil a chunk."""

    def flip(key: bytes, value: bytes) -> bytes:
        flipped = bytearray(value)
        flipped[len(value) // 2] ^= _is_chunk(key, number)
        return bytes(flipped)

    return flip


def with_another_chunks_digest(key: bytes, value: bytes) -> bytes:
    """Let the manifest mean other chunks."""
    if is_manifest(key):
        contents = msgspec.structs.replace(decode_manifest(value).contents, digest="00")
        return msgspec.json.encode(manifest_of(contents))
    return value


def with_chunks_before_the_topic(key: bytes, value: bytes) -> bytes:
    """Let the chunks begin where the topic has nothing."""
    if is_manifest(key):
        contents = msgspec.structs.replace(decode_manifest(value).contents, begins_at=-1)
        return msgspec.json.encode(manifest_of(contents))
    return value


def with_an_unreadable_manifest(key: bytes, value: bytes) -> bytes:
    """Cut the manifest off."""
    return value[:-1] if is_manifest(key) else value


def _is_chunk(key: bytes, number: int) -> bool:
    return key.endswith(b"/%d" % number)
