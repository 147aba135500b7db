"""The reference exchange as one thing: commands in, events out, and its books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import domain
from engine.domain import BookChanged, Command, Event, Execution, ExecutionType, Place, Status
from engine.messages import Message
from tests.reference.limits import set_limits, turn_kill_switch
from tests.reference.listing import list_asset, open_account, set_phase, transfer
from tests.reference.order import Order, report
from tests.reference.orders import amend_order, cancel_all, cancel_order, expire_due, place_order
from tests.reference.refusal import Refusal
from tests.reference.state import State
from tests.reference.stops import elect


class ReferenceShard:
    """Stands where `engine.shard.Shard` may.

    Parameters
    ----------
    number : int
        The partition's number.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._state = State()

    @property
    def offset(self) -> int:
        """The last command's offset."""
        return self._state.offset

    @property
    def time_ms(self) -> int:
        """The market's time."""
        return self._state.time_ms

    def apply(self, command: Command, *, offset: int, time_ms: int) -> list[Event]:
        """Run the next command of the log and give what happened, in order."""
        state = self._state
        assert offset > state.offset, "commands come in the log's order"
        state.offset, state.time_ms = offset, max(state.time_ms, time_ms)
        state.events, state.trades, state.touched, state.set_by_command = [], 0, {}, {}
        expire_due(state)
        try:
            _APPLIERS[type(command)](state, command)
        except Refusal as refusal:
            state.events.append(_refused(state, command, refusal))
        for asset in state.assets.values():
            # Only the command's own asset can have stop orders that are due.
            elect(state, asset)
            if asset.changed:
                asset.changed_offset, asset.changed_time_ms = offset, state.time_ms
        return state.events + list(state.touched_accounts())

    def order(self, order_id: str) -> Order | None:
        """Give an open order, or None when there is none of that id."""
        return self._state.orders.get(order_id)

    def take_book_changes(self) -> list[BookChanged]:
        """Give the price levels changed since the last call, one record a symbol, oldest change first."""
        assets = sorted(self._state.assets.items())
        changes = [asset.take_changes() for _, asset in assets if asset.changed]
        return sorted(changes, key=lambda change: change.offset)

    def book_snapshots(self) -> list[BookChanged]:
        """Give every symbol's whole book; changes taken later follow these."""
        state = self._state
        return [asset.take_snapshot(state.offset, state.time_ms) for asset in state.assets.values()]


def _refuse_malformed(_state: State, command: domain.Malformed) -> None:
    raise Refusal(Message.MALFORMED, text=command.message)


_APPLIERS: dict[type[Command], Callable[[State, Any], None]] = {
    domain.Place: place_order,
    domain.Cancel: cancel_order,
    domain.CancelAll: cancel_all,
    domain.Amend: amend_order,
    domain.ListAsset: list_asset,
    domain.OpenAccount: open_account,
    domain.Deposit: transfer,
    domain.Withdraw: transfer,
    domain.SetLimits: set_limits,
    domain.KillSwitch: turn_kill_switch,
    domain.SetPhase: set_phase,
    domain.Malformed: _refuse_malformed,
}

# What the report of a refused new order repeats of it.
_REPEATED = (
    "client_order_id",
    "side",
    "type",
    "time_in_force",
    "price_units",
    "stop_price_units",
    "quantity",
    "display_quantity",
    "post_only",
    "self_trade",
    "expires_at_ms",
)


def _refused(state: State, command: Command, refusal: Refusal) -> Execution:
    if isinstance(command, domain.Amend):
        order = state.orders.get(command.order_id)
        if order is not None and order.investor_id == command.investor_id:
            return report(order, ExecutionType.REJECTED, reason=refusal.reason, message=refusal.text)
    repeated: dict[str, Any] = {}
    if isinstance(command, Place):
        repeated = {name: getattr(command, name) for name in _REPEATED}
    return Execution(
        execution_type=ExecutionType.REJECTED,
        status=Status.REJECTED,
        order_id=getattr(command, "order_id", ""),
        investor_id=getattr(command, "investor_id", ""),
        symbol=getattr(command, "symbol", None) or "",
        reason=refusal.reason,
        message=refusal.text,
        **repeated,
    )
