"""Refusals in a trader's words."""

import pytest

from dashboard import words
from engine.messages import SENTENCES, Message


@pytest.mark.parametrize(
    ("reason", "message", "told"),
    [
        (
            "limit_exceeded",
            "The order is worth 38500.5, the account's limit is 10000.0 (order_value_max); make it smaller.",
            "The order is worth R$ 38.500,50, the account's limit is R$ 10.000,00; make it smaller.",
        ),
        (
            "limit_exceeded",
            "The account's limit is 5 open orders (open_orders_max); cancel some first.",
            "The account's limit is 5 open orders; cancel some first.",
        ),
        (
            "bad_price",
            "PETR4 moves in ticks of 0.005; 38.5125 is not a multiple of it.",
            "PETR4 moves in ticks of R$ 0,005; R$ 38,5125 is not a multiple of it.",
        ),
        (
            "insufficient_shares",
            "It needs 300 B3SA3 and 100 are free.",
            "It needs 300 B3SA3 and 100 are free.",
        ),
        (
            "insufficient_shares",
            "It needs 100000 PETR4 and 9700 are free.",
            "It needs 100.000 PETR4 and 9.700 are free.",
        ),
        ("bad_quantity", "PETR4 trades in lots of 1000; 12345", "PETR4 trades in lots of 1.000; 12.345"),
        (
            "unknown_order",
            "There is no open order 12345; or 1234-5.",
            "There is no open order 12345; or 1234-5.",
        ),
        ("halted", "Wait for 1.2.3 or 10.", "Wait for 1.2.3 or 10."),
        (
            "insufficient_cash",
            "It needs 3906.1801 in cash and 22789.9806 is free; deposit cash.",
            "It needs R$ 3.906,19 in cash and R$ 22.789,98 is free; deposit cash.",
        ),
        (
            "insufficient_cash",
            "The next lot costs 39.0818 with its fee and 10.7799 is free; deposit cash or cancel orders.",
            "The next lot costs R$ 39,09 with its fee and R$ 10,77 is free; deposit cash or cancel orders.",
        ),
        (
            "insufficient_cash",
            "It needs 3906.1800 in cash and 0.2900 is free.",
            "It needs R$ 3.906,18 in cash and R$ 0,29 is free.",
        ),
        (
            "halted",
            SENTENCES[Message.AUCTION].template.format(symbol="PETR4"),
            "PETR4 is in an auction, where orders wait for each other; send a limit order that is good for "
            "the day, until canceled or until a date, or one that is for the opening or the close.",
        ),
        (
            "halted",
            SENTENCES[Message.OPEN_ALREADY].template.format(symbol="PETR4"),
            "PETR4 trades already, and orders for the opening are taken in the auction before that; "
            "send a day order.",
        ),
    ],
)
def test_amounts_are_in_reais_and_fields_have_no_names(reason: str, message: str, told: str) -> None:
    assert words.refusal(reason, message).replace("\u00a0", " ") == told


@pytest.mark.parametrize("reason", ["trading_disabled", "unknown_investor"])
def test_what_programs_are_told_is_put_for_people(reason: str) -> None:
    told = words.refusal(reason, "raw")
    assert told != "raw"
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("130,339 commands applied", "130.339 commands applied"),
        ("its newest event is 0.1 s old", "its newest event is 0,1 s old"),
        ("1,234,567 records behind the log", "1.234.567 records behind the log"),
        ("Kafka at 127.0.0.1:9092, version 4.1.1", "Kafka at 127.0.0.1:9092, version 4.1.1"),
    ],
)
def test_what_parts_say_of_themselves_has_the_page_s_numbers(message: str, told: str) -> None:
    assert words.told(message) == told
