"""Where Kafka is, and what its clients have in common."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError
from msgspec import Struct

LogError: TypeAlias = KafkaError
"""What reading and writing raise when the broker is away or refuses; trying again may help."""

BrokenLogError: TypeAlias = CorruptRecordException
"""The `LogError` of records that do not have the checksum that they should."""

LostLogError: TypeAlias = OffsetOutOfRangeError
"""The `LogError` of an offset that is not, or no longer, in the topic."""

SILENCE_MAX_MS = 10_000
"""A broker that has not answered for so long is taken to be away."""

_STOP_TIMEOUT_S = 5.0
_CANCEL_AGAIN_S = 0.5


class Connection(Struct, frozen=True, kw_only=True):
    """Where Kafka is and how to speak to it."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_ca_file: str | None = None
    ssl_cert_file: str | None = None
    ssl_key_file: str | None = None

    def options(self) -> dict[str, Any]:
        """Give the arguments that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": SILENCE_MAX_MS,
        }
        if self.security_protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism or "PLAIN",
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        if self.security_protocol.endswith("SSL"):
            context = ssl.create_default_context(cafile=self.ssl_ca_file)
            if self.ssl_cert_file:
                context.load_cert_chain(self.ssl_cert_file, self.ssl_key_file)
            options["ssl_context"] = context
        return options


async def stop_client(stop: Callable[[], Awaitable[None]]) -> None:
    """Stop a client of aiokafka, within a few seconds."""
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await stop()
    except TimeoutError:
        # A producer sends what it still has first, and while Kafka is away it would try for ever.
        return
    except asyncio.CancelledError:
        # aiokafka ends its own tasks by cancelling them, and where one waited to try again lets that out.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


async def end_tasks(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended, whatever they ended with.

    Asked again and again: where an answer of Kafka's comes in the same moment, `asyncio.wait_for`, by which
    aiokafka waits for it, loses a cancellation.
    """
    while running := {task for task in tasks if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)
    # What they failed with is nobody's any more.
    await asyncio.gather(*tasks, return_exceptions=True)
