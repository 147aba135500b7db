"""Makes the market's topics as soon as Kafka answers."""

from __future__ import annotations

import asyncio
import logging
import time

from engine.log import LogError, make_topics, missing_topics
from homebroker.errors import StartError
from homebroker.settings import Settings

_PAUSE_S = 0.2


def make_topics_when_up(settings: Settings, *, wait_s: float) -> None:
    """Make the topics that do not exist, waiting for Kafka first.

    Raises
    ------
    StartError
        When Kafka did not answer, or did not make them, in time.
    """
    asyncio.run(_make_topics(settings, wait_s))


async def topics_made(settings: Settings) -> set[str]:
    """Have the topics made that do not exist, and tell which are missing still.

    Raises
    ------
    LogError
        While Kafka is away.
    """
    missing = await missing_topics(settings.connection)
    if missing:
        await make_topics(settings.connection, shards=settings.shards, replicas=settings.kafka_replicas)
        missing = await missing_topics(settings.connection)
    return missing


async def _make_topics(settings: Settings, wait_s: float) -> None:
    hush_clients()
    deadline = time.monotonic() + wait_s
    while True:
        try:
            missing = await topics_made(settings)
            problem = f"did not make the topics {', '.join(sorted(missing))}; may this user make topics?"
        except LogError as error:
            missing = {"unknown"}
            problem = f"does not answer ({error}). Start it, or mend HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS."
        if not missing:
            return
        if time.monotonic() > deadline:
            raise StartError(f"Kafka at {settings.connection.bootstrap_servers} {problem}")
        await asyncio.sleep(_PAUSE_S)


def hush_clients() -> None:
    """Keep aiokafka from logging every refused connection as an error: waiting for Kafka is made of them."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
