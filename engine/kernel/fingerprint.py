"""96 bits that stand for an order id.

SipHash-1-3 with an output of 128 bits, of which 96 are kept, over the bytes of the id as escaped for JSON.
The key is the one of the published test vectors, for ever: the ids of stored markets have it. That any
two of a billion ids share their 96 bits has a chance of about 10⁻¹¹.

References
----------
J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012; the output of 128 bits is the
reference implementation's.
"""

from __future__ import annotations

from typing import Final

from engine.kernel.bits import rotate_left
from engine.kernel.octets import FIRST_BITS, Octets, load_word, padded
from engine.kernel.uncounted import compiled, inlined

_KEY_LOW: Final = int.from_bytes(range(8), "little")
_KEY_HIGH: Final = int.from_bytes(range(8, 16), "little")
# The state before the first byte: "somepseudorandomlygeneratedbytes" and the key; 0xee asks for 128 bits.
_V0: Final = _KEY_LOW ^ 0x736F6D6570736575
_V1: Final = _KEY_HIGH ^ 0x646F72616E646F6D ^ 0xEE
_V2: Final = _KEY_LOW ^ 0x6C7967656E657261
_V3: Final = _KEY_HIGH ^ 0x7465646279746573
_END_LOW: Final = 0xEE
_END_HIGH: Final = 0xDD
_FINAL_ROUNDS: Final = 3
_LOW_HALF: Final = 0xFFFF_FFFF


@inlined
def _mix(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 += v1
    v2 += v3
    v1 = rotate_left(v1, 13) ^ v0
    v3 = rotate_left(v3, 16) ^ v2
    v0 = rotate_left(v0, 32)
    v2 += v1
    v0 += v3
    v1 = rotate_left(v1, 17) ^ v2
    v3 = rotate_left(v3, 21) ^ v0
    v2 = rotate_left(v2, 32)
    return v0, v1, v2, v3


@inlined
def hash_octets(octets: Octets, start: int, length: int) -> tuple[int, int]:
    """Hash bytes of an array that has `octets.SLACK` bytes behind them.

    Returns
    -------
    tuple of int64
        The low and the high half of the hash.
    """
    v0, v1, v2, v3 = _V0, _V1, _V2, _V3
    whole = length & ~7
    for done in range(0, whole, 8):
        word = load_word(octets, start + done)
        v0, v1, v2, v3 = _mix(v0, v1, v2, v3 ^ word)
        v0 ^= word
    word = (load_word(octets, start + whole) & FIRST_BITS[length - whole]) | (length << 56)
    v0, v1, v2, v3 = _mix(v0, v1, v2, v3 ^ word)
    v0 ^= word
    v2 ^= _END_LOW
    for _ in range(_FINAL_ROUNDS):
        v0, v1, v2, v3 = _mix(v0, v1, v2, v3)
    low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= _END_HIGH
    for _ in range(_FINAL_ROUNDS):
        v0, v1, v2, v3 = _mix(v0, v1, v2, v3)
    return low, v0 ^ v1 ^ v2 ^ v3


@inlined
def fingerprint(octets: Octets, start: int, length: int) -> tuple[int, int]:
    """Give a COMMAND row's `id_low` (int64) and `id_high` (in the range of int32) for an order id's bytes.

    Parameters
    ----------
    octets : ndarray of uint8
        With `octets.SLACK` bytes behind the id.
    start, length : int
        Where the id's bytes, escaped for JSON, are.
    """
    low, high = hash_octets(octets, start, length)
    # Its low 32 bits, as an int32 has them.
    return low, ((high + (1 << 31)) & _LOW_HALF) - (1 << 31)


@compiled
def _fingerprint_octets(octets: Octets, length: int) -> tuple[int, int]:
    return fingerprint(octets, 0, length)


def fingerprint_of(escaped_id: bytes) -> tuple[int, int]:
    """Give `id_low` and `id_high` for an order id, escaped for JSON."""
    return _fingerprint_octets(padded(escaped_id), len(escaped_id))
