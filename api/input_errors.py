"""What is wrong with a request's fields, told so that a person can put it right.

Pydantic names its own types and patterns ("String should match pattern …"); people want to know what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.domain import SYMBOL_PATTERN

_LENGTH_MAX = 300


def sentence(error: Mapping[str, Any]) -> str:
    """Tell of an error as pydantic reports it: which field, and what it must be.

    Parameters
    ----------
    error : mapping
        One of a `RequestValidationError`'s errors.
    """
    name = field_name(error)
    told = _TELL.get(error["type"])
    if not name:
        return "Send one JSON object as the body, as in /docs."
    what = told(error.get("ctx", {})) if told else error["msg"]
    return f"{name}: {what}"[:_LENGTH_MAX] + "."


def field_name(error: Mapping[str, Any]) -> str:
    """Give the field's name, with that of what it is part of; nothing for the body itself."""
    places = [str(part) for part in error["loc"] if part not in {"body", "query", "path", "header"}]
    return ".".join(places)[:64]


def _match(context: Mapping[str, Any]) -> str:
    if context["pattern"] == SYMBOL_PATTERN:
        return "give capitals, digits, dots and hyphens, at most 16 of them, as in PETR4"
    if context["pattern"].startswith("^[^"):
        return "leave out control characters, such as line breaks"
    return "begin with a small letter and give small letters, digits and underscores, at most 32 of them"


_WHOLE = "give a whole number, without quotes or a decimal point"
_NUMBER = "give a number"
_TELL: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing; give it",
    "string_pattern_mismatch": _match,
    "string_type": lambda _: "give a text, in quotes",
    "string_too_short": lambda context: f"give at least {context['min_length']} characters",
    "string_too_long": lambda context: f"give at most {context['max_length']} characters",
    "int_type": lambda _: _WHOLE,
    "int_from_float": lambda _: _WHOLE,
    "int_parsing": lambda _: _WHOLE,
    "int_parsing_size": lambda _: "is too large; give a smaller number",
    "float_type": lambda _: _NUMBER,
    "float_parsing": lambda _: _NUMBER,
    "finite_number": lambda _: "give a number that is neither infinite nor NaN",
    "greater_than": lambda context: f"give more than {_digits(context['gt'])}",
    "greater_than_equal": lambda context: f"give at least {_digits(context['ge'])}",
    "less_than": lambda context: f"give less than {_digits(context['lt'])}",
    "less_than_equal": lambda context: f"give at most {_digits(context['le'])}",
    "bool_type": lambda _: "give true or false, without quotes",
    "enum": lambda context: f"give {context['expected']}",
    "literal_error": lambda context: f"give {context['expected']}",
}


def _digits(number: float) -> str:
    return f"{number:,.4f}".rstrip("0").rstrip(".")
