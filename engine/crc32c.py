"""CRC-32C (Castagnoli), the checksum of Kafka's record batches, for compiled code.

References
----------
M. E. Kounavis, F. L. Berry: A Systematic Approach to Building High Performance, Software-based, CRC
Generators, ISCC 2005 ("slicing by 8").
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.kernel.compile import inlined

_REVERSED_POLYNOMIAL: Final = 0x82F6_3B78


def _slicing_tables() -> NDArray[np.int64]:
    table = np.arange(256, dtype=np.int64)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ _REVERSED_POLYNOMIAL, table >> 1)
    tables = [table]
    for _ in range(7):
        tables.append((tables[-1] >> 8) ^ table[tables[-1] & 0xFF])
    return np.stack(tables)


_TABLES: Final = _slicing_tables()


@inlined
def crc32c(data: NDArray[np.uint8], start: int, end: int) -> Any:
    """Give the checksum of the bytes from `start` to before `end`, eight at a step."""
    crc = np.int64(0xFFFF_FFFF)
    at = start
    while at + 8 <= end:
        low = crc ^ (
            np.int64(data[at])
            | np.int64(data[at + 1]) << 8
            | np.int64(data[at + 2]) << 16
            | np.int64(data[at + 3]) << 24
        )
        crc = (
            _TABLES[7, low & 0xFF]
            ^ _TABLES[6, (low >> 8) & 0xFF]
            ^ _TABLES[5, (low >> 16) & 0xFF]
            ^ _TABLES[4, (low >> 24) & 0xFF]
            ^ _TABLES[3, data[at + 4]]
            ^ _TABLES[2, data[at + 5]]
            ^ _TABLES[1, data[at + 6]]
            ^ _TABLES[0, data[at + 7]]
        )
        at += 8
    while at < end:
        crc = (crc >> 8) ^ _TABLES[0, (crc ^ np.int64(data[at])) & 0xFF]
        at += 1
    return crc ^ 0xFFFF_FFFF
