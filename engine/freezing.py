"""A moment's state kept while the market goes on: the system copies what changes, not we what is there.

A forked child sees memory as it was and writes it into a file without a name. So the market stands still for
as long as a fork takes, some milliseconds for hundreds of megabytes, and not for as long as a copy would.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import IO, Final, Self

from engine.state import ShardState

_POLL_S: Final = 0.02
_PIECE_BYTES: Final = 1 << 20


class FreezingError(RuntimeError):
    """The state could not be kept; the market is as it was."""


class KeptState:
    """A state in a file, which is read piece by piece; its context ends with the file.

    Mapped or read as a whole it would be, for a while, once more in this process's memory.

    Attributes
    ----------
    offset : int
        Of the last command that is in it.
    header : bytes
        What `ShardState.read` needs besides the bytes.
    sizes : sequence of int
        Bytes of each of its buffers, in order.
    """

    def __init__(self, file: IO[bytes], *, offset: int, header: bytes, sizes: Sequence[int]) -> None:
        self._file = file
        self.offset = offset
        self.header = header
        self.sizes = sizes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes of all buffers, one behind the other, a piece at a time."""
        at = 0
        while piece := os.pread(self._file.fileno(), _PIECE_BYTES, at):
            at += len(piece)
            yield piece


class FrozenState:
    """A state that is being kept, from the moment when this is made.

    Parameters
    ----------
    state : ShardState
        As `Shard.look` gives it.

    Raises
    ------
    FreezingError
        When the system has no room for another process or file.
    """

    def __init__(self, state: ShardState) -> None:
        self._offset, self._header = state.offset, state.describe()
        self._sizes = [len(buffer) for buffer in state.buffers]
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `KeptState` closes it
            self._child = _fork()
        except OSError as error:
            raise FreezingError(f"no process could be forked: {error.strerror}") from error
        if self._child == 0:
            _write_and_end(state, self._file.fileno())

    async def thawed(self) -> KeptState:
        """Wait until all is written and give it; raises `FreezingError`."""
        kept = KeptState(self._file, offset=self._offset, header=self._header, sizes=self._sizes)
        try:
            # No event tells of a child's end, and this question of it does not block.
            while (ended := os.waitpid(self._child, os.WNOHANG)) == (0, 0):  # noqa: ASYNC110, ASYNC222
                await asyncio.sleep(_POLL_S)
            if ended[1] != 0 or os.fstat(self._file.fileno()).st_size != sum(self._sizes):
                raise FreezingError("the state could not be written; is the disk for temporary files full?")
        except BaseException:
            # Whoever waited has no state to close: the file goes now, and what ended the wait goes on.
            self._file.close()
            raise
        return kept


def _fork() -> int:
    with warnings.catch_warnings():
        # Newer Pythons warn that a fork knows nothing of other threads; the child touches nothing that they
        # could hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _write_and_end(state: ShardState, target: int) -> None:
    code = 1
    try:
        for buffer in state.buffers:
            rest = buffer.data
            while len(rest):
                rest = rest[os.write(target, rest) :]
        code = 0
    finally:
        # Without the interpreter's farewell, which is the parent's to say.
        os._exit(code)
