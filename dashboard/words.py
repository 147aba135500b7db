"""What the market and its parts say to programs, as a person at the page reads it."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from dashboard import formats
from homebroker.client import ClientError, UnreachableError

# What the API says to programs, where a person at the page needs something else.
_SENTENCES: Final = {
    "trading_disabled": "Trading is switched off for your account; ask an admin. You can still cancel.",
    "unknown_investor": "Your account is not open yet; open it first.",
    "forbidden_origin": "The API does not know this page's address; open the page as http://localhost.",
}
_AMOUNT: Final = re.compile(r"(?<![\w.])\d+\.\d{1,4}(?![\w.]*\d)")
# Not an order's id, which may be all digits.
_WHOLE: Final = re.compile(r"(?<!order )(?<![\w.,:$-])\d{4,}(?![\w-]|[.,]\d)")
_ENGLISH: Final = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d+\.\d{1,4})(?![\w.]*\d)")
_SWAP: Final = str.maketrans(",.", ".,")
# Accounts are kept to the hundredth of a centavo, which nobody pays: what is needed is told upwards, what is
# free downwards.
_CASH: Final = re.compile(r"(\d+\.\d{3,4})( in cash| with its fee| is free)\b")
_TIMES: Final = {
    "day, gtc or gtd": "good for the day, until canceled or until a date",
    "at_open or at_close": "for the opening or the close",
    "at_open orders": "orders for the opening",
}
_FIELD: Final = re.compile(r" \(\w+_\w+\)")


def refusal(reason: str, message: str) -> str:
    """Put a refusal in a trader's words: amounts in reais, shares in full, no names of fields."""
    text = _FIELD.sub("", message)
    for times, what in _TIMES.items():
        text = text.replace(times, what)
    cash = _CASH.sub(_in_whole_centavos, text)
    return _SENTENCES.get(reason) or counts(_AMOUNT.sub(_in_reais, cash))


def trouble(error: ClientError) -> str:
    """Say why no answer came, without the address at which only programs look for one."""
    return "The market does not answer now." if isinstance(error, UnreachableError) else error.message


def told(message: str) -> str:
    """Write the numbers in what a part says of itself as everywhere else on the page."""
    return _ENGLISH.sub(lambda found: found[0].translate(_SWAP), message)


def counts(text: str) -> str:
    """Put dots between the thousands of the whole numbers in a text."""
    return _WHOLE.sub(lambda found: formats.number(int(found[0])), text)


def _in_whole_centavos(amount: re.Match[str]) -> str:
    rounding = ROUND_FLOOR if amount[2] == " is free" else ROUND_CEILING
    return f"{Decimal(amount[1]).quantize(Decimal('0.01'), rounding)}{amount[2]}"


def _in_reais(amount: re.Match[str]) -> str:
    value = float(amount[0])
    # A space at which no line breaks.
    return f"R$\u00a0{formats.number(value, max(2, len(amount[0].rpartition('.')[2])))}"
