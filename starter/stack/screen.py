"""How does a long run show what it is doing? Rich on a terminal, plain lines when piped, one JSON value with --json."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from escalations.model import Stage
from escalations.record import Entry

STRIP = tuple(Stage)
STYLES = {
    "stage.entered": "bold cyan",
    "case.closed": "bold green",
    "gate.opened": "yellow",
    "vote.cast": "magenta",
    "gate.decided": "bold yellow",
    "listings.hidden": "bold red",
    "listings.restored": "bold green",
    "clock.started": "blue",
    "clock.met": "green",
    "clock.missed": "bold red",
    "hand.failed": "bold red",
}


class Screen:
    """Where a run is told. `quiet` tells nothing (the caller prints JSON at the end)."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self._began: datetime | None = None

    def part(self, name: str, text: str) -> None:
        """Tell what a part of the stack did."""
        if not self.quiet:
            self._print(Text.assemble((f"{name:>12}  ", "dim"), text))

    def line(self, case_id: str, text: str, style: str = "") -> None:
        """Tell something about a case."""
        if not self.quiet:
            self._print(Text.assemble((f"{case_id}  ", "bold"), (text, style)))

    def entry(self, case_id: str, entry: Entry) -> None:
        """Tell one fact of a case's casebook, with the seconds since the first fact."""
        self._began = self._began or entry.at
        seconds = (entry.at - self._began).total_seconds()
        actor = "" if entry.actor == "seawall" else f" [{entry.actor}]"
        self.line(case_id, f"{seconds:6.1f}s  {entry.kind:<20} {entry.text}{actor}", STYLES.get(entry.kind, ""))
        if entry.kind == "case.triaged":
            for reason in _derivation(entry, "reasons"):
                self.line(case_id, f"{'':>8} because {reason}", "dim")
        if entry.kind in ("clock.started", "clock.moved"):
            for step in _derivation(entry, "derivation"):
                self.line(case_id, f"{'':>8} {step}", "dim")

    def title(self, text: str) -> None:
        """Begin a section."""
        if not self.quiet:
            self.console.rule(text) if self.console.is_terminal else self.console.print(
                f"== {text}", highlight=False, soft_wrap=True
            )

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table; as tab-separated lines when piped."""
        if self.quiet:
            return
        if not self.console.is_terminal:
            for row in (columns, *rows):
                self.console.print("\t".join(row), highlight=False, soft_wrap=True, markup=False)
            return
        table = Table(*columns, box=None, header_style="bold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.console.print(table)

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)


def _derivation(entry: Entry, name: str) -> list[str]:
    return [step for key, value in entry.data if key == name and value for step in value.split("; ")]
