"""Puts commands into the log."""

from __future__ import annotations

import asyncio

import structlog

from api.observation import REQUEST_ID_HEADER, request_id
from engine.domain import Command
from engine.log import Connection, LogError, LogWriter, NewRecord
from engine.topics import ORDERS
from engine.wire.commands import command_key, encode_command

_APPEND_TIMEOUT_S = 5.0

_log = structlog.get_logger("api")


class BrokerUnavailableError(Exception):
    """Whether the command is in the log is not known."""


class CommandSender:
    """Appends commands to `orders`; connects with the first."""

    def __init__(self, connection: Connection) -> None:
        self._writer = LogWriter(connection)

    async def append(self, command: Command) -> int:
        """Append a command and wait until it is kept.

        Returns
        -------
        int
            The command's offset.

        Raises
        ------
        BrokerUnavailableError
            When Kafka did not confirm it in time. It may still do so later.
        """
        name = request_id()
        headers = [(REQUEST_ID_HEADER, name.encode())] if name else []
        record = NewRecord(command_key(command), encode_command(command), headers=headers)
        try:
            async with asyncio.timeout(_APPEND_TIMEOUT_S):
                offset = await self._writer.append(ORDERS, record)
        except (LogError, TimeoutError) as error:
            _log.warning("a command was not confirmed", error=str(error) or type(error).__name__)
            raise BrokerUnavailableError from error
        # All that the command causes carries this, trades too: the request's line in the log leads to them.
        structlog.contextvars.bind_contextvars(command=f"0-{offset}")
        return offset

    async def close(self) -> None:
        """Stop writing."""
        await self._writer.close()
