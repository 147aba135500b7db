"""A shard: the state of its symbols and accounts, as a pure function of the commands applied to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import msgspec

from engine import domain
from engine.books import Books
from engine.domain import AssetChanged, BookChanged, Event
from engine.escaping import escaped
from engine.events import EventRows, command_texts, domain_events
from engine.kernel import header as h
from engine.kernel import layout, stages
from engine.kernel.audit import audit
from engine.kernel.books import open_order_row
from engine.kernel.fingerprint import fingerprint_of
from engine.kernel.layout import NONE, Capacity, CommandKind, EventKind
from engine.kernel.memory import Array, Memory
from engine.kernel.run import run
from engine.names import Names, investor_names
from engine.state import ShardState, state_digest
from engine.wire.rows import CommandRows

_NAME_BYTES: int = 48


class Happened(NamedTuple):
    """What some commands caused: rows of events, and assets.

    `is_whole` tells that no more rows of the last command are to come. `assets` has, for each row of kind
    ASSET, in order, the row of its command and the asset as it was then.
    """

    rows: EventRows
    is_whole: bool
    assets: list[tuple[int, AssetChanged]]


Listener: TypeAlias = Callable[[Happened], None]


class OpenOrder(NamedTuple):
    """An open order, as it stands."""

    quantity: int
    filled_quantity: int
    price_units: int | None
    status: domain.Status


class Shard:
    """The books, assets and accounts of one partition of the log.

    Parameters
    ----------
    number : int
        The partition's number.
    capacity : Capacity, optional
        How large the market may become.
    """

    def __init__(self, number: int, capacity: Capacity | None = None) -> None:
        self.number = number
        capacity = capacity or Capacity()
        self._memory = Memory(capacity)
        bytes_max = min(_NAME_BYTES * capacity.accounts, (1 << 31) - 1)
        self.investors = investor_names(capacity.accounts, bytes_max)
        self.symbols = Names(capacity.assets, _NAME_BYTES * capacity.assets)
        self._titles: dict[int, str] = {}
        self._books = Books(self._memory, self.symbols)
        self._single = CommandRows(self.investors, self.symbols)

    @property
    def offset(self) -> int:
        """Offset of the last command applied, -1 before the first."""
        return int(self._memory.header[h.OFFSET])

    @property
    def time_ms(self) -> int:
        """The market's time: the newest timestamp so far."""
        return int(self._memory.header[h.TIME_MS])

    @property
    def open_orders(self) -> int:
        """How many orders rest or wait."""
        return int(self._memory.header[h.OPEN_ORDERS])

    def apply_all(self, batch: CommandRows, listener: Listener | None = None) -> None:
        """Run the next commands of the log.

        Parameters
        ----------
        batch : CommandRows
            Made with this shard's names; offsets higher than those of all commands before.
        listener : callable, optional
            Told what happened, some thousand events at a time; what it is given is good during the call.
        """
        memory = self._memory
        commands = batch.commands
        memory.take_batch(commands, batch.text)
        done, last = 0, len(commands)
        assert last == 0 or commands[0]["offset"] > self.offset, "commands come in the log's order"
        while done < last:
            done = run(memory.header, done, last)
            rows = self.event_rows(commands, batch.text)
            assets = self._note_assets(rows)
            if listener is not None:
                is_whole = memory.header.item(h.STAGE) == stages.BEGIN
                listener(Happened(rows, is_whole, assets))
            if 2 * memory.header.item(h.CHANGED_LEVELS) > len(memory.changed_levels):
                self._books.collect()
        memory.give_back()

    def apply(self, command: domain.Command, *, offset: int, time_ms: int) -> list[Event]:
        """Run the next command of the log and give what happened as values: for people and tests, not speed.

        Parameters
        ----------
        command : Command
            What the record at `offset` says.
        offset : int
            The record's offset, higher than that of every command before.
        time_ms : int
            The record's timestamp; the shard's time never goes back when this does.

        Returns
        -------
        list of Event
            What happened, in order: trades, reports and assets, then the accounts that changed. Every
            command has at least one event. Cost O(orders met).
        """
        self._single.clear()
        self._single.add(command, offset, time_ms)
        happened: list[Event] = []

        def listen(part: Happened) -> None:
            assets = iter(part.assets)
            told = domain_events(part.rows, lambda _row: next(assets)[1])
            happened.extend(event for _, event in told)

        self.apply_all(self._single, listen)
        return _joined(happened)

    def order(self, order_id: str) -> OpenOrder | None:
        """Give an open order, or None when there is none of that id."""
        number = open_order_row(self._memory.header, *fingerprint_of(escaped(order_id)))
        if number == NONE:
            return None
        row = self._memory.orders[number]
        return OpenOrder(
            int(row["quantity"]),
            int(row["filled"]),
            int(row["price"]) or None,
            layout.STATUSES[row["status"]],
        )

    def take_book_changes(self) -> list[BookChanged]:
        """Give the price levels changed since the last call, one record a symbol, oldest change first."""
        return self._books.take_changes()

    def book_snapshots(self) -> list[BookChanged]:
        """Give every symbol's whole book; changes taken later follow these."""
        return self._books.take_snapshots(self.offset, self.time_ms)

    def check(self) -> None:
        """Check that the arrays agree with each other; raises AssertionError. Cost O(everything), slowly."""
        audit(self._memory)

    def look(self) -> ShardState:
        """Give the whole state as it is, good until the next command."""
        names = {"investors": self.investors, "symbols": self.symbols}
        return ShardState.of(self.number, self._memory, names, self._titles)

    def state(self) -> ShardState:
        """Give a copy of the whole state. Cost O(bytes)."""
        return self.look().copied()

    def digest(self) -> str:
        """Give a hash of the state, which the same commands give wherever and however they ran."""
        return state_digest(self.look())

    @classmethod
    def restored(cls, state: ShardState, capacity: Capacity | None = None) -> Shard:
        """Make a shard that goes on where another one's state was copied."""
        shard = cls(state.shard, capacity)
        state.restore(shard._memory, {"investors": shard.investors, "symbols": shard.symbols})
        shard._titles = dict(state.titles)
        return shard

    def event_rows(self, commands: Array, text: Array) -> EventRows:
        """Give what the kernel wrote last of a batch, with all that it points to; good until the next."""
        memory = self._memory
        return EventRows(
            events=memory.events[: memory.header.item(h.EVENTS)],
            commands=commands,
            text=text,
            orders=memory.orders,
            text_chunks=memory.text_chunks,
            text_next=memory.text_next,
            positions=memory.positions,
            account_names=self.investors.entries,
            account_name_text=self.investors.text,
            asset_names=self.symbols.entries,
            asset_name_text=self.symbols.text,
        )

    def _note_assets(self, rows: EventRows) -> list[tuple[int, AssetChanged]]:
        places = (rows.events["kind"] == EventKind.ASSET).nonzero()[0]
        if not len(places):
            return []
        return [self._asset_changed(rows, row) for row in self._memory.asset_events[places]]

    def _asset_changed(self, rows: EventRows, row: Any) -> tuple[int, AssetChanged]:
        asset = int(row["asset"])
        command = rows.commands[row["command"]]
        if command["kind"] == CommandKind.LIST_ASSET:
            self._titles[asset] = command_texts(rows, command).message
        listed = self._memory.assets[asset]
        band_bits = row["band"]
        return int(row["command"]), AssetChanged(
            symbol=self.symbols.name(asset),
            name=self._titles[asset],
            tick_size_units=int(listed["tick"]),
            lot_size=int(listed["lot"]),
            reference_price_units=int(listed["reference_price"]),
            price_band=float(band_bits.view("f8")) if band_bits else None,
            maker_fee_ppm=int(row["maker_fee"]),
            taker_fee_ppm=int(row["taker_fee"]),
            phase=layout.PHASES[row["phase"]],
        )


def _joined(events: list[Event]) -> list[Event]:
    """Join an account's change that two calls of the kernel told of in parts."""
    return list(_join(events))


def _join(events: list[Event]) -> Iterator[Event]:
    held: domain.AccountChanged | None = None
    for event in events:
        if isinstance(event, domain.AccountChanged) and held and held.investor_id == event.investor_id:
            held = msgspec.structs.replace(event, positions=held.positions + event.positions)
            continue
        if held is not None:
            yield held
        held = event if isinstance(event, domain.AccountChanged) else None
        if held is None:
            yield event
    if held is not None:
        yield held
