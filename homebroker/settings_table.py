"""The settings as people meet them: read with an understandable complaint, and shown as a table."""

from __future__ import annotations

from pydantic import SecretStr, ValidationError
from rich.table import Table

from homebroker.errors import StartError
from homebroker.screen import console
from homebroker.settings import Settings

_PREFIX = "HOMEBROKER_"
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


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return _MASK if value.get_secret_value() else ""
    return str(value)
