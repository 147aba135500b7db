"""Plays the golden scenarios: small tables of orders and what must come of them.

A scenario begins with a `#` line. Each line after it is a command, with what it must cause behind `->`:
trades as seen by the order that caused them (`5 @ 10.00 with s1`), ends (`b1 expired not_filled`),
refusals (`b1 rejected bad_price`), cancels and replacements. A line without `->` must cause nothing but the
acceptance of its order. `book bids …` states a side of the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.domain import (
    Amend,
    Cancel,
    CancelAll,
    Command,
    Event,
    Execution,
    ExecutionType,
    ListAsset,
    OpenAccount,
    OrderType,
    Phase,
    Place,
    SelfTrade,
    SetPhase,
    Side,
    TimeInForce,
    Trade,
)
from engine.shard import Shard
from engine.wire.commands import decode_command, encode_command

SYMBOL = "PETR4"
INVESTORS = ("ana", "bia", "cora")
HOUR_MS = 3_600_000
# 12:00 in Brazil, so that an hour or two later is the same day.
NOON_MS = 1_790_002_800_000 // (24 * HOUR_MS) * 24 * HOUR_MS + 15 * HOUR_MS


@dataclass(frozen=True)
class Scenario:
    """A named table of lines."""

    name: str
    lines: tuple[str, ...]


def read_scenarios(path: Path) -> list[Scenario]:
    """Read all scenarios of a file."""
    blocks = path.read_text().strip().split("\n\n")
    return [Scenario(lines[0].removeprefix("# "), tuple(lines[1:])) for lines in map(str.splitlines, blocks)]


class Stage:
    """A small market that scenario lines are played on."""

    def __init__(self) -> None:
        self.shard = Shard(0)
        self.time_ms = NOON_MS
        self.offset = 0
        self.run(_listing(SYMBOL, "10.00"))
        for investor in INVESTORS:
            self.run(OpenAccount(investor_id=investor))

    def run(self, command: Command) -> list[Event]:
        """Apply a command the way the log would bring it."""
        through_the_wire = decode_command(encode_command(command))
        assert through_the_wire == command
        events = self.shard.apply(through_the_wire, offset=self.offset, time_ms=self.time_ms)
        self.offset += 1
        return events

    def play(self, line: str) -> None:
        """Play one line and check what it causes."""
        action, _, expected = (part.strip() for part in line.partition("->"))
        words = action.split()
        match words:
            case ["book", side, *rest]:
                assert self._book(side) == " ".join(rest), line
            case ["time", ahead]:
                self.time_ms += _hours_ms(ahead)
            case ["phase", phase]:
                self.run(SetPhase(symbol=SYMBOL, phase=Phase(phase)))
            case ["list", symbol, "reference", price, *band]:
                self.run(_listing(symbol, price, float(band[1]) if band else None))
            case _:
                events = self.run(self._command(words))
                assert ", ".join(_outcomes(events)) == expected, line

    def _command(self, words: list[str]) -> Command:
        match words:
            case [investor, "cancel", order_id]:
                return Cancel(order_id=order_id, investor_id=investor)
            case [investor, "cancel_all"]:
                return CancelAll(investor_id=investor)
            case [investor, "amend", order_id, quantity, "@", price]:
                return Amend(
                    order_id=order_id, investor_id=investor, quantity=int(quantity), price_units=units(price)
                )
            case [investor, side, order_id, quantity, *terms]:
                return self._place(investor, Side(side), order_id, int(quantity), terms)
        raise AssertionError(f"not a scenario line: {words}")

    def _place(self, investor: str, side: Side, order_id: str, quantity: int, terms: list[str]) -> Place:
        fields: dict[str, object] = {
            "symbol": SYMBOL,
            "type": OrderType.MARKET,
            "time_in_force": TimeInForce.GTC,
        }
        words = iter(terms)
        for word in words:
            if word == "@":
                fields |= {"type": OrderType.LIMIT, "price_units": units(next(words))}
            elif word == "at":
                fields["price_units"] = units(next(words))
            elif word == "on":
                fields["symbol"] = next(words)
            elif word == "stop":
                fields |= {"type": OrderType.STOP, "stop_price_units": units(next(words))}
            elif word == "display":
                fields["display_quantity"] = int(next(words))
            elif word == "post_only":
                fields["post_only"] = True
            elif word in list(OrderType):
                fields["type"] = OrderType(word)
            elif word in list(SelfTrade):
                fields["self_trade"] = SelfTrade(word)
            elif word.startswith("+"):
                fields["expires_at_ms"] = self.time_ms + _hours_ms(word)
            else:
                fields["time_in_force"] = TimeInForce(word)
        return Place(investor_id=investor, side=side, order_id=order_id, quantity=quantity, **fields)

    def _book(self, side: str) -> str:
        (snapshot,) = [book for book in self.shard.book_snapshots() if book.symbol == SYMBOL]
        levels = snapshot.bids if side == "bids" else snapshot.asks
        return ", ".join(f"{level.quantity} @ {decimal(level.price_units)}" for level in levels) or "none"


def units(price: str) -> int:
    """Read a price as ten-thousandths."""
    return int(Decimal(price) * 10_000)


def decimal(price_units: int) -> str:
    """Write ten-thousandths as a price of two decimals."""
    return f"{Decimal(price_units) / 10_000:.2f}"


def _listing(symbol: str, reference: str, band: float | None = None) -> ListAsset:
    return ListAsset(
        symbol=symbol,
        name=symbol,
        tick_size_units=100,
        lot_size=1,
        reference_price_units=units(reference),
        price_band=band,
    )


def _hours_ms(ahead: str) -> int:
    return int(ahead.removesuffix("h")) * HOUR_MS


def _outcomes(events: list[Event]) -> list[str]:
    outcomes = []
    for event in events:
        match event:
            case Trade():
                maker = event.sell_order_id if event.taker_side is Side.BUY else event.buy_order_id
                outcomes.append(f"{event.quantity} @ {decimal(event.price_units)} with {maker}")
            case Execution(execution_type=ExecutionType.NEW | ExecutionType.TRADE):
                pass
            case Execution():
                words = (event.order_id, event.execution_type, event.reason)
                outcomes.append(" ".join(word for word in words if word))
    return outcomes
