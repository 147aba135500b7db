"""Plays the golden scenarios: small tables of orders and what must come of them.

A scenario begins with a `#` line. Each line after it is a command, with what it must cause behind `->`:
trades of its order (`5 @ 10.00 with s1`), or of others that it set going (`b1 5 @ 10.00 with s1`), ends
(`b1 expired not_filled`), refusals (`b1 rejected bad_price`), cancels, replacements and triggered stops.
A line without `->` must cause nothing but the acceptance of its order. `×1000` runs a line that often.
`book bids …` states a side of the book, `account ana …` and `shares ana …` what an investor has; `paid b1 …`
the fee of that order's last trade, `said …` the last message to anybody, `terms b1 …` what that order's last
report says of the terms that few orders have. The investors that every market
begins with are unlimited, so that scenarios need no money unless they speak of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from engine.domain import (
    AccountChanged,
    Amend,
    BookChanged,
    Cancel,
    CancelAll,
    Command,
    Deposit,
    Event,
    Execution,
    ExecutionType,
    KillSwitch,
    ListAsset,
    OpenAccount,
    OrderType,
    Phase,
    Place,
    Position,
    SelfTrade,
    SetLimits,
    SetPhase,
    Side,
    TimeInForce,
    Trade,
    Withdraw,
)
from engine.units import ppm_from_basis_points
from engine.wire.commands import decode_command, encode_command

SYMBOL = "PETR4"
INVESTORS = ("ana", "bia", "cora")
HOUR_MS = 3_600_000
# 12:00 in Brazil, so that an hour or two later is the same day.
NOON_MS = 1_790_002_800_000 // (24 * HOUR_MS) * 24 * HOUR_MS + 15 * HOUR_MS

# What limits are called here, but for that of an order's value.
_COUNTS = {"open": "open_orders", "rate": "orders_per_second"}
# Prices that an order gives although its type takes none.
_PRICE_WORDS = {"at": "price_units", "stop_price": "stop_price_units"}


class Exchange(Protocol):
    """What the engine's shard and the reference have in common."""

    def apply(self, command: Command, *, offset: int, time_ms: int) -> list[Event]:
        """Run the next command of the log."""

    def order(self, order_id: str) -> object | None:
        """Give an open order, or None."""

    def take_book_changes(self) -> list[BookChanged]:
        """Give the price levels changed since the last call."""

    def book_snapshots(self) -> list[BookChanged]:
        """Give every symbol's whole book."""


@dataclass(frozen=True)
class Scenario:
    """A named table of lines."""

    name: str
    lines: tuple[str, ...]


def read_scenarios(path: Path) -> list[Scenario]:
    """Read all scenarios of a file."""
    blocks = path.read_text().strip().split("\n\n")
    return [Scenario(lines[0].removeprefix("# "), tuple(lines[1:])) for lines in map(str.splitlines, blocks)]


@dataclass
class _Purse:
    cash_units: int = 0
    held_cash_units: int = 0
    positions: dict[str, Position] = field(default_factory=dict)


