"""What collected outputs say, as the values that a reader of the topics would find."""

from __future__ import annotations

from engine.outputs import OutputBatches
from engine.stored_outputs import values_of


def values_by_topic(outputs: OutputBatches) -> dict[str, list[bytes]]:
    """Give each topic's values, in order."""
    encoded = {
        topic: [value for batch in batches for value in values_of(batch)]
        for topic, batches in outputs.encoded.items()
    }
    return encoded | {topic: [record.value for record in records] for topic, records in outputs.plain.items()}
