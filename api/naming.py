"""Names made of what a client calls a thing: the same key of the same investor is the same thing for ever."""

from __future__ import annotations

import hashlib


def order_id_of(investor_id: str, client_order_id: str) -> str:
    """Name an order after the client's own id for it."""
    return f"c-{_digest(investor_id, client_order_id)}"


def transfer_id_of(investor_id: str, idempotency_key: str | None) -> str | None:
    """Name a transfer of an account after its client's key; without one it has no name."""
    return None if idempotency_key is None else f"t-{_digest(investor_id, idempotency_key)}"


def _digest(investor_id: str, key: str) -> str:
    # The length keeps apart who could be told by where the id ends.
    return hashlib.sha256(f"{len(investor_id)}:{investor_id}{key}".encode()).hexdigest()[:32]
