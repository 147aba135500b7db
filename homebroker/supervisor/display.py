"""What `up` shows: a line for each part as it becomes ready, a line for each trouble."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from homebroker.supervisor.plan import PART_NAMES

_NAME_WIDTH = max(map(len, PART_NAMES))


class Display:
    """Lines of progress; in a terminal also a spinner that tells what is waited for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def waiting(self, name: str, detail: str) -> None:
        """Show what is being waited for; nothing where the output is no terminal."""
        if not self._console.is_terminal:
            return
        text = f"{name:<{_NAME_WIDTH}}  [dim]{escape(detail)}[/dim]"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def ready(self, name: str, when: str, detail: str) -> None:
        """Say that a part serves."""
        self._line(
            f"[green]✓[/green] [bold]{name:<{_NAME_WIDTH}}[/bold]  {when:<16}  [dim]{escape(detail)}[/dim]"
        )

    def trouble(self, name: str, what: str, last_line: str) -> None:
        """Say that a part ended, and the last line of its log."""
        self._line(f"[red]✗[/red] [bold]{name:<{_NAME_WIDTH}}[/bold]  {escape(what)}")
        if last_line:
            self._line(f"  {'':<{_NAME_WIDTH}}  [dim]its last words: {escape(last_line)}[/dim]")

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._line(escape(text))

    def done_waiting(self) -> None:
        """Take the spinner away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _line(self, markup: str) -> None:
        self._console.print(markup)
