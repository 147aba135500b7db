"""Making topics, and telling which there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from engine.log.connection import Connection
from engine.topics import TOPIC_SETTINGS


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**connection.options())
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def make_topics(connection: Connection, *, shards: int, replicas: int = 1) -> None:
    """Make the market's topics where they do not exist; those that do are left as they are."""
    async with _admin(connection) as admin:
        missing = set(TOPIC_SETTINGS) - set(await admin.list_topics())
        for name in sorted(missing):
            settings: dict[str, str] = dict(TOPIC_SETTINGS[name])
            topic = NewTopic(name, num_partitions=shards, replication_factor=replicas, topic_configs=settings)
            try:
                await admin.create_topics([topic])
            except TopicAlreadyExistsError:
                continue


async def missing_topics(connection: Connection, names: Iterable[str] = TOPIC_SETTINGS) -> set[str]:
    """Tell which of the market's topics the broker does not have yet; raises `LogError` when it is away."""
    async with _admin(connection) as admin:
        return set(names) - set(await admin.list_topics())
