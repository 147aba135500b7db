"""What stands in an output topic, held against what should, record by record."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Self

import msgspec

from engine.batches import parse_batches, survey_batches
from engine.domain import SelfTrade
from engine.log import Connection, LogReader
from engine.log.raw_reading import RawReader
from engine.log.sealing import EncodedRecords, batch_bytes
from engine.outputs import NOTHING, Identity
from engine.wire.records import decode_asset, decode_execution, encode

_WAIT_MS: Final = 500
_FETCH_BYTES_MAX: Final = 1024 * 1024
_REMEMBERED_MAX: Final = 20_000
_SHOWN_BYTES_MAX: Final = 2_000
# As they stand in a report; inside a text the quotes would be escaped.
_TERMS: Final = (b',"display_quantity":', b',"post_only":', b',"self_trade":', b',"expires_at_ms":')


class DifferenceError(Exception):
    """A topic does not hold what the log of orders gives: the first such record.

    Parameters
    ----------
    topic : str
        Where it is.
    identity : Identity
        The command's offset, and the record's place among its outputs on the topic.
    expected, found : bytes or None
        What should be there and what is; None for nothing.
    """

    def __init__(self, topic: str, identity: Identity, expected: bytes | None, found: bytes | None) -> None:
        offset, index = identity
        super().__init__(
            f"{topic}, offset {offset}, index {index}: expected {_shown(expected)}, found {_shown(found)}"
        )


def _shown(value: bytes | None) -> str:
    return "nothing" if value is None else value[:_SHOWN_BYTES_MAX].decode(errors="backslashreplace")


class _Identified(msgspec.Struct):
    offset: int
    index: int


_decode_identity = msgspec.json.Decoder(_Identified).decode


def values_of(batch: EncodedRecords) -> Iterator[bytes]:
    """Give the values of encoded records."""
    content = batch_bytes(batch)
    records = parse_batches(content, survey_batches(content))
    for row in range(len(records)):
        yield records.value(row) or b""


class StoredOutputs:
    """The records of an output topic, one after the other; those that a fail-over repeated are passed over.

    Parameters
    ----------
    topic : str
        A topic whose records say their identity.
    number : int
        The shard's.
    patience_s : float
        How long to wait at the topic's end for a record that should be there.
    """

    def __init__(self, connection: Connection, topic: str, number: int, *, patience_s: float) -> None:
        self.topic = topic
        self.compared = 0
        self.repeated = 0
        self._connection = connection
        self._number = number
        self._patience_s = patience_s
        self._unread: Iterator[bytes] = iter(())
        self._next: bytes | None = None
        self._newest = NOTHING
        # The newest values: a repeat must be the same, as far back as is remembered.
        self._remembered: OrderedDict[Identity, bytes] = OrderedDict()

    async def __aenter__(self) -> Self:
        async with LogReader(self._connection) as reader:
            first = await reader.first_offset(self.topic, self._number)
        self._reader = RawReader(
            self._connection, self.topic, self._number, offset=first, bytes_max=_FETCH_BYTES_MAX
        )
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._reader.__aexit__(*error)

    async def check(self, expected: bytes) -> None:
        """Take the next record; raises `DifferenceError` where it is not this one."""
        found = await self._peek(self._patience_s)
        if found != expected:
            raise self._difference(expected, found)
        self._take()

    async def check_end(self, end: int) -> None:
        """Raise `DifferenceError` if there is another record of a command before an offset."""
        found = await self._peek(0)
        if found is not None:
            identity = identity_of(found)
            if identity is None or identity[0] < end:
                raise self._difference(None, found)

    async def _peek(self, patience_s: float) -> bytes | None:
        """Give the next record that is not a repeat, without taking it; None when there is none."""
        while self._next is None:
            value = await self._read(patience_s)
            if value is None:
                return None
            identity = identity_of(value)
            if identity is None or identity > self._newest:
                self._next = value
            else:
                self.repeated += 1
                before = self._remembered.get(identity, value)
                if before != value:
                    raise DifferenceError(self.topic, identity, before, value)
        return self._next

    def _take(self) -> None:
        assert self._next is not None, "what is taken was looked at"
        value, self._next = self._next, None
        self.compared += 1
        self._newest = identity_of(value) or self._newest
        self._remembered[self._newest] = value
        if len(self._remembered) > _REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    async def _read(self, patience_s: float) -> bytes | None:
        give_up_s = time.monotonic() + patience_s
        while True:
            value = next(self._unread, None)
            if value is not None:
                return value
            records = await self._reader.read(wait_ms=_WAIT_MS)
            self._unread = (records.value(row) or b"" for row in range(len(records)))
            is_end = 0 <= self._reader.end_offset <= self._reader.offset
            if not len(records) and is_end and time.monotonic() >= give_up_s:
                return None

    def _difference(self, expected: bytes | None, found: bytes | None) -> DifferenceError:
        identity = identity_of(expected or b"") or identity_of(found or b"") or NOTHING
        return DifferenceError(self.topic, identity, expected, found)


class StoredReports(StoredOutputs):
    """Execution reports, the first of which may be of engines that did not tell all of an order's terms.

    Attributes
    ----------
    older : int
        How many reports are of such an engine, and equal but for those terms. None may follow on one that
        tells them.
    """

    def __init__(self, connection: Connection, topic: str, number: int, *, patience_s: float) -> None:
        super().__init__(connection, topic, number, patience_s=patience_s)
        self.older = 0
        self._tells_terms = False

    async def check(self, expected: bytes) -> None:
        """Take the next record; raises `DifferenceError` where it is neither this one nor this one of old."""
        found = await self._peek(self._patience_s)
        if found == expected:
            self._tells_terms = self._tells_terms or any(term in expected for term in _TERMS)
        elif not self._tells_terms and found is not None and found == _without_terms(expected):
            self.older += 1
        else:
            raise self._difference(expected, found)
        self._take()


def _without_terms(report: bytes) -> bytes:
    told = decode_execution(report)
    return encode(
        msgspec.structs.replace(
            told,
            display_quantity=None,
            post_only=False,
            self_trade=SelfTrade.EXPIRE_TAKER,
            expires_at_ms=None,
        )
    )


class StoredAssets(StoredOutputs):
    """The records of a compacted topic, where a symbol's older ones may be gone but not its newest."""

    def __init__(self, connection: Connection, topic: str, number: int, *, patience_s: float) -> None:
        super().__init__(connection, topic, number, patience_s=patience_s)
        self._gone: dict[str, bytes] = {}

    async def check(self, expected: bytes) -> None:
        """Take the next record, if it is this one; raises `DifferenceError` where this one cannot be gone."""
        symbol = decode_asset(expected).symbol
        found = await self._peek(self._patience_s)
        if found == expected:
            self._gone.pop(symbol, None)
            self._take()
            return
        identity = None if found is None else identity_of(found)
        if identity is None or identity <= (identity_of(expected) or NOTHING):
            raise self._difference(expected, found)
        self._gone[symbol] = expected

    async def check_end(self, end: int) -> None:
        """Raise `DifferenceError` if a symbol's newest record is missing, or there is one too many."""
        await super().check_end(end)
        for expected in self._gone.values():
            raise self._difference(expected, None)


def identity_of(value: bytes) -> Identity | None:
    """Read a record's identity; None when it has none."""
    try:
        identified = _decode_identity(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return identified.offset, identified.index
