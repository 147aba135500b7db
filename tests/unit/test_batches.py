"""Kafka's record batches as arrays, beside aiokafka's own reader and writer."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from engine.batches import BrokenBatchError, RawRecords, parse_batches, survey_batches, warm_up
from engine.log.compression import plain_batches
from engine.log.sealing import BATCH_BYTES_MAX, ProducerState, batch_bytes, frame, seal, sealed_size

_TIME_MS = 1_763_800_000_000
_GZIP = 1
_ATTRIBUTES_AT = 21
_CONTROL = 0x20
_BROKER_TIME = 0x08


class _Record(NamedTuple):
    time_ms: int
    key: bytes | None
    value: bytes | None


class _Encoded(Struct, frozen=True):
    records: bytes
    count: int
    first_time_ms: int
    max_time_ms: int


_records = st.lists(
    st.builds(
        _Record,
        st.integers(0, 2**45).map(lambda ahead: _TIME_MS + ahead),
        st.none() | st.binary(max_size=20),
        st.none() | st.binary(max_size=200),
    ),
    min_size=1,
    max_size=20,
)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Keep the compiler's time out of the first example's."""
    warm_up()


def _batch(records: Sequence[_Record], *, base_offset: int = 0, codec: int = 0) -> bytearray:
    builder = DefaultRecordBatchBuilder(
        2, codec, is_transactional=0, producer_id=7, producer_epoch=0, base_sequence=0, batch_size=2**20
    )
    for delta, record in enumerate(records):
        builder.append(
            delta, record.time_ms, key=record.key, value=record.value, headers=[("origin", b"test")]
        )
    batch = bytearray(builder.build())
    batch[:8] = base_offset.to_bytes(8, "big")
    return batch


def _with_attributes(batch: bytearray, attributes: int) -> bytearray:
    struct.pack_into(">h", batch, _ATTRIBUTES_AT, attributes)
    struct.pack_into(">I", batch, 17, calc_crc32c(bytes(batch[_ATTRIBUTES_AT:])))
    return batch


def _parse(buffer: bytes, first_offset: int = 0) -> RawRecords:
    return parse_batches(buffer, survey_batches(buffer), first_offset=first_offset)


def _told(records: RawRecords) -> list[tuple[int, int, bytes | None]]:
    return [
        (int(records.offsets[row]), int(records.times_ms[row]), records.value(row))
        for row in range(len(records))
    ]


@given(st.lists(_records, min_size=1, max_size=5), st.integers(0, 60), st.integers(1, 100))
def test_records_are_those_that_were_put_in(
    batches: list[list[_Record]], first_offset: int, cut_off: int
) -> None:
    buffer = b""
    expected: list[tuple[int, int, bytes | None]] = []
    for records in batches:
        base = len(expected)
        buffer += _batch(records, base_offset=base)
        expected += [(base + delta, record.time_ms, record.value) for delta, record in enumerate(records)]
    buffer += _batch([_Record(_TIME_MS, None, b"x" * 200)], base_offset=len(expected))[:cut_off]
    survey = survey_batches(buffer)
    assert survey.next_offset == survey.records == len(expected)
    assert survey.whole_bytes == len(buffer) - cut_off
    assert _told(_parse(buffer, first_offset)) == expected[first_offset:]


def test_nothing_holds_nothing() -> None:
    assert len(_parse(b"")) == 0
    assert survey_batches(b"").next_offset == -1


def test_control_batches_are_left_out_and_counted_in_the_offsets() -> None:
    record = _Record(_TIME_MS, None, b"value")
    control = _with_attributes(_batch([record], base_offset=5), _CONTROL)
    buffer = bytes(control) + _batch([record], base_offset=6)
    assert [offset for offset, _, _ in _told(_parse(buffer))] == [6]
    assert survey_batches(bytes(control)).next_offset == 6


def test_records_of_a_topic_with_the_brokers_time_carry_it() -> None:
    batch = _batch([_Record(_TIME_MS, None, b"a"), _Record(_TIME_MS + 50, None, b"b")])
    told = _told(_parse(bytes(_with_attributes(batch, _BROKER_TIME))))
    assert [time_ms for _, time_ms, _ in told] == [_TIME_MS + 50] * 2


