"""Commands as the kernel takes them: rows of numbers, and their texts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import domain
from engine.domain import Command
from engine.escaping import escaped
from engine.kernel import layout
from engine.kernel.fingerprint import fingerprint_of
from engine.kernel.layout import ANY_ASSET, COMMAND, NONE, CommandKind
from engine.kernel.octets import SLACK, Octets
from engine.names import Names

MESSAGE_BYTES_MAX: Final = 1_000
"""What is kept of a malformed record's message; escaping makes up to six times as much of it."""
_TEXT_BYTES_MAX: Final = 6 * MESSAGE_BYTES_MAX + 4 * 2 * 4 * domain.ID_LENGTH_MAX

_KINDS: Final[dict[type[Command], CommandKind]] = {
    domain.Malformed: CommandKind.MALFORMED,
    domain.Place: CommandKind.PLACE,
    domain.Cancel: CommandKind.CANCEL,
    domain.CancelAll: CommandKind.CANCEL_ALL,
    domain.Amend: CommandKind.AMEND,
    domain.ListAsset: CommandKind.LIST_ASSET,
    domain.OpenAccount: CommandKind.OPEN_ACCOUNT,
    domain.Deposit: CommandKind.DEPOSIT,
    domain.Withdraw: CommandKind.WITHDRAW,
    domain.SetPhase: CommandKind.SET_PHASE,
    domain.SetLimits: CommandKind.SET_LIMITS,
    domain.KillSwitch: CommandKind.KILL_SWITCH,
}
_ANY_ASSET_COMMANDS: Final = (domain.CancelAll, domain.Deposit, domain.Withdraw, domain.KillSwitch)
_IDS: Final = ("order_id", "client_order_id", "investor_id", "symbol")


def _places(*enums: tuple[StrEnum, ...]) -> Mapping[StrEnum, int]:
    return {word: place for words in enums for place, word in enumerate(words)}


_PLACE_OF: Final = _places(
    layout.SIDES, layout.ORDER_TYPES, layout.TIMES_IN_FORCE, layout.SELF_TRADES, layout.PHASES
)


class CommandRows:
    """A batch of commands, as the kernel takes them.

    Parameters
    ----------
    investors, symbols : Names
        Where names have their row numbers. A command that opens an account or lists an asset gives its name
        one, also when the kernel will refuse it; all others only look names up.

    Attributes
    ----------
    rows : ndarray of COMMAND
        The first `count` are in use.
    text : ndarray of uint8
        The rows' texts; the first `text_length` bytes are in use, and there are `SLACK` more.
    """

    def __init__(self, investors: Names, symbols: Names) -> None:
        self.investors = investors
        self.symbols = symbols
        self.count = 0
        self.text_length = 0
        self.rows: npt.NDArray[Any] = np.zeros(0, COMMAND)
        self.text: Octets = np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return self.count

    @property
    def commands(self) -> npt.NDArray[Any]:
        """The batch's rows; a view, good until the batch grows."""
        return self.rows[: self.count]

    def clear(self) -> None:
        """Begin another batch in the same memory."""
        self.count = 0
        self.text_length = 0

    def reserve(self, rows: int, text_bytes: int) -> None:
        """Make room for more rows and bytes of text."""
        if self.count + rows > len(self.rows):
            self.rows = _grown(self.rows, self.count, self.count + rows)
        text_needed = self.text_length + text_bytes + SLACK
        if text_needed > len(self.text):
            self.text = _grown(self.text, self.text_length, text_needed)

    def add(self, command: Command, offset: int, time_ms: int) -> None:
        """Append a command.

        Parameters
        ----------
        command : Command
            Its ids and symbols as the wire lets them pass.
        offset : int
            The record's, in its partition.
        time_ms : int
            The record's timestamp.
        """
        self.reserve(1, _TEXT_BYTES_MAX)
        ids = [escaped(getattr(command, name, None) or "") for name in _IDS]
        order_id, _, investor_id, symbol = ids
        takes_any = isinstance(command, _ANY_ASSET_COMMANDS)
        account = _row(self.investors, investor_id, adds=isinstance(command, domain.OpenAccount))
        asset = _row(self.symbols, symbol, adds=isinstance(command, domain.ListAsset))
        texts = [*ids, escaped(_message(command))]
        numbers = _numbers(command)
        id_low, id_high = fingerprint_of(order_id) if order_id else (numbers.id_low, numbers.id_high)
        self.rows[self.count] = (
            *(offset, time_ms, id_low, numbers.price, numbers.stop_price, numbers.expires_at_ms, id_high),
            *(account, ANY_ASSET if takes_any and not symbol else asset),
            *(numbers.quantity, numbers.display_quantity, self.text_length, *map(len, texts)),
            *(_KINDS[type(command)], numbers.side, numbers.type, numbers.time_in_force),
            *(numbers.self_trade, numbers.flag),
        )
        self.count += 1
        self._put(b"".join(texts))

    def _put(self, texts: bytes) -> None:
        end = self.text_length + len(texts)
        self.text[self.text_length : end] = np.frombuffer(texts, np.uint8)
        self.text_length = end


