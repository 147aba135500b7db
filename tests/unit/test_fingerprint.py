"""Order ids' fingerprints: SipHash-1-3 with 128 bits, to the bit, for ever."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel.fingerprint import fingerprint_of

_KEY = bytes(range(16))
_MASK = (1 << 64) - 1


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & _MASK


def _siphash_128(octets: bytes, compressions: int, finalizations: int) -> bytes:
    """SipHash as its paper defines it, in the plainest Python."""
    low, high = int.from_bytes(_KEY[:8], "little"), int.from_bytes(_KEY[8:], "little")
    state = [
        low ^ 0x736F6D6570736575,
        high ^ 0x646F72616E646F6D ^ 0xEE,
        low ^ 0x6C7967656E657261,
        high ^ 0x7465646279746573,
    ]

    def rounds(count: int) -> None:
        v0, v1, v2, v3 = state
        for _ in range(count):
            v0 = (v0 + v1) & _MASK
            v1 = _rotated(v1, 13) ^ v0
            v0 = _rotated(v0, 32)
            v2 = (v2 + v3) & _MASK
            v3 = _rotated(v3, 16) ^ v2
            v0 = (v0 + v3) & _MASK
            v3 = _rotated(v3, 21) ^ v0
            v2 = (v2 + v1) & _MASK
            v1 = _rotated(v1, 17) ^ v2
            v2 = _rotated(v2, 32)
        state[:] = v0, v1, v2, v3

    whole = len(octets) // 8 * 8
    last = octets[whole:].ljust(7, b"\0") + bytes([len(octets) & 0xFF])
    for start in range(0, whole + 8, 8):
        word = int.from_bytes((octets[:whole] + last)[start : start + 8], "little")
        state[3] ^= word
        rounds(compressions)
        state[0] ^= word
    halves = []
    for index, constant in ((2, 0xEE), (1, 0xDD)):
        state[index] ^= constant
        rounds(finalizations)
        halves.append(state[0] ^ state[1] ^ state[2] ^ state[3])
    return b"".join(half.to_bytes(8, "little") for half in halves)


def test_plain_siphash_gives_the_published_vectors() -> None:
    assert _siphash_128(b"", 2, 4).hex() == "a3817f04ba25a8e66df67214c7550293"
    assert _siphash_128(b"\x00", 2, 4).hex() == "da87c1d86b99af44347659119b22fc45"
    assert _siphash_128(b"", 1, 3).hex() == "e77ebcb22788a5befd62db6add303001"


@settings(deadline=None)
@given(st.binary(max_size=520))
def test_fingerprint_is_96_bits_of_siphash(octets: bytes) -> None:
    low, high = fingerprint_of(octets)
    assert (
        low.to_bytes(8, "little", signed=True) + high.to_bytes(4, "little", signed=True)
        == _siphash_128(octets, 1, 3)[:12]
    )


def test_fingerprint_stays_what_stored_markets_have() -> None:
    assert fingerprint_of(b"o-1") == (221341619440889260, -1625828833)