class Stage:
    """A small market that scenario lines are played on.

    Parameters
    ----------
    make_exchange : callable
        Makes the exchange of a shard's number.
    """

    def __init__(self, make_exchange: Callable[[int], Exchange]) -> None:
        self.exchange = make_exchange(0)
        self.time_ms = NOON_MS
        self.offset = 0
        self.purses: dict[str, _Purse] = {}
        self.fees_units: dict[str, int] = {}
        self.reports: dict[str, Execution] = {}
        self.message: str | None = None
        self.run(_listing(SYMBOL, "10.00", ()))
        for investor in INVESTORS:
            self.run(OpenAccount(investor_id=investor, unlimited=True))

    def run(self, command: Command) -> list[Event]:
        """Apply a command the way the log would bring it."""
        through_the_wire = decode_command(encode_command(command))
        assert through_the_wire == command
        events = self.exchange.apply(through_the_wire, offset=self.offset, time_ms=self.time_ms)
        self.offset += 1
        for event in events:
            if isinstance(event, AccountChanged):
                purse = self.purses.setdefault(event.investor_id, _Purse())
                purse.cash_units, purse.held_cash_units = event.cash_units, event.held_cash_units
                purse.positions.update((position.symbol, position) for position in event.positions)
            if isinstance(event, Execution):
                self.reports[event.order_id] = event
                self.message = event.message or self.message
                if event.fee_units is not None:
                    self.fees_units[event.order_id] = event.fee_units
        return events

    def play(self, line: str) -> None:
        """Play one line and check what it causes."""
        action, _, expected = (part.strip() for part in line.partition("->"))
        match action.split():
            case ["book", side, *rest]:
                assert self._book(side) == " ".join(rest), line
            case ["account", investor, *rest]:
                assert self._account(investor) == " ".join(rest), line
            case ["shares", investor, *rest]:
                assert self._shares(investor) == " ".join(rest), line
            case ["paid", order_id, fee]:
                assert decimal(self.fees_units[order_id]) == fee, line
            case ["terms", order_id, *rest]:
                assert self._terms(order_id) == " ".join(rest), line
            case ["said", *rest]:
                assert self.message == " ".join(rest), line
            case ["time", ahead]:
                self.time_ms += _ahead_ms(ahead)
            case words:
                times = int(words.pop(0)[1:]) if words[0].startswith("×") else 1
                for _ in range(times):
                    command = self._command(words)
                    assert _outcomes(command, self.run(command)) == expected, line

    def _command(self, words: list[str]) -> Command:  # noqa: PLR0911 - a return a kind of line
        match words:
            case ["phase", phase]:
                return SetPhase(symbol=SYMBOL, phase=Phase(phase))
            case ["list", symbol, "reference", price, *terms]:
                return _listing(symbol, price, terms)
            case [investor, "open", *unlimited]:
                return OpenAccount(investor_id=investor, unlimited=bool(unlimited))
            case [investor, "deposit", *what]:
                return Deposit(investor_id=investor, **_amount(what))
            case [investor, "withdraw", *what]:
                return Withdraw(investor_id=investor, **_amount(what))
            case [investor, "kill_switch", turned]:
                return KillSwitch(investor_id=investor, on=turned == "on")
            case [investor, "limits", *limits]:
                return SetLimits(investor_id=investor, **_limits(limits))
            case [investor, "cancel", order_id]:
                return Cancel(order_id=order_id, investor_id=investor)
            case [investor, "cancel_all", *symbol]:
                return CancelAll(investor_id=investor, symbol=symbol[0] if symbol else None)
            case [investor, "amend", order_id, quantity, *price]:
                price_units = units(price[1]) if price else None
                return Amend(
                    order_id=order_id, investor_id=investor, quantity=int(quantity), price_units=price_units
                )
            case [investor, side, order_id, quantity, *terms]:
                return self._place(investor, Side(side), order_id, int(quantity), terms)
        raise AssertionError(f"not a scenario line: {words}")

    def _place(self, investor: str, side: Side, order_id: str, quantity: int, terms: list[str]) -> Place:
        fields: dict[str, Any] = {
            "symbol": SYMBOL,
            "type": OrderType.MARKET,
            "time_in_force": TimeInForce.GTC,
        }
        words = iter(terms)
        for word in words:
            if word == "@":
                fields["price_units"] = units(next(words))
                if fields["type"] is OrderType.MARKET:
                    fields["type"] = OrderType.LIMIT
            elif word in _PRICE_WORDS:
                fields[_PRICE_WORDS[word]] = units(next(words))
            elif word == "on":
                fields["symbol"] = next(words)
            elif word in {"stop", "stop_limit"}:
                fields |= {"type": OrderType(word), "stop_price_units": units(next(words))}
            elif word == "display":
                fields["display_quantity"] = int(next(words))
            elif word == "post_only":
                fields["post_only"] = True
            elif word in list(OrderType):
                fields["type"] = OrderType(word)
            elif word in list(SelfTrade):
                fields["self_trade"] = SelfTrade(word)
            elif word.startswith(("+", "-")):
                fields["expires_at_ms"] = self.time_ms + _ahead_ms(word)
            else:
                fields["time_in_force"] = TimeInForce(word)
        return Place(investor_id=investor, side=side, order_id=order_id, quantity=quantity, **fields)

    def _book(self, side: str) -> str:
        (snapshot,) = [book for book in self.exchange.book_snapshots() if book.symbol == SYMBOL]
        levels = snapshot.bids if side == "bids" else snapshot.asks
        return ", ".join(f"{level.quantity} @ {decimal(level.price_units)}" for level in levels) or "none"

    def _terms(self, order_id: str) -> str:
        told = self.reports[order_id]
        terms = (
            f"display {told.display_quantity}" if told.display_quantity is not None else "",
            "post_only" if told.post_only else "",
            "" if told.self_trade is SelfTrade.EXPIRE_TAKER else told.self_trade,
            "" if told.expires_at_ms is None else f"+{(told.expires_at_ms - self.time_ms) // HOUR_MS}h",
        )
        return " ".join(filter(None, terms)) or "plain"

    def _account(self, investor: str) -> str:
        purse = self.purses[investor]
        return f"cash {decimal(purse.cash_units)} held {decimal(purse.held_cash_units)}"

    def _shares(self, investor: str) -> str:
        positions = self.purses[investor].positions.values()
        return ", ".join(
            f"{position.symbol} {position.quantity} held {position.held_quantity} "
            f"cost {decimal(position.cost_units)} profit {decimal(position.realized_profit_units)}"
            for position in positions
        )


