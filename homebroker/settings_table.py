"""The settings as people meet them: read with an understandable complaint, and shown as a table."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import SecretStr, ValidationError
from rich.table import Table

from homebroker.errors import StartError
from homebroker.screen import console
from homebroker.settings import Settings

_PREFIX = "HOMEBROKER_"
_OF_TESTS = f"{_PREFIX}TEST_"
_MASK = "********"


def load_settings() -> Settings:
    """Read the settings from the environment and `.env`.

    Raises
    ------
    StartError
        When a value cannot be used; names each such variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        complaints = [
            f"{_PREFIX}{'_'.join(map(str, each['loc'])).upper()} cannot be used: "
            f"{each['msg'].removeprefix('Value error, ')}."
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise StartError(
            "\n".join([*complaints, "`homebroker settings` tells what each setting means."])
        ) from error


def unknown_variables(names: Iterable[str]) -> list[str]:
    """Say of each variable that looks like a setting but is none that it changes nothing.

    Parameters
    ----------
    names : iterable of str
        The environment's variables.
    """
    known = {name.upper() for name in Settings.model_fields}
    complaints = []
    for name in sorted(names):
        bare = name.removeprefix(_PREFIX)
        if bare != name and bare not in known and not name.startswith(_OF_TESTS):
            near = get_close_matches(bare, known, n=1)
            meant = f"; did you mean {_PREFIX}{near[0]}?" if near else "; `homebroker settings` names all."
            complaints.append(f"{name} is no setting and changes nothing{meant}")
    return complaints


def settings_rows(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Give each setting's variable, value, default and meaning; what is secret is masked."""
    return [
        (
            f"{_PREFIX}{name.upper()}",
            _shown(getattr(settings, name)),
            _shown(field.default),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def print_settings(settings: Settings) -> None:
    """Print every setting; values that differ from the default stand out."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("variable", no_wrap=True)
    for heading in ("value", "default", "meaning"):
        table.add_column(heading, overflow="fold")
    for variable, value, default, meaning in settings_rows(settings):
        table.add_row(variable, value, default, meaning, style="green" if value != default else None)
    console.print(table)
    for complaint in unknown_variables(os.environ):
        console.print(complaint, style="yellow", soft_wrap=True)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return _MASK if value.get_secret_value() else ""
    return str(value)
