"""What the ticket says of the phase, held against what the engine takes in it."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import ticket
from engine.domain import Execution, OrderType, Phase, Place, Reason, SetPhase, TimeInForce
from engine.domain import Side as EngineSide
from engine.shard import Shard
from homebroker.client import OrderType as TypeWord
from tests.dashboard import answers
from tests.dashboard.api_double import Scripted
from tests.dashboard.app_pages import open_page
from tests.dashboard.conftest import Scripts
from tests.simulation.lives import CAPACITY
from tests.simulation.one_buyer import OPENING

SYMBOL = "A"
NOON_MS = 1_790_000_000_000
TICKET = [
    {"symbol": SYMBOL, "type": order_type, "time_in_force": lasts}
    for order_type in get_args(TypeWord)
    for lasts in ticket.times_in_force(order_type)
]
NOT_TAKEN = ("takes no", "choose another time")


def _engine_takes(phase: Phase, order: dict[str, str]) -> bool:
    shard = Shard(0, CAPACITY)
    for command in (*OPENING, SetPhase(symbol=SYMBOL, phase=phase)):
        shard.apply(command, offset=shard.offset + 1, time_ms=NOON_MS)
    place = Place(
        order_id="o-1",
        investor_id="ana",
        symbol=SYMBOL,
        side=EngineSide.BUY,
        quantity=1,
        type=OrderType(order["type"]),
        price_units=50 if order["type"] in ticket.PRICED else None,
        stop_price_units=50 if order["type"] in ticket.STOPPED else None,
        time_in_force=TimeInForce(order["time_in_force"]),
        expires_at_ms=NOON_MS + 1 if order["time_in_force"] == "gtd" else None,
    )
    report = shard.apply(place, offset=shard.offset + 1, time_ms=NOON_MS)[0]
    assert isinstance(report, Execution)
    return report.reason is not Reason.HALTED


@pytest.mark.browser
@pytest.mark.parametrize("phase", list(Phase))
def test_the_ticket_says_what_the_engine_would(scripts: Scripts, phase: Phase) -> None:
    asked = f"return {json.dumps(TICKET)}.map((order) => it.phaseNote('{phase.value}', order))"
    said = scripts.ask("words.js", asked)
    taken = [not any(word in note for word in NOT_TAKEN) for note in said]
    assert taken == [_engine_takes(phase, order) for order in TICKET]
    assert all(note.startswith(f"{SYMBOL} ") for note in said if note)
    # An open market has nothing to say of an order that it takes.
    quiet = [note == "" for note in said]
    assert quiet == (taken if phase is Phase.CONTINUOUS else [False] * len(TICKET))


@pytest.mark.browser
def test_a_change_of_phase_is_told_at_once_and_of_the_ticket_s_symbol_alone(scripts: Scripts) -> None:
    said = scripts.ask(
        "ticket_notes.js",
        """
        const notes = new it.TicketNotes(document.body);
        const told = () => notes.phase.textContent;
        const order = { symbol: "PETR4", type: "market", time_in_force: "ioc" };
        const tickers = new Map();
        const phase = (symbol, name) => {
          tickers.set(symbol, { symbol, phase: name });
          it.tellTickers(tickers);
          return told();
        };
        const said = [told(), phase("PETR4", "halted")];
        notes.show(order);
        said.push(told(), phase("VALE3", "halted"), phase("PETR4", "auction"), phase("PETR4", "continuous"));
        notes.show({ ...order, symbol: "VALE3" });
        said.push(told(), notes.phase.getAttribute("role"));
        it.tellTickers(null);
        said.push(told());
        notes.close();
        return said;
        """,
    )
    halted = "{} is halted: it takes no orders or changes now, only cancels."
    auction = (
        "PETR4 is in an auction, which takes no order that is to trade at once: choose a limit or stop "
        "order, for the day, until canceled or until a date."
    )
    petr4, vale3 = halted.format("PETR4"), halted.format("VALE3")
    assert said == ["", "", petr4, petr4, auction, "", vale3, "status", ""]


def test_an_order_for_the_opening_stays_one_when_the_market_opens(api: Scripted) -> None:
    for name, body in {"GET /account": answers.ACCOUNT, "GET /positions": []}.items():
        api.answer(name, 200, body)
    api.answer("GET /assets", 200, [answers.TICKER | {"phase": "auction"}])
    page = open_page()
    page.selectbox(key="ticket_time_in_force").set_value("at_open").run()
    api.answer("GET /assets", 200, [answers.TICKER])
    assert _lasting(page.run()) == "at_open"


def _lasting(page: AppTest) -> Any:
    assert not page.exception
    return page.selectbox(key="ticket_time_in_force").value
