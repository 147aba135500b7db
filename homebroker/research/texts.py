"""Many texts as places in one array of bytes: gathered, looked at and moved by compiled code."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.escaping import unescaped
from engine.kernel.compile import compiled
from engine.kernel.fingerprint import fingerprint
from engine.kernel.octets import SLACK, Octets

Integers: TypeAlias = NDArray[np.int64]
_BACKSLASH = ord("\\")


class Texts(NamedTuple):
    """n texts: where each begins in `octets`, and its bytes; a length of 0 is no text.

    `octets` has `SLACK` bytes behind the last that counts; the others have shape (n,), int64.
    """

    octets: Octets
    starts: Integers
    lengths: Integers

    def taken(self, places: NDArray[Any]) -> Texts:
        """Give some of them, by their places."""
        return Texts(self.octets, self.starts[places], self.lengths[places])


def texts_of(values: Any) -> Texts:
    """Give a column's texts, missing ones as no text.

    Raises
    ------
    TypeError
        When a value is no text.
    """
    try:
        array = pa.array(values, type=pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(str(error)) from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    _, ends, octets = array.buffers()
    places = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
    data = b"" if octets is None else octets
    padded = np.concatenate([np.frombuffer(data, np.uint8), np.zeros(SLACK, np.uint8)])
    lengths = np.where(array.is_valid().to_numpy(zero_copy_only=False), np.diff(places), 0)
    return Texts(padded, places[:-1].copy(), lengths)


def strings_of(texts: Texts, *, escaped: bool, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Give texts as an Arrow array.

    Parameters
    ----------
    escaped : bool
        Whether they stand as between the quotes of a JSON string.
    missing : ndarray of bool, optional
        Which are null.
    """
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(texts.lengths)])
    gathered = np.empty(int(ends[-1]) + SLACK, np.uint8)
    gather(texts.octets, texts.starts, texts.lengths, gathered)
    if escaped and bool((gathered[: ends[-1]] == _BACKSLASH).any()):
        return _unescaped_strings(gathered.tobytes(), ends, missing)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(gathered)]
    array = pa.Array.from_buffers(pa.large_string(), len(texts.starts), buffers)
    return array if missing is None else pc.if_else(pa.array(missing), None, array)


def _unescaped_strings(octets: bytes, ends: Integers, missing: NDArray[np.bool_] | None) -> pa.Array:
    places = ends.tolist()
    found = [unescaped(octets[start:end]) for start, end in pairwise(places)]
    return pa.array(found, pa.large_string(), mask=missing)


def codes_of(texts: Texts) -> tuple[Integers, list[bytes]]:
    """Number the different texts in the order of their first appearance; gives the numbers and the texts."""
    codes, different = pd.factorize(strings_of(texts, escaped=False).to_pandas())
    return codes.astype(np.int64), [str(text).encode() for text in different]


@compiled
def gather(octets: Octets, starts: Integers, lengths: Integers, target: Octets) -> None:
    """Copy texts one behind the other."""
    at = 0
    for place in range(len(starts)):
        start = starts[place]
        for done in range(lengths[place]):
            target[at + done] = octets[start + done]
        at += lengths[place]


@compiled
def mark_plain(
    octets: Octets, starts: Integers, lengths: Integers, length_max: int, plain: NDArray[np.bool_]
) -> None:
    """Take the mark from each text that is too long, or not the same when it is escaped for JSON."""
    for place in range(len(starts)):
        length = lengths[place]
        if length > length_max:
            plain[place] = False
            continue
        for at in range(starts[place], starts[place] + length):
            octet = octets[at]
            if octet < 0x20 or octet > 0x7E or octet == 0x22 or octet == 0x5C:
                plain[place] = False
                break


@compiled
def mark_symbols(octets: Octets, starts: Integers, lengths: Integers, plain: NDArray[np.bool_]) -> None:
    """Take the mark from each text with what no symbol has: all but capitals, digits and, behind, `.-`."""
    for place in range(len(starts)):
        for at in range(starts[place], starts[place] + lengths[place]):
            octet = octets[at]
            is_digit = 0x30 <= octet <= 0x39
            is_capital = 0x41 <= octet <= 0x5A
            is_behind = (octet == 0x2D or octet == 0x2E) and at != starts[place]
            if not (is_digit or is_capital or is_behind):
                plain[place] = False
                break


@compiled
def put_texts(
    rows: NDArray[Any], places: Integers, octets: Octets, starts: Integers, lengths: Integers, text: Octets
) -> None:
    """Copy a text each behind those that rows of COMMAND have so far.

    Parameters
    ----------
    rows : ndarray of COMMAND
        Where their texts end is in `message_length`, and moved on.
    places : ndarray of int64
        The rows, one for each text.
    text : ndarray of uint8
        With room for them.
    """
    for number in range(len(places)):
        row = rows[places[number]]
        start = starts[number]
        at = row.text + row.message_length
        for done in range(lengths[number]):
            text[at + done] = octets[start + done]
        row.message_length += lengths[number]


@compiled
def put_fingerprints(rows: NDArray[Any], places: Integers, text: Octets) -> None:
    """Give rows of COMMAND that have an order id its fingerprint."""
    for place in places:
        row = rows[place]
        if row.id_length > 0:
            low, high = fingerprint(text, row.text, row.id_length)
            row.id_low = low
            row.id_high = high
