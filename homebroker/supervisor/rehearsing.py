"""Kafka's rehearsal, held beside the open market where there has been none."""

from __future__ import annotations

from homebroker.broker.rehearsal import is_due
from homebroker.settings import Settings
from homebroker.supervisor.child import Child
from homebroker.supervisor.display import Display
from homebroker.supervisor.plan import Part

_REHEARSAL = Part(name="rehearsal", command="prepare rehearsal --gently", needs=None, stop_timeout_s=5.0)


async def rehearse_meanwhile(settings: Settings, display: Display) -> None:
    """Have Kafka rehearsed by a process that gives way to all others, and ends when this is cancelled.

    Nobody waits for it, and nothing is lost when it fails: the next `up` tries again.
    """
    if not settings.embedded_broker or not is_due():
        return
    display.say("Kafka is being rehearsed beside the market, once, so that it runs faster when next started.")
    child = Child(_REHEARSAL, settings.data_dir)
    await child.start()
    try:
        await child.wait()
    finally:
        await child.stop()
