"""The market's refusals as a trader at the page reads them."""

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
_FIELD: Final = re.compile(r" \(\w+_\w+\)")


def refusal(reason: str, message: str) -> str:
    """Put a refusal in a trader's words: amounts in reais, no names of fields."""
    return _SENTENCES.get(reason) or _AMOUNT.sub(_in_reais, _FIELD.sub("", message))


def _in_reais(amount: re.Match[str]) -> str:
    value = float(amount[0])
    return f"R$ {formats.number(value, max(2, len(amount[0].rpartition('.')[2])))}"
