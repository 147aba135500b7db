"""The kernel with its accounts compiled out, in a process of its own: what matching alone takes.

The same sources, but what they do for accounts does nothing: nobody's cash and shares are checked, held,
settled, bounded or told, no account has limits, and none a list of its orders. All else is there: every order
type and time in force, self-trade prevention, bands and phases, ids, reports of orders, changed levels. It
shows what accounts cost, and is what a peer without any compares with; no exchange is run so.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

import numba
from numba.core.dispatcher import Dispatcher

from bench.kernel_book import Book, Done, Kernel, load
from engine.kernel import accounts, checks, commands, cover, fees, limits, run
from engine.kernel.compile import inlined
from engine.kernel.layout import NONE, UNLISTED

TITLE: Final = "kernel, matching alone (accounts compiled out)"

_ENDED_WITHIN_S: Final = 10


@inlined
def _nothing(*_: Any) -> None:
    return


@inlined
def _no(*_: Any) -> bool:
    return False


@inlined
def _yes(*_: Any) -> bool:
    return True


@inlined
def _no_message(*_: Any) -> int:
    return 0


@inlined
def _all(_market: Any, _order: int, quantity: int, _price: int) -> int:
    return quantity


@inlined
def _list(market: Any, order: int) -> None:
    market.orders[order].account_previous = NONE


@inlined
def _unlist(market: Any, order: int) -> None:
    market.orders[order].account_previous = UNLISTED


INSTEAD: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    accounts.touch: _nothing,
    accounts.touch_account: _nothing,
    accounts.hold: _nothing,
    accounts.list_order: _list,
    accounts.unlist_order: _unlist,
    accounts.is_beyond_bounds: _no,
    accounts.settle: _nothing,
    accounts.settle_alone: _nothing,
    fees.house_can_take: _yes,
    fees.pay_house: _nothing,
    checks.check_investor: _no_message,
    limits.check_may_trade: _no_message,
    limits.check_own_value: _no_message,
    limits.check_open_orders: _no_message,
    checks.check_held: _no_message,
    commands.check_cover: _no_message,
    cover.check_cash: _no_message,
    cover.check_shares: _no_message,
    cover.covered_quantity: _all,
}
"""What the kernel's functions for accounts are, and what stands in their place."""


class MatchingAlone:
    """A process that holds a stream and runs it through a new market whenever it is asked.

    Parameters
    ----------
    connection : Connection
        To the process; its first answer is what its market made of the stream.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.done: Done = connection.recv()

    def run_pass(self) -> float:
        """Run the whole stream once and give the seconds."""
        self._connection.send(None)
        return float(self._connection.recv())


@contextmanager
def matching_alone(commands_: int, symbols: int, resting: int) -> Iterator[MatchingAlone]:
    """Run the kernel without accounts on a stream for the length of a `with` block.

    Raises
    ------
    EOFError
        When its process ends; what it said is on standard error.
    """
    # Not a fork: what stands in the functions' places must be there before any of them is compiled.
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, commands_, symbols, resting), daemon=True)
    process.start()
    its.close()
    try:
        with ours:
            yield MatchingAlone(ours)
    finally:
        process.join(_ENDED_WITHIN_S)


def _serve(asked: Connection, commands_: int, symbols: int, resting: int) -> None:
    kernel = _without_accounts()
    given = load(commands_, symbols, resting)
    with asked:
        book = Book(symbols, kernel)
        asked.send(book.done(given))
        while True:
            try:
                asked.recv()
            except EOFError:
                return
            book.rewind()
            asked.send(book.timed(given, len(given.rows)))


def _without_accounts() -> Kernel:
    """Compile the kernel with nothing in the places of its functions for accounts; of no use but here."""
    for name, module in list(sys.modules.items()):
        if name.startswith("engine.kernel."):
            for word, value in list(vars(module).items()):
                if isinstance(value, Dispatcher) and value in INSTEAD:
                    setattr(module, word, INSTEAD[value])
    # Not kept with the compiled code of the sources, which a market would load.
    whole: Any = run.run
    return numba.njit(nogil=True, error_model="numpy")(whole.py_func)