def test_compressed_batches_are_read_when_they_are_made_plain() -> None:
    records = [_Record(_TIME_MS + place, b"k", b"value" * 100) for place in range(20)]
    buffer = bytes(_batch(records, base_offset=40, codec=_GZIP))
    survey = survey_batches(buffer)
    assert survey.compressed
    assert survey.next_offset == 60
    with pytest.raises(BrokenBatchError, match="offset 40 is compressed"):
        parse_batches(buffer, survey)
    assert _told(_parse(plain_batches(buffer))) == [
        (40 + delta, record.time_ms, record.value) for delta, record in enumerate(records)
    ]
    with pytest.raises(BrokenBatchError, match="checksum"):
        plain_batches(buffer[:-1] + b"!")
    assert gzip.decompress(buffer[61:]), "the test's batch is really compressed"


@pytest.mark.parametrize(
    ("at", "what", "complaint"),
    [
        (8, b"\0\0\0\x30", "impossible length"),
        (8, b"\xff\xff\xff\xff", "impossible length"),
        (16, b"\x01", "not of format 2"),
        (57, b"\xff\xff\xff\xff", "impossible number"),
        (57, b"\0\0\xff\xff", "impossible number"),
        (0, b"\x80", "does not follow"),
        (23, b"\xff", "does not follow"),
        (17, b"\0\0\0\0", "checksum"),
        (70, b"!", "checksum"),
    ],
)
def test_a_broken_batch_is_said_to_be_so(at: int, what: bytes, complaint: str) -> None:
    batch = _batch([_Record(_TIME_MS, b"key", b"value" * 10)] * 3)
    batch[at : at + len(what)] = what
    with pytest.raises(BrokenBatchError, match=complaint):
        _parse(bytes(batch))


def test_batches_in_the_wrong_order_are_refused() -> None:
    record = _Record(_TIME_MS, None, b"value")
    with pytest.raises(BrokenBatchError, match="offset 3 does not follow"):
        _parse(bytes(_batch([record], base_offset=3)) + _batch([record], base_offset=3))


@settings(max_examples=300)
@given(_records, st.randoms(use_true_random=False))
def test_nonsense_with_the_right_checksum_is_read_within_its_bounds(
    records: list[_Record], dice: random.Random
) -> None:
    batch = _batch(records)
    for _ in range(dice.randint(1, 8)):
        batch[dice.randrange(61, len(batch))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
    buffer = bytes(_with_attributes(batch, 0))
    try:
        read = _parse(buffer)
    except BrokenBatchError:
        return
    for row in range(len(read)):
        start, end = int(read.starts[row]), int(read.ends[row])
        assert (start, end) == (-1, -1) or 61 <= start <= end <= len(buffer)


@given(st.binary(max_size=300))
def test_any_bytes_are_either_read_or_refused(buffer: bytes) -> None:
    try:
        _parse(buffer)
    except BrokenBatchError:
        return


def test_a_sealed_batch_is_what_aiokafka_itself_would_have_sent() -> None:
    records = [_Record(_TIME_MS + 3 * place, b"ana", b"v" * place) for place in range(50)]
    theirs = _batch(records)
    encoded = _Encoded(bytes(theirs[61:]), 50, _TIME_MS, _TIME_MS + 147)
    ours = bytearray(sealed_size(encoded))
    seal(encoded, ProducerState(7, 0, 0), memoryview(ours))
    theirs[12:16] = b"\xff\xff\xff\xff"  # the leader's epoch: unknown to a producer
    assert bytes(ours) == bytes(theirs)
    assert _values(ours) == [record.value for record in records]


def test_framed_records_fill_batches_and_keep_their_order() -> None:
    records = [(b"ana", b"%d" % place * 9_000, _TIME_MS + place) for place in range(100)]
    framed = list(frame(records))
    assert len(framed) > 1
    assert all(len(batch.records) <= BATCH_BYTES_MAX for batch in framed)
    assert [value for batch in framed for value in _values(batch_bytes(batch))] == [
        value for _, value, _ in records
    ]
    assert [batch.first_time_ms for batch in framed[1:]] == [batch.max_time_ms + 1 for batch in framed[:-1]]
    assert list(frame([])) == []


def test_a_record_too_large_for_a_batch_has_one_to_itself() -> None:
    value = b"v" * (BATCH_BYTES_MAX + 1)
    batches = list(frame([(b"a", b"1", 1), (b"a", value, 1), (b"a", b"2", 1)]))
    assert [_values(batch_bytes(batch)) for batch in batches] == [[b"1"], [value], [b"2"]]


def _values(content: bytes | bytearray) -> list[bytes | None]:
    batch = MemoryRecords(bytes(content)).next_batch()
    assert isinstance(batch, DefaultRecordBatch)
    assert batch.validate_crc()
    return [record.value for record in batch]
