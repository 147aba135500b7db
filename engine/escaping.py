"""Texts as they stand between the quotes of a JSON string: so the engine keeps ids, names and messages."""

from __future__ import annotations

import msgspec


def escaped(text: str) -> bytes:
    """Give a text as it stands between the quotes of a JSON string."""
    return msgspec.json.encode(text)[1:-1]


def unescaped(octets: bytes) -> str:
    """Give the text that stands so between the quotes of a JSON string."""
    return msgspec.json.decode(b'"%b"' % octets, type=str)
