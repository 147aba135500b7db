"""Puts commands into the log."""

from __future__ import annotations

import asyncio

import structlog

from engine.domain import Command
from engine.log import Connection, LogError, LogWriter, NewRecord
from engine.topics import ORDERS
from engine.wire.commands import command_key, encode_command

_APPEND_TIMEOUT_S = 5.0
_STOP_TIMEOUT_S = 2.0

_log = structlog.get_logger("api")


class BrokerUnavailableError(Exception):
    """Whether the command is in the log is not known."""


class CommandSender:
    """Appends commands to `orders`; a writer that failed is replaced, as its state is not known."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writer: LogWriter | None = None
        self._opening = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()

    async def append(self, command: Command) -> int:
        """Append a command and wait until it is kept.

        Returns
        -------
        int
            The command's offset.

        Raises
        ------
        BrokerUnavailableError
            When Kafka did not confirm it in time.
        """
        writer = None
        record = NewRecord(command_key(command), encode_command(command))
        try:
            async with asyncio.timeout(_APPEND_TIMEOUT_S):
                writer = await self._open_writer()
                return await writer.append(ORDERS, record)
        except (LogError, TimeoutError) as error:
            _log.warning("a command was not confirmed", error=str(error) or type(error).__name__)
            self._give_up(writer)
            raise BrokerUnavailableError from error

    async def close(self) -> None:
        """Stop writing."""
        self._give_up(self._writer)
        await asyncio.gather(*self._stopping)

    async def _open_writer(self) -> LogWriter:
        async with self._opening:
            if self._writer is None:
                writer = LogWriter(self._connection)
                try:
                    await writer.__aenter__()
                except BaseException:
                    self._stop(writer)
                    raise
                self._writer = writer
            return self._writer

    def _give_up(self, writer: LogWriter | None) -> None:
        if writer is not None and writer is self._writer:
            self._writer = None
            self._stop(writer)

    def _stop(self, writer: LogWriter) -> None:
        task = asyncio.create_task(_stop(writer))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


async def _stop(writer: LogWriter) -> None:
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await writer.__aexit__()
    except (LogError, TimeoutError) as error:
        _log.info("a writer was left unfinished", error=str(error) or type(error).__name__)
