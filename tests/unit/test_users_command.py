"""`homebroker users`: people of a real market, managed from its machine."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from api.identity.service import Identity
from homebroker.cli import main
from tests.market import run_apart


class Machine:
    """A terminal on the machine of a market."""

    def __init__(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.url = f"sqlite:///{data_dir / 'users.sqlite'}"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("HOMEBROKER_DATA_DIR", str(data_dir))

    def say(self, *arguments: str, typed: str = "") -> tuple[int, str]:
        """Run `homebroker users …` with what is typed; gives the exit code and all that was printed."""
        self._monkeypatch.setattr(sys, "argv", ["homebroker", "users", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    """Give the terminal."""
    monkeypatch.setattr("api.identity.passwords._MEMORY_KIB", 8)
    return Machine(tmp_path, monkeypatch, capsys)


async def signed_in(machine: Machine, username: str, password: str) -> str:
    """Sign in, and give the account that is traded."""
    identity = Identity(machine.url, secret_key="", with_demo=False)
    await identity.prepare()
    try:
        user = await identity.sign_in.check(username, password, address="here")
        return user.investor_id or ""
    finally:
        identity.close()


def run(machine: Machine, username: str, password: str) -> str:
    """Do so from a test that has no loop."""
    return run_apart(signed_in(machine, username, password))


def test_a_user_who_is_made_can_sign_in_and_is_listed(machine: Machine) -> None:
    code, told = machine.say("add", "Zoe", typed="a-long-password\n")
    assert (code, "zoe can sign in as trader" in told) == (0, True)
    assert run(machine, "zoe", "a-long-password") in told
    code, told = machine.say("add", "boss", "--role", "admin", typed="a-long-password\n")
    assert code == 0
    code, told = machine.say("list")
    assert [line.split()[:2] for line in told.splitlines()[1:]] == [["boss", "admin"], ["zoe", "trader"]]


def test_nobody_trades_the_account_of_the_fees(machine: Machine) -> None:
    code, told = machine.say("add", "zoe", "--investor", "house", typed="a-long-password\n")
    assert (code, "choose another" in told) == (2, True)
    assert "zoe" not in machine.say("list")[1]


def test_a_password_can_be_set_anew(machine: Machine) -> None:
    machine.say("add", "zoe", typed="a-long-password\n")
    code, told = machine.say("password", "ZOE", typed="quite-another-one\n")
    assert (code, "sign in again" in told) == (0, True)
    run(machine, "zoe", "quite-another-one")


def test_a_user_can_be_kept_out_and_let_in_again(machine: Machine) -> None:
    machine.say("add", "zoe", "--investor", "zoe-1", typed="a-long-password\n")
    assert machine.say("disable", "zoe")[0] == 0
    assert "disabled" in machine.say("list")[1]
    assert machine.say("disable", "zoe", "--undo")[0] == 0
    assert run(machine, "zoe", "a-long-password") == "zoe-1"


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add", "z"), "a-long-password\n", "A username has"),
        (("add", "rui"), "short\n", "A password has"),
        (("add", "rui"), "", "A password has"),
        (("add", "zoe"), "a-long-password\n", "Another user has that name"),
        (("disable", "nobody"), "", "homebroker users list"),
        (("password", "nobody"), "a-long-password\n", "homebroker users list"),
        (("disable", "boss"), "", "make another admin first"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    machine: Machine, arguments: tuple[str, ...], typed: str, sentence: str
) -> None:
    machine.say("add", "zoe", typed="a-long-password\n")
    machine.say("add", "boss", "--role", "admin", typed="a-long-password\n")
    before = machine.say("list")
    code, told = machine.say(*arguments, typed=typed)
    assert (code, sentence in told) == (2, True)
    assert "Traceback" not in told
    assert machine.say("list") == before
