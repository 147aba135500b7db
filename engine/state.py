"""A copy of a shard's whole state: hashed, sent as a snapshot, and made a shard again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from engine.kernel import header as h
from engine.kernel import layout
from engine.kernel.memory import Array, Memory
from engine.names import Names

STATE_VERSION: Final = 8
"""Changes with every change of what the arrays mean, so that no engine reads what it would misunderstand."""


class UnusableStateError(ValueError):
    """A stored state that this engine cannot go on from."""


class _Part(Struct, frozen=True, array_like=True):
    name: str
    first: int
    rows: int


class _NamesPart(Struct, frozen=True):
    count: int
    text_bytes: int


class _Description(Struct, frozen=True, kw_only=True):
    version: int
    layout: str
    shard: int
    offset: int
    parts: tuple[_Part, ...]
    names: dict[str, _NamesPart]
    titles: dict[int, str]


_decode_description = msgspec.json.Decoder(_Description).decode


def _layout_digest() -> str:
    """Name the rows' layouts: an engine with others must not read these bytes as its own."""
    rows = (
        layout.ORDER,
        layout.LEVEL,
        layout.NODE,
        layout.LADDER,
        layout.ASSET,
        layout.FEES,
        layout.ACCOUNT,
        layout.POSITION,
        layout.ID_BUCKET,
        layout.NAME,
    )
    return hashlib.blake2b(repr([row.descr for row in rows]).encode(), digest_size=8).hexdigest()


_LAYOUT: Final = _layout_digest()


class ShardState(Struct, frozen=True):
    """A shard as it was after a command.

    `buffers` are the bytes of the parts that `description` lists, and behind them of the names.
    """

    description: _Description
    buffers: tuple[Array, ...]

    @classmethod
    def of(
        cls, shard: int, memory: Memory, names: Mapping[str, Names], titles: Mapping[int, str]
    ) -> ShardState:
        """Look at a shard's state, between two commands; the buffers are the shard's own until `copied`."""
        assert memory.header[h.STAGE] == 0, "a command is under way"
        parts = tuple(_Part(*part) for part in memory.parts())
        arrays = [memory.part(part.name, part.first, part.rows) for part in parts]
        for table in names.values():
            arrays += [table.entries[: table.count], table.text[: table.text_length]]
        description = _Description(
            version=STATE_VERSION,
            layout=_LAYOUT,
            shard=shard,
            offset=int(memory.header[h.OFFSET]),
            parts=parts,
            names={name: _NamesPart(table.count, table.text_length) for name, table in names.items()},
            titles=dict(titles),
        )
        return cls(description, tuple(bytes_of(array) for array in arrays))

    def copied(self) -> ShardState:
        """Give the same state in memory of its own. Cost O(bytes)."""
        return ShardState(self.description, tuple(buffer.copy() for buffer in self.buffers))

    @classmethod
    def read(cls, description: bytes, buffers: Sequence[bytes | bytearray | memoryview]) -> ShardState:
        """Take a state from where it was stored; raises `UnusableStateError`."""
        try:
            described = _decode_description(description)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnusableStateError(f"the description cannot be read: {error}") from error
        if (described.version, described.layout) != (STATE_VERSION, _LAYOUT):
            raise UnusableStateError("another version of the engine made it")
        if len(buffers) != len(described.parts) + 2 * len(described.names):
            raise UnusableStateError("parts are missing")
        return cls(described, tuple(np.frombuffer(buffer, np.uint8) for buffer in buffers))

    @property
    def shard(self) -> int:
        """The shard's number."""
        return self.description.shard

    @property
    def offset(self) -> int:
        """Offset of the last command that is in it."""
        return self.description.offset

    @property
    def titles(self) -> dict[int, str]:
        """The assets' names, by row."""
        return self.description.titles

    def describe(self) -> bytes:
        """Give what `read` needs besides the buffers."""
        return msgspec.json.encode(self.description)

    def restore(self, memory: Memory, names: Mapping[str, Names]) -> None:
        """Write the state into an empty shard's arrays; raises `UnusableStateError` where it does not fit."""
        buffers = list(self.buffers)
        for part in self.description.parts:
            if part.first + part.rows > len(getattr(memory, part.name)):
                raise UnusableStateError(f"it has more {part.name} than there is room for")
            _fill(memory.part(part.name, part.first, part.rows), buffers.pop(0), part.name)
        for name, table in self.description.names.items():
            entries = np.zeros(table.count, layout.NAME)
            _fill(entries, buffers.pop(0), name)
            text = np.zeros(table.text_bytes, np.uint8)
            _fill(text, buffers.pop(0), name)
            if table.count > names[name].capacity or table.text_bytes > names[name].bytes_max:
                raise UnusableStateError(f"it has more {name} than there is room for")
            names[name].fill(entries, text)


def state_digest(state: ShardState) -> str:
    """Hash a state; equal states of one version of the engine have equal hashes. Cost O(bytes)."""
    return digest_of_state(state.describe(), (buffer.data for buffer in state.buffers))


def digest_of_state(description: bytes, pieces: Iterable[bytes | memoryview]) -> str:
    """Hash a state that is given as its description and the bytes of its buffers, in any pieces."""
    digest = hashlib.blake2b(description, digest_size=16)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def bytes_of(array: Array) -> Array:
    """Give an array's bytes, a view."""
    return array.reshape(-1).view(np.uint8)


def _fill(rows: Array, buffer: Array, name: str) -> None:
    if rows.nbytes != len(buffer):
        raise UnusableStateError(f"{name} has {len(buffer):,} bytes, not {rows.nbytes:,}")
    # Copied as bytes: a stored buffer may begin at any address.
    bytes_of(rows)[:] = buffer