def _grown(array: npt.NDArray[Any], used: int, needed: int) -> npt.NDArray[Any]:
    larger = np.zeros(max(needed, 2 * len(array)), array.dtype)
    larger[:used] = array[:used]
    return larger


def _row(names: Names, name: bytes, *, adds: bool) -> int:
    if not name:
        return NONE
    return names.add(name) if adds else names.find(name)


def _message(command: Command) -> str:
    match command:
        case domain.Malformed():
            # Half a character at the cut goes.
            return command.message.encode(errors="replace")[:MESSAGE_BYTES_MAX].decode(errors="ignore")
        case domain.ListAsset():
            return command.name
        case domain.Deposit() | domain.Withdraw():
            return command.transfer_id or ""
        case _:
            return ""


class _Numbers(NamedTuple):
    price: int = 0
    stop_price: int = 0
    expires_at_ms: int = 0
    quantity: int = 0
    display_quantity: int = 0
    side: int = 0
    type: int = 0
    time_in_force: int = 0
    self_trade: int = 0
    flag: bool = False
    id_low: int = 0
    id_high: int = 0


def _numbers(command: Command) -> _Numbers:
    numbers = _Numbers()
    match command:
        case domain.Place():
            numbers = _place_numbers(command)
        case domain.Amend():
            numbers = _Numbers(price=command.price_units or 0, quantity=command.quantity or 0)
        case domain.ListAsset():
            numbers = _listing_numbers(command)
        case domain.Deposit() | domain.Withdraw():
            numbers = _transfer_numbers(command)
        case domain.OpenAccount():
            numbers = _Numbers(flag=command.unlimited)
        case domain.KillSwitch():
            numbers = _Numbers(flag=command.on)
        case domain.SetLimits():
            numbers = _limits_numbers(command)
        case domain.SetPhase():
            numbers = _Numbers(side=_PLACE_OF[command.phase])
    return numbers


def _transfer_numbers(transfer: domain.Deposit | domain.Withdraw) -> _Numbers:
    numbers = _Numbers(price=transfer.cash_units or 0, quantity=transfer.quantity or 0)
    if transfer.transfer_id is None:
        return numbers
    # No id that comes in has such a byte: these are different from all orders' ids, and of one account.
    name = [b"", escaped(transfer.investor_id), escaped(transfer.transfer_id)]
    terms = [str(_KINDS[type(transfer)]), transfer.symbol or "", str(numbers.price), str(numbers.quantity)]
    id_low, id_high = fingerprint_of(b"\0".join(name))
    low, high = fingerprint_of(b"\0".join([*name, *(term.encode() for term in terms)]))
    return numbers._replace(id_low=id_low, id_high=id_high, stop_price=low, display_quantity=high, flag=True)


def _limits_numbers(limits: domain.SetLimits) -> _Numbers:
    return _Numbers(
        price=limits.order_value_max_units or 0,
        quantity=limits.open_orders_max or 0,
        display_quantity=limits.orders_per_second_max or 0,
    )


def _place_numbers(place: domain.Place) -> _Numbers:
    expires_at_ms = place.expires_at_ms
    return _Numbers(
        price=place.price_units or 0,
        stop_price=place.stop_price_units or 0,
        # 0 says that there is none; the first millisecond of 1970 is as long past as the one before it.
        expires_at_ms=0 if expires_at_ms is None else expires_at_ms or -1,
        quantity=place.quantity,
        display_quantity=place.display_quantity or 0,
        side=_PLACE_OF[place.side],
        type=_PLACE_OF[place.type],
        time_in_force=_PLACE_OF[place.time_in_force],
        self_trade=_PLACE_OF[place.self_trade],
        flag=place.post_only,
    )


def _listing_numbers(listing: domain.ListAsset) -> _Numbers:
    band = listing.price_band
    return _Numbers(
        price=listing.reference_price_units,
        stop_price=listing.tick_size_units,
        quantity=listing.lot_size,
        display_quantity=listing.maker_fee_ppm,
        expires_at_ms=listing.taker_fee_ppm,
        id_low=0 if band is None else int(np.float64(band).view(np.int64)),
    )