def units(price: str) -> int:
    """Read a price as ten-thousandths."""
    return int(Decimal(price) * 10_000)


def decimal(price_units: int) -> str:
    """Write ten-thousandths as a price of two decimals, or more where it has them."""
    amount = Decimal(price_units) / 10_000
    return f"{amount:.2f}" if price_units % 100 == 0 else f"{amount:f}"


def _listing(symbol: str, reference: str, terms: list[str] | tuple[str, ...]) -> ListAsset:
    given = dict(zip(terms[::2], terms[1::2], strict=True))
    return ListAsset(
        symbol=symbol,
        name=symbol,
        tick_size_units=units(given.get("tick", "0.01")),
        lot_size=int(given.get("lot", "1")),
        reference_price_units=units(reference),
        price_band=float(given["band"]) if "band" in given else None,
        maker_fee_ppm=ppm_from_basis_points(float(given.get("maker", "0"))),
        taker_fee_ppm=ppm_from_basis_points(float(given.get("taker", "0"))),
    )


def _amount(what: list[str]) -> dict[str, Any]:
    match what:
        case [*rest, "as", transfer_id]:
            return {**_amount(rest), "transfer_id": transfer_id}
        case [cash]:
            return {"cash_units": units(cash)}
        case [quantity, symbol]:
            return {"quantity": int(quantity), "symbol": symbol}
    raise AssertionError(f"neither cash nor shares: {what}")


def _limits(limits: list[str]) -> dict[str, Any]:
    given = dict(zip(limits[::2], limits[1::2], strict=True))
    value = given.get("value")
    counts = {f"{name}_max": int(given[word]) for word, name in _COUNTS.items() if word in given}
    return {"order_value_max_units": None if value is None else units(value), **counts}


def _ahead_ms(ahead: str) -> int:
    if ahead.endswith("ms"):
        return int(ahead.removesuffix("ms"))
    return int(ahead.removesuffix("h")) * HOUR_MS


def _outcomes(command: Command, events: list[Event]) -> str:
    own_id = getattr(command, "order_id", "")
    outcomes = []
    for event in events:
        match event:
            case Trade():
                outcomes.append(_trade(event, own_id))
            case Execution(execution_type=ExecutionType.NEW | ExecutionType.TRADE):
                pass
            case Execution():
                words = (event.order_id, event.execution_type, event.reason)
                outcomes.append(" ".join(word for word in words if word))
    return ", ".join(outcomes)


def _trade(trade: Trade, own_id: str) -> str:
    taker, maker = trade.buy_order_id, trade.sell_order_id
    if trade.taker_side is Side.SELL:
        taker, maker = maker, taker
    words = f"{trade.quantity} @ {decimal(trade.price_units)} with {maker}"
    return words if taker == own_id else f"{taker} {words}"
