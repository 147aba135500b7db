"""The bytes that the engine sends are valid Kafka records, and those that msgspec makes of the values."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import domain
from engine.domain import BALANCE_UNITS_MAX, ORDER_VALUE_UNITS_MAX, OrderType, Phase, SelfTrade, TimeInForce
from engine.kernel import layout
from engine.kernel.layout import CommandKind
from engine.messages import SENTENCES, Message
from engine.wire import records
from tests.unit.encoded_records import check, encoded
from tests.unit.event_rows import Market

# Names and numbers as they may come

_ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=64) | st.text(
    '"\\aé😀', min_size=1, max_size=64
)
_read_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
_symbols = st.from_regex(domain.SYMBOL_PATTERN.replace("$", r"\Z"))
_prices = st.integers(1, domain.PRICE_UNITS_MAX)
_quantities = st.integers(1, domain.QUANTITY_MAX)
_balances = (
    st.integers(-BALANCE_UNITS_MAX, BALANCE_UNITS_MAX)
    | st.integers(-20_000, 20_000)
    | st.integers(2**39 * 10_000, BALANCE_UNITS_MAX)
)
_shares = st.integers(-(10**11), 10**11)
_offsets = st.integers(0, 2**62)
_times = st.integers(0, domain.TIME_MS_MAX)


def _words(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


_terms = st.fixed_dictionaries(
    {
        "side": _words(2),
        "type": _words(len(OrderType)),
        "time_in_force": _words(len(TimeInForce)),
        "stop_price": st.just(0) | _prices,
        "display_quantity": st.just(0) | _quantities,
        "self_trade": _words(len(SelfTrade)),
        "expires_at_ms": st.integers(1, domain.TIME_MS_MAX),
    }
)


def _of_an_order(report: dict[str, int]) -> dict[str, int]:
    """Fill no more than there is, at no price that an order may not have."""
    filled = min(report["filled"], report["quantity"])
    return report | {"filled": filled, "traded": min(report["traded"], filled * ORDER_VALUE_UNITS_MAX)}


_reports = st.fixed_dictionaries(
    {
        "execution_type": _words(len(layout.EXECUTION_TYPES)),
        "status": _words(len(layout.STATUSES)),
        "reason": _words(len(layout.REASONS)),
        "message": st.sampled_from(list(Message)),
        "price": st.just(0) | _prices,
        "last_price": st.integers(0, BALANCE_UNITS_MAX),
        "detail": _words(len(Phase)),
        "quantity": _quantities,
        "filled": st.just(0) | _quantities,
        "traded": st.integers(0, 10**18),
    }
).map(_of_an_order)
_fills = st.fixed_dictionaries(
    {
        "last_price": _prices,
        "last_quantity": _quantities,
        "trade": _words(10**6),
        "detail": st.integers(0, 10**14),
        "message": st.just(Message.NONE),
    }
)
_commands = st.fixed_dictionaries(
    {
        "offset": _offsets,
        "time_ms": _times,
        "kind": st.sampled_from(CommandKind),
        "price": st.just(0) | _prices | st.integers(1, domain.CASH_UNITS_MAX),
        "quantity": st.just(0) | _quantities,
        "flag": _words(2),
        "account": st.integers(layout.NONE, 1),
    }
)
_accounts = st.fixed_dictionaries({"cash": _balances, "held_cash": _balances})
_position_changes = st.fixed_dictionaries(
    {
        "quantity": _shares,
        "held_quantity": _shares,
        "cost": _balances,
        "realized_profit": _balances,
    }
)


@st.composite
def _markets(draw: st.DrawFn) -> Market:
    market = Market()
    command = market.command(
        draw(_ids),
        draw(st.just("") | _ids),
        draw(_ids),
        draw(_symbols),
        **draw(_commands),
        **draw(_terms),
    )
    owners = [market.position(draw(_ids), draw(_symbols)) for _ in range(2)]
    orders = [
        market.order(
            draw(_ids), draw(st.just("") | _ids), position=owner, post_only=draw(_words(2)), **draw(_terms)
        )
        for owner in owners
    ]
    fill = draw(_fills)
    for liquidity, order in enumerate(orders, start=1):
        market.event(command, order=order, **(draw(_reports) | fill), liquidity=liquidity)
    market.event(command, order=orders[0], **draw(_reports))
    market.event(command, **draw(_reports))
    for owner in owners:
        balances = draw(_accounts)
        for position in owners:
            market.account_event(
                command, account=owner, position=position, **balances, **draw(_position_changes)
            )
    market.account_event(command, account=owners[0], position=layout.NONE, **draw(_accounts))
    return market


@settings(max_examples=150, deadline=None)
@given(_markets())
def test_bytes_are_those_of_the_values(market: Market) -> None:
    check(market)


@settings(max_examples=60, deadline=None)
@given(st.lists(_read_texts, min_size=5, max_size=5), st.text(max_size=9_000))
def test_malformed_command_is_told_as_it_was_read(texts: list[str], message: str) -> None:
    market = Market()
    command = market.command(
        *texts[:1], "", *texts[1:3], message.encode(errors="ignore").decode(), kind=CommandKind.MALFORMED
    )
    market.event(command, message=Message.MALFORMED, reason=1)
    check(market)


@pytest.mark.parametrize("message", list(Message)[1:])
@pytest.mark.parametrize("kind", [CommandKind.PLACE, CommandKind.CANCEL, None])
def test_every_message_is_told_in_full(message: Message, kind: CommandKind | None) -> None:
    market = Market()
    command = market.command(
        'o"1', "", "ana\\", "PETR4", "wrong\n", kind=kind or CommandKind.AMEND, type=4, time_in_force=2
    )
    order = market.order('o"1', position=market.position("ana\\", "PETR4"), type=3)
    market.event(
        command,
        order=layout.NONE if kind else order,
        message=message,
        reason=layout.REASONS.index(SENTENCES[message].reason),
        last_price=385_050,
        detail=2,
    )
    (record,) = encoded(market.rows())
    check(market)
    told = records.decode_execution(record.value).message
    assert told and "{" not in told


def test_message_numbers_are_amounts_and_counts() -> None:
    market = Market()
    command = market.command("o-1", "", "ana", "PETR4", kind=CommandKind.PLACE)
    for message in (Message.TICK, Message.LOT):
        market.event(command, message=message, last_price=100, detail=385_050)
    assert [records.decode_execution(record.value).message for record in encoded(market.rows())] == [
        "PETR4 moves in ticks of 38.505; 0.01 is not a multiple of it.",
        "PETR4 trades in lots of 100; 385050 is not a multiple of it.",
    ]


@settings(max_examples=300, deadline=None)
@given(_balances, _shares.filter(bool))
def test_average_is_rounded_to_zero_and_its_text_is_msgspecs(cost: int, quantity: int) -> None:
    market = Market()
    position = market.position("ana", "PETR4")
    market.account_event(
        market.command(), position=position, quantity=quantity, cost=cost, cash=cost, realized_profit=-cost
    )
    check(market)


@pytest.mark.parametrize(
    ("total_units", "quantity", "text"),
    [
        (10_000, 3, "0.33333333"),
        (20_000, 3, "0.66666666"),
        (-20_000, -3, "0.66666666"),
        (-20_000, 3, "-0.66666666"),
        (385_000, 1, "38.5"),
        (1, 10_000, "1e-8"),
        (123, 10_000, "1.23e-6"),
        (12_300, 10_000, "0.000123"),
        (0, 7, "0.0"),
        (-1, 10**11, "0.0"),
        (10**10, 1, "1000000.0"),
    ],
)
def test_average_of_known_amounts(total_units: int, quantity: int, text: str) -> None:
    market = Market()
    market.account_event(
        market.command(), position=market.position("ana", "PETR4"), quantity=quantity, cost=total_units
    )
    (record,) = encoded(market.rows())
    assert f'"average_price":{text},'.encode() in record.value
    assert msgspec.json.encode(records.average(total_units, quantity)).decode() == text
