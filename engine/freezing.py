"""A moment's state kept while the market goes on: the system copies what changes, not we what is there.

A forked child sees memory as it was and writes it into a file without a name. So the market stands still for
as long as a fork takes, some milliseconds for hundreds of megabytes, and not for as long as a copy would.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import tempfile
import warnings
from typing import IO, Final

import numpy as np

from engine.state import ShardState

_POLL_S: Final = 0.02


class FreezingError(RuntimeError):
    """The state could not be kept; the market is as it was."""


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
        self._description = state.description
        self._sizes = [len(buffer) for buffer in state.buffers]
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `thawed` closes it
            self._child = _fork()
        except OSError as error:
            raise FreezingError(f"no process could be forked: {error.strerror}") from error
        if self._child == 0:
            _write_and_end(state, self._file.fileno())

    async def thawed(self) -> ShardState:
        """Wait until all is written and give it; raises `FreezingError`."""
        with self._file:
            # No event tells of a child's end, and this question of it does not block.
            while (ended := os.waitpid(self._child, os.WNOHANG)) == (0, 0):  # noqa: ASYNC110, ASYNC222
                await asyncio.sleep(_POLL_S)
            if ended[1] != 0 or os.fstat(self._file.fileno()).st_size != sum(self._sizes):
                raise FreezingError("the state could not be written; is the disk for temporary files full?")
            content = np.frombuffer(mmap.mmap(self._file.fileno(), 0, prot=mmap.PROT_READ), np.uint8)
        ends = np.cumsum(self._sizes)
        return ShardState(self._description, tuple(np.split(content, ends[:-1])))


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
