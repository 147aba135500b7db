"""Who listens to the same channels: what is sent to them is put together once, for all of them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

from api.feed.subscription import Subscription


class Audience(Struct, eq=False):
    """Those who listen to the same channels, and the events that they are to be sent next.

    Each listener stands with how many of these it knows: whoever came while they waited began with them.
    """

    channels: frozenset[str]
    subscriptions: dict[Subscription, int] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    last_id: str = ""

    def send(self) -> int:
        """Send what is queued; gives how many listeners were told. Cost O(events + listeners)."""
        chunk, told = b"".join(self.frames), 0
        for subscription, known in self.subscriptions.items():
            if known:
                self.subscriptions[subscription] = 0
            if known < len(self.frames):
                subscription.push(self.last_id, b"".join(self.frames[known:]) if known else chunk)
                told += 1
        self.frames.clear()
        return told


class Audiences:
    """All audiences of a feed. Events are queued, then sent: a chunk for each audience, shared by all in it.

    A thousand who listen alike so cost one writing of an event and one reference each, not a thousand.
    """

    def __init__(self) -> None:
        self.listeners = 0
        self._by_channels: dict[frozenset[str], Audience] = {}
        self._by_channel: dict[str, set[Audience]] = {}
        self._unsent: set[Audience] = set()

    @property
    def wait(self) -> bool:
        """Whether events wait to be sent."""
        return bool(self._unsent)

    def listeners_of(self, channel: str) -> int:
        """Count those who listen to a channel. Cost O(audiences of it)."""
        return sum(len(audience.subscriptions) for audience in self._by_channel.get(channel, ()))

    def of(self, channels: Collection[str]) -> list[Audience]:
        """Give the audiences of some channels, of which each listens to one at most."""
        return [audience for channel in channels for audience in self._by_channel.get(channel, ())]

    def queue(self, audiences: Collection[Audience], event_id: str, frame: bytes) -> None:
        """Add an event to what is sent next."""
        for audience in audiences:
            audience.frames.append(frame)
            audience.last_id = event_id
        self._unsent.update(audiences)

    def send(self) -> int:
        """Send what is queued; gives how many were told. Cost O(events of each audience + listeners)."""
        told = sum(audience.send() for audience in self._unsent)
        self._unsent.clear()
        return told

    def join(self, subscription: Subscription) -> None:
        """Add a listener to what is queued from now on."""
        audience = self._by_channels.get(subscription.channels)
        if audience is None:
            audience = self._by_channels[subscription.channels] = Audience(subscription.channels)
            for channel in audience.channels:
                self._by_channel.setdefault(channel, set()).add(audience)
        audience.subscriptions[subscription] = len(audience.frames)
        self.listeners += 1

    def leave(self, subscription: Subscription) -> list[str]:
        """Forget a listener; gives the channels that nobody listens to any more."""
        audience = self._by_channels.get(subscription.channels)
        if audience is None or subscription not in audience.subscriptions:
            return []
        del audience.subscriptions[subscription]
        self.listeners -= 1
        if audience.subscriptions:
            return []
        del self._by_channels[audience.channels]
        self._unsent.discard(audience)
        for channel in audience.channels:
            self._by_channel[channel].discard(audience)
        left = [channel for channel in audience.channels if not self._by_channel[channel]]
        for channel in left:
            del self._by_channel[channel]
        return left

    def end(self, event: str, data: bytes) -> None:
        """Close everybody's stream after what was sent and a last event."""
        for audience in self._by_channels.values():
            for subscription in audience.subscriptions:
                subscription.end(event, data)
