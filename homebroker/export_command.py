"""The command `homebroker export`: the history's trades as files, for whoever has a notebook."""

from __future__ import annotations

from pathlib import Path

from api.history import History, HistoryUnavailableError
from api.history.export import export
from homebroker.errors import StartError
from homebroker.screen import console
from homebroker.settings import Settings


def run_export(settings: Settings, directory: Path) -> None:
    """Write a Parquet file for each day and symbol that is not there yet.

    Raises
    ------
    StartError
        When the database or the directory cannot be used.
    """
    history = History(settings.resolved_database_url)
    written, rows, kept = 0, 0, 0
    try:
        for file in export(history, directory):
            if file.rows is None:
                kept += 1
                continue
            written += 1
            rows += file.rows
            console.print(f"{file.path}: {file.rows:,} trades", soft_wrap=True)
    except HistoryUnavailableError as error:
        raise StartError(
            f"The history cannot be read: {error}. Start the recorder, or mend HOMEBROKER_DATABASE_URL."
        ) from error
    except OSError as error:
        raise StartError(f"The files cannot be written: {error}. Name another directory.") from error
    finally:
        history.close()
    console.print(f"{written:,} files with {rows:,} trades written, {kept:,} were there already.")
