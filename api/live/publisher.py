"""Tells the streams what a batch of records changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from api.feed import Feed
from api.live.candles import INTERVALS_MS, bucket_start
from api.live.paced import PacedChannels
from api.live.public_events import book_event_name, candle_event
from api.live.view import Changes, LiveView
from api.payloads import TradeRow, encode
from engine.topics import ACCOUNTS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import Transaction

PUBLIC_LETTERS = "tb"
PRIVATE_LETTERS = "ea"
_TOPICS = {"t": TRANSACTIONS, "b": BOOK, "e": EXECUTIONS, "a": ACCOUNTS}

_Change = TypeVar("_Change", bound=tuple[int, *tuple[object, ...]])


def trade_row(trade: Transaction) -> TradeRow:
    """Give a trade without who traded."""
    return TradeRow(
        transaction_id=trade.transaction_id,
        symbol=trade.symbol,
        price=trade.price,
        quantity=trade.quantity,
        taker_side=trade.taker_side,
        time_ms=trade.time_ms,
    )


class Publisher:
    """Turns changes of the view into events of the public and the private feed.

    Records come as they are, one event each; candles and tickers once a batch, as they are after it; what is
    paced, when it is due.
    """

    def __init__(self, view: LiveView, public: Feed, private: Feed) -> None:
        self._view = view
        self._public = public
        self._private = private
        self._published_from: Mapping[str, int] = {}
        self._open_candles = _open_candles(view)
        self._paced = PacedChannels(view, public)
        public.before_joining = self._paced.tell_now

    def start(self, positions: Mapping[str, int]) -> None:
        """Begin with the records at these positions of the topics; older ones are not told of."""
        self._published_from = dict(positions)
        self._public.start({letter: positions[_TOPICS[letter]] for letter in PUBLIC_LETTERS})
        self._private.start({letter: positions[_TOPICS[letter]] for letter in PRIVATE_LETTERS})

    def retell(self, changes: Changes) -> None:
        """Tell of records that are in the view already, for listeners who come back to a fresh server."""
        self._tell_records(changes)
        # So far, and not as far as the view is.
        self._public.settle({})
        self._private.settle({})

    def retold(self) -> None:
        """Say that all has been told up to where the view is: the last records may have been repeats."""
        self._settle()

    def publish(self, changes: Changes, *, states: bool) -> None:
        """Tell of a batch's changes; without `states` of its records only, as while catching up."""
        self._tell_records(changes)
        if states:
            self._paced.books(changes.books)
        self._publish_candles(changes, told=states)
        if states:
            self._publish_tickers(changes)
        self._settle()

    def _tell_records(self, changes: Changes) -> None:
        for offset, trade in self._news(TRANSACTIONS, changes.trades):
            self._public.add(
                f"trades:{trade.symbol}",
                "trade",
                encode(trade_row(trade)),
                source="t",
                offset=offset,
                time_ms=trade.time_ms,
            )
        for offset, book in self._news(BOOK, changes.books):
            channel = f"book:{book.symbol}"
            self._public.add(channel, book_event_name(book), encode(book), source="b", offset=offset)
        # A private channel is the investor's id and nothing else.
        for offset, head, report in self._news(EXECUTIONS, changes.executions):
            self._private.add(head.investor_id, "execution", report, source="e", offset=offset)
        for offset, investor_id, account in self._news(ACCOUNTS, changes.accounts):
            self._private.add(investor_id, "account", account, source="a", offset=offset)

    def due_in_s(self, now_s: float) -> float | None:
        """Give the seconds until something paced is to be told; None when nothing waits."""
        return self._paced.due_in_s(now_s)

    def publish_due(self, now_s: float) -> None:
        """Tell of what is paced and due; the time is any clock's that never goes back."""
        if self._paced.tell_due(now_s):
            self._settle()

    def _news(self, topic: str, changed: list[_Change]) -> list[_Change]:
        first = self._published_from[topic]
        if changed and changed[-1][0] < first:
            return []
        return [change for change in changed if change[0] >= first]

    def _settle(self) -> None:
        self._public.settle(self._position_in(PUBLIC_LETTERS), told=self._paced.untold_from)
        self._private.settle(self._position_in(PRIVATE_LETTERS))

    def _position_in(self, letters: str) -> dict[str, int]:
        positions = self._view.positions
        return {letter: positions.get(_TOPICS[letter], 0) for letter in letters}

    def _publish_candles(self, changes: Changes, *, told: bool) -> None:
        traded: dict[str, tuple[int, int, int]] = {}
        for offset, trade in changes.trades:
            first_ms, _, first_offset = traded.get(trade.symbol, (trade.time_ms, 0, offset))
            traded[trade.symbol] = first_ms, trade.time_ms, first_offset
        for symbol, (first_ms, last_ms, first_offset) in traded.items():
            for interval, interval_ms in INTERVALS_MS.items():
                since_ms = min(first_ms, self._open_candles.get((symbol, interval), first_ms))
                self._open_candles[symbol, interval] = bucket_start(last_ms, interval_ms)
                if told:
                    self._tell_candles(symbol, interval, since_ms)
                    self._paced.candles(symbol, interval, since_ms, first_offset=first_offset)
        now_ms = self._view.time_ms
        for (symbol, interval), start_ms in list(self._open_candles.items()):
            if now_ms >= start_ms + INTERVALS_MS[interval]:
                del self._open_candles[symbol, interval]
                # One with a trade in this batch was told of as closed just now.
                if told and symbol not in traded:
                    self._tell_candles(symbol, interval, start_ms)
                    self._paced.candles(symbol, interval, start_ms, first_offset=None)

    def _tell_candles(self, symbol: str, interval: str, since_ms: int) -> None:
        channel = f"candles:{interval}:{symbol}"
        if self._public.is_wanted(channel):
            series = self._view.candles[symbol][interval]
            for candle in series.since(since_ms, now_ms=self._view.time_ms):
                self._public.add_state(channel, "candle", encode(candle_event(symbol, interval, candle)))

    def _publish_tickers(self, changes: Changes) -> None:
        for symbol in changes.symbols:
            if symbol in self._view.assets:
                self._paced.ticker(symbol)
                if self._public.is_wanted(f"tickers:{symbol}"):
                    ticker = encode(self._view.ticker(symbol))
                    self._public.add_state(f"tickers:{symbol}", "ticker", ticker)


def _open_candles(view: LiveView) -> dict[tuple[str, str], int]:
    """Give the start of each candle that is not over: its end is to be told of."""
    newest = {
        (symbol, interval): candles[interval].newest(now_ms=view.time_ms)
        for symbol, candles in view.candles.items()
        for interval in INTERVALS_MS
    }
    return {at: candle.time_ms for at, candle in newest.items() if candle is not None and not candle.closed}
