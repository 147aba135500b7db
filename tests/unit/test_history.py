"""SQL on the recorder's database, which it cannot change."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import homebroker as hb
from tests.postgresql import running_postgresql


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table trades (symbol text, price real)")
        connection.executemany("insert into trades values (?, ?)", [("PETR4", 38.5), ("VALE3", 62.0)])
    connection.close()
    monkeypatch.setenv("HOMEBROKER_DATABASE_URL", f"sqlite:///{path}")
    return path


def test_rows_come_as_any_kind_of_table(history: Path) -> None:
    sql = "select symbol, price from trades where price > :least order by price"
    assert hb.history(sql, {"least": 1}).to_numpy().tolist() == [["PETR4", 38.5], ["VALE3", 62.0]]
    assert hb.history(sql, {"least": 40}, to="arrow").to_pylist() == [{"symbol": "VALE3", "price": 62.0}]
    assert hb.history(sql, {"least": 99}).columns.tolist() == ["symbol", "price"]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from trades",
        "insert into trades values ('X', 1)",
        "drop table trades",
        "create table more (a int)",
        "update trades set price = 0 returning price",
    ],
)
def test_nothing_can_be_changed(history: Path, sql: str) -> None:
    with pytest.raises(hb.HistoryError):
        hb.history(sql)
    assert len(hb.history("select * from trades")) == 2


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select * from elsewhere", "no such table"),
        ("selec", "syntax error"),
        ("select :missing", "value is required"),
        ("select 1; select 2", "one statement"),
    ],
)
def test_wrong_statements_say_what_is_wrong(history: Path, sql: str, says: str) -> None:
    with pytest.raises(hb.HistoryError, match=says):
        hb.history(sql)


def test_too_many_rows_are_an_error_and_not_a_part(history: Path) -> None:
    with pytest.raises(hb.HistoryError, match="more than 1 rows"):
        hb.history("select * from trades", rows_max=1)
    with pytest.raises(ValueError, match="rows_max"):
        hb.history("select 1", rows_max=0)
    with pytest.raises(ValueError, match="is empty"):
        hb.history(" ")


def test_without_a_history_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEBROKER_DATA_DIR", str(tmp_path / "none"))
    with pytest.raises(hb.HistoryError, match=r"no history at .*history\.sqlite.*make run"):
        hb.history("select 1")
    assert not (tmp_path / "none").exists()


def test_postgresql_can_only_be_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_postgresql() as url:
        monkeypatch.setenv("HOMEBROKER_DATABASE_URL", url)
        assert hb.history("select 1 + :more as n", {"more": 2})["n"].tolist() == [3]
        with pytest.raises(hb.HistoryError, match="read-only transaction"):
            hb.history("create table more (a int)")
        for several in (
            "set transaction read write; create table more (a int); commit; select 1 as n",
            "commit; begin read write; create table more (a int); commit; select 1 as n",
        ):
            with pytest.raises(hb.HistoryError, match="multiple commands"):
                hb.history(several)
        with pytest.raises(hb.HistoryError):
            hb.history("set transaction read write")
        assert hb.history("select 1 as n from pg_tables where tablename = 'more'").empty
    with pytest.raises(hb.HistoryError, match="cannot answer"):
        hb.history("select 1")
