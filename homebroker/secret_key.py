"""The key that signs access tokens: the setting, or one that is made once and kept in the data directory."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from homebroker.errors import StartError
from homebroker.settings import SECRET_KEY_BYTES_MIN, Settings

_FILE = "secret_key"
_OTHERS_MAY = 0o077


def secret_key_of(settings: Settings) -> SecretStr:
    """Give the key, the same to every API process of a data directory.

    Raises
    ------
    StartError
        When its file cannot be used, or others may read it.
    """
    if settings.secret_key.get_secret_value():
        return settings.secret_key
    path = settings.data_dir / _FILE
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & _OTHERS_MAY:
            raise StartError(f"Others may read {path}, which signs tokens. Take that away: chmod 600 {path}")
        key = path.read_text("ascii", "replace").strip()
    except OSError as error:
        raise StartError(
            f"{path} cannot be used: {error.strerror}. Mend the rights of the directory, or set "
            "HOMEBROKER_SECRET_KEY."
        ) from error
    if len(key) < SECRET_KEY_BYTES_MIN:
        raise StartError(f"{path} holds no key. Delete it: a new one is made, and everybody signs in again.")
    return SecretStr(key)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{_FILE}.", dir=path.parent)  # nobody else may read it
    scratch = Path(name)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secrets.token_hex(32)}\n")
    # A link is made whole or not at all, and never over that of another process.
    with suppress(FileExistsError):
        path.hardlink_to(scratch)
    scratch.unlink()
