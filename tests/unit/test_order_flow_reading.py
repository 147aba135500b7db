"""Order-flow files: what is read, and what each bad line is told."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain import Side
from homebroker.order_flow.reading import (
    FLOW_HEADER,
    TRADES_HEADER,
    FlowError,
    FlowRow,
    FlowTrade,
    Op,
    check_flow,
    read_flow,
    read_trades,
    symbol_from_name,
)

GOOD = "0,rest,a,B,1000,5"


def write(folder: Path, *lines: str, header: str = FLOW_HEADER, name: str = "day.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *lines)) + "\n")
    return path


def test_each_op_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        GOOD,
        "1,limit,b,S,1010,7",
        "2,post,c,B,990,1",
        "4,mtl,d,S,0,9",
        "5,replace,b,S,1005,3",
        "9,cancel,a,,,",
    )
    assert list(read_flow(path)) == [
        FlowRow(0, Op.REST, "a", Side.BUY, 1000, 5),
        FlowRow(1, Op.LIMIT, "b", Side.SELL, 1010, 7),
        FlowRow(2, Op.POST, "c", Side.BUY, 990, 1),
        FlowRow(4, Op.MARKET_TO_LIMIT, "d", Side.SELL, None, 9),
        FlowRow(5, Op.REPLACE, "b", Side.SELL, 1005, 3),
        FlowRow(9, Op.CANCEL, "a", None, None, None),
    ]


def test_gzip_and_windows_line_ends_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "day.csv.gz"
    path.write_bytes(gzip.compress(f"{FLOW_HEADER}\r\n{GOOD}\r\n".encode()))
    assert [row.flow_id for row in read_flow(path)] == ["a"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,rest,b,B,1000", "5 fields"),
        ("1,fly,b,B,1000,5", "op 'fly'"),
        ("1,limit,b,X,1000,5", "neither B nor S"),
        ("1,limit,b,,1000,5", "neither B nor S"),
        ("1,limit,b c,B,1000,5", "id 'b c'"),
        ("1,limit,,B,1000,5", "id ''"),
        (f"1,limit,{'i' * 41},B,1000,5", "1 to 40"),
        ("1,limit,b,B,0,5", "price '0'"),
        ("1,limit,b,B,10.5,5", "price '10.5'"),
        ("1,limit,b,B,-3,5", "price '-3'"),
        ("1,limit,b,B,100000001,5", "price '100000001'"),
        (f"1,limit,b,B,{'9' * 60},5", "price"),
        ("1,limit,b,B,1000,0", "qty '0'"),
        ("1,limit,b,B,1000,100000001", "qty '100000001'"),
        ("1,limit,b,B,1000,", "qty ''"),
        ("1,limit,b,B,1000,٣", "not plain ASCII"),
        ("1,mtl,b,B,1000,5", "leave its price 0"),
        ("x,limit,b,B,1000,5", "seq 'x'"),
        ("0,limit,b,B,1000,5", "does not grow"),
        ("1,limit,b,B,1000," + "5" * 300, "longer than"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(FlowError, match=r"day\.csv, line 3: ") as caught:
        list(read_flow(write(tmp_path, GOOD, line)))
    assert words in str(caught.value)


@given(noise=st.binary(max_size=400))
def test_any_bytes_are_rows_or_a_flow_error(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("noise") / "day.csv"
    path.write_bytes(f"{FLOW_HEADER}\n".encode() + noise)
    try:
        rows = list(read_flow(path))
    except FlowError:
        return
    assert len(rows) == len(noise.splitlines())


def test_files_that_are_no_order_flow(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(gzip.compress(f"{FLOW_HEADER}\n".encode())[:-12])
    plain = tmp_path / "plain.csv.gz"
    plain.write_text(FLOW_HEADER)
    for path, words in (
        (empty, "is empty"),
        (torn, "gzip"),
        (plain, "gzip"),
        (tmp_path / "away.csv", "cannot be read"),
        (write(tmp_path, header="a,b"), "the header is 'a,b'"),
    ):
        with pytest.raises(FlowError, match=words):
            list(read_flow(path))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "no rows"),
        ((GOOD, "1,limit,a,S,1100,5"), "id a entered before"),
        ((GOOD, "1,cancel,a,B,,", "2,rest,b,B,900,5"), "opening book comes first"),
        ((GOOD, "1,limit,z,B,900,5", "2,rest,b,B,900,5"), "opening book comes first"),
        ((GOOD, "1,rest,b,S,1000,5"), "inside the opening book"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_whole(
    tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    with pytest.raises(FlowError, match=words):
        check_flow(write(tmp_path, *lines))


def test_the_reference_price_is_the_first_that_came_after_the_opening_book(tmp_path: Path) -> None:
    summary = check_flow(write(tmp_path, GOOD, "1,cancel,a,B,,", "2,limit,b,B,950,5", "3,limit,c,B,960,5"))
    assert (summary.rows, summary.reference_price_units) == (4, 95_000)


def test_trades_are_read_and_checked(tmp_path: Path) -> None:
    path = write(tmp_path, "4,a,b,1000,5", header=TRADES_HEADER)
    assert list(read_trades(path)) == [FlowTrade(4, "a", "b", 1000, 5)]
    with pytest.raises(FlowError, match="line 2: price"):
        list(read_trades(write(tmp_path, "4,a,b,x,5", header=TRADES_HEADER)))


def test_the_symbol_comes_from_the_name() -> None:
    assert symbol_from_name(Path("b3_petr4f.commands.csv.gz")) == "PETR4F"
    assert symbol_from_name(Path("vale3.csv")) == "VALE3"
    assert symbol_from_name(Path("ação à vista.csv")) == "REPLAY"
