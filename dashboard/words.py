"""What the market and its parts say to programs, as a person at the page reads it."""

from __future__ import annotations

import re
from typing import Final

from dashboard import formats

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
_FIELD: Final = re.compile(r" \(\w+_\w+\)")


def refusal(reason: str, message: str) -> str:
    """Put a refusal in a trader's words: amounts in reais, shares in full, no names of fields."""
    return _SENTENCES.get(reason) or counts(_AMOUNT.sub(_in_reais, _FIELD.sub("", message)))


def told(message: str) -> str:
    """Write the numbers in what a part says of itself as everywhere else on the page."""
    return _ENGLISH.sub(lambda found: found[0].translate(_SWAP), message)


def counts(text: str) -> str:
    """Put dots between the thousands of the whole numbers in a text."""
    return _WHOLE.sub(lambda found: formats.number(int(found[0])), text)


def _in_reais(amount: re.Match[str]) -> str:
    value = float(amount[0])
    # A space at which no line breaks.
    return f"R$\u00a0{formats.number(value, max(2, len(amount[0].rpartition('.')[2])))}"
