"""An answer that is made while it is sent, to a client that has to take it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from api.history import HistoryUnavailableError, QueryTooLongError

SEND_TIMEOUT_S = 30.0
_SEND_BYTES = 256 * 1024

_log = structlog.get_logger("api")


class Download(StreamingResponse):
    """A download that ends, not whole, when its client takes nothing for `SEND_TIMEOUT_S`.

    Nor is it whole where the database went away, or hangs: the connection is closed before the last chunk,
    which every client tells from an end.
    """

    async def stream_response(self, send: Send) -> None:
        """Send it all, or as much as there is and as the client takes."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except QueryTooLongError:
            _log.warning("a download was ended early", why="the database took too long over a piece")
        except (TimeoutError, HistoryUnavailableError) as error:
            _log.warning("a download was ended early", why=str(error) or "its client takes nothing")


async def pieces(first: bytes, following: Iterator[bytes], places: asyncio.Semaphore) -> AsyncIterator[bytes]:
    """Give a download's bytes in small parts; what follows the first piece is made in a thread."""
    async with places:
        piece: bytes | None = first
        while piece is not None:
            for start in range(0, len(piece), _SEND_BYTES):
                yield piece[start : start + _SEND_BYTES]
            piece = await asyncio.to_thread(next, following, None)
