"""The opening of a fresh market: what is listed, who may trade, and what they start with."""

from __future__ import annotations

from collections.abc import Set

from msgspec import Struct

from engine.domain import UNITS_PER_CURRENCY, Command, Deposit, ListAsset, OpenAccount
from engine.log import Connection, LogReader, LogWriter, NewRecord
from engine.topics import ORDERS
from engine.wire.commands import command_key, encode_command

TICK_UNITS = UNITS_PER_CURRENCY // 100
DEMO_CASH_UNITS = 100_000 * UNITS_PER_CURRENCY
# About what an investor pays in Brazil for a trade; whoever makes the price pays less.
_MAKER_FEE_PPM = 100
_TAKER_FEE_PPM = 300
DEMO_SHARES = (("PETR4", 300), ("VALE3", 100))
MARKET_MAKER_IDS = ("sim-maker-1", "sim-maker-2")
NOISE_TRADER_IDS = tuple(f"sim-noise-{number}" for number in range(1, 13))
MOMENTUM_TRADER_IDS = tuple(f"sim-trend-{number}" for number in range(1, 5))
SIMULATED_IDS = MARKET_MAKER_IDS + NOISE_TRADER_IDS + MOMENTUM_TRADER_IDS
# Deep enough pockets that chance never empties them.
_TRADER_CASH_UNITS = 10**9 * UNITS_PER_CURRENCY
_TRADER_SHARES = 1_000_000


class Company(Struct, frozen=True, kw_only=True):
    """A listed company and how its shares tend to trade.

    `daily_volatility` is the standard deviation of a session's return, `activity` the share of the orders
    relative to the others, `typical_quantity` the shares that a quote shows.
    """

    symbol: str
    name: str
    reference_price_centavos: int
    daily_volatility: float
    activity: float
    typical_quantity: int


COMPANIES = (
    Company(
        symbol="PETR4",
        name="Petrobras PN",
        reference_price_centavos=3850,
        daily_volatility=0.021,
        activity=1.5,
        typical_quantity=400,
    ),
    Company(
        symbol="VALE3",
        name="Vale ON",
        reference_price_centavos=6215,
        daily_volatility=0.018,
        activity=1.4,
        typical_quantity=300,
    ),
    Company(
        symbol="ITUB4",
        name="Itaú Unibanco PN",
        reference_price_centavos=3372,
        daily_volatility=0.014,
        activity=1.1,
        typical_quantity=400,
    ),
    Company(
        symbol="BBDC4",
        name="Bradesco PN",
        reference_price_centavos=1548,
        daily_volatility=0.018,
        activity=1.0,
        typical_quantity=700,
    ),
    Company(
        symbol="ABEV3",
        name="Ambev ON",
        reference_price_centavos=1296,
        daily_volatility=0.012,
        activity=0.8,
        typical_quantity=800,
    ),
    Company(
        symbol="B3SA3",
        name="B3 ON",
        reference_price_centavos=1187,
        daily_volatility=0.023,
        activity=0.9,
        typical_quantity=800,
    ),
    Company(
        symbol="WEGE3",
        name="WEG ON",
        reference_price_centavos=5240,
        daily_volatility=0.016,
        activity=0.8,
        typical_quantity=200,
    ),
    Company(
        symbol="MGLU3",
        name="Magazine Luiza ON",
        reference_price_centavos=934,
        daily_volatility=0.042,
        activity=0.9,
        typical_quantity=600,
    ),
)


def opening_commands(*, investor_id: str | None) -> list[Command]:
    """Give the commands that open a market: listings, accounts, and what the accounts start with.

    Parameters
    ----------
    investor_id : str or None
        Whose account a demo trades, if there is one; starts with R$ 100,000.00, 300 PETR4 and 100 VALE3.
    """
    commands: list[Command] = [
        ListAsset(
            symbol=company.symbol,
            name=company.name,
            tick_size_units=TICK_UNITS,
            lot_size=1,
            reference_price_units=company.reference_price_centavos * TICK_UNITS,
            maker_fee_ppm=_MAKER_FEE_PPM,
            taker_fee_ppm=_TAKER_FEE_PPM,
        )
        for company in COMPANIES
    ]
    commands += [OpenAccount(investor_id=maker_id, unlimited=True) for maker_id in MARKET_MAKER_IDS]
    shares = tuple((company.symbol, _TRADER_SHARES) for company in COMPANIES)
    for trader_id in NOISE_TRADER_IDS + MOMENTUM_TRADER_IDS:
        # They trade for as long as the market runs, and would run out of what they have in a day or two.
        commands += _account(trader_id, _TRADER_CASH_UNITS, shares, unlimited=True)
    if investor_id is not None:
        commands += _account(investor_id, DEMO_CASH_UNITS, DEMO_SHARES, unlimited=False)
    return commands


def missing_commands(listed: Set[str], *, investor_id: str | None) -> list[Command]:
    """Give what a market with history lacks of its opening.

    A market in which none of the companies is listed was never opened. Where some are, nobody's cash is
    given twice: the others are listed, and the simulated investors get shares of them.

    Parameters
    ----------
    listed : set of str
        The symbols listed so far.
    investor_id : str or None
        Whose account a demo trades.
    """
    opening = opening_commands(investor_id=investor_id)
    missing = {company.symbol for company in COMPANIES} - listed
    if len(missing) == len(COMPANIES):
        return opening
    return [
        command
        for command in opening
        if isinstance(command, (ListAsset, Deposit))
        and command.symbol in missing
        and getattr(command, "investor_id", "") != investor_id
    ]


async def open_market(connection: Connection, *, time_ms: int, investor_id: str | None) -> bool:
    """Open the market unless `orders` has records already.

    Returns
    -------
    bool
        Whether the market was opened now.
    """
    async with LogReader(connection) as reader:
        if await reader.end_offset(ORDERS, 0):
            return False
    async with LogWriter(connection) as writer:
        # One batch, so that a crash leaves all of the opening or none.
        await writer.append_all(
            ORDERS,
            [record_of(command, time_ms) for command in opening_commands(investor_id=investor_id)],
        )
    return True


def record_of(command: Command, time_ms: int | None = None) -> NewRecord:
    """Give a command as a record of `orders`; without a time it carries the present one."""
    return NewRecord(command_key(command), encode_command(command), time_ms)


def _account(
    investor_id: str, cash_units: int, shares: tuple[tuple[str, int], ...], *, unlimited: bool
) -> list[Command]:
    return [
        OpenAccount(investor_id=investor_id, unlimited=unlimited),
        Deposit(investor_id=investor_id, cash_units=cash_units),
        *(Deposit(investor_id=investor_id, symbol=symbol, quantity=quantity) for symbol, quantity in shares),
    ]
