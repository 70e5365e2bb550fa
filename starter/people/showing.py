"""How is an answer shown? Rich on a terminal, tab-separated lines when piped, one JSON value with --json."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from escalations.messages import Receipt
from starter.console import wording

STYLES = {"late": "bold red", "hot": "bold yellow", "warm": "yellow", "calm": ""}
PRIORITY = {0: "bold white on red", 1: "bold red", 2: "bold yellow"}
LEAST_PROSE = 24  # columns; sentences in less are a tower of single words
CONTROL = dict.fromkeys((*range(32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")


def safe(value: Any) -> str:
    """Make text from reports safe for a terminal: no escape sequences, no reordering, one line."""
    text = str(value).replace("\r", " ").replace("\n", " ").replace("\t", " ")
    return str(wording.plain(text.translate(CONTROL)))


def as_json(value: Any, kind: Any) -> None:
    """Print one JSON value of a known type; times are RFC 3339 in UTC."""
    from pydantic import TypeAdapter

    typer.echo(json.dumps(TypeAdapter(kind).dump_python(value, mode="json"), indent=2, ensure_ascii=False))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, empty: str, prose: Sequence[str] = ()
) -> None:
    """Show rows: a table for people, tab-separated lines with a header line for programs.

    Columns in `prose` are sentences and may wrap; every other cell is shown whole, since an id or a time that is cut
    cannot be used. Where a table would leave the sentences too little room, each row becomes a few lines.
    """
    console = Console()
    shown = [[cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row] for row in rows]
    if not console.is_terminal:
        for line in ([Text(name) for name in columns], *shown):
            typer.echo("\t".join(cell.plain for cell in line))
        return
    if not shown:
        console.print(empty, style="dim")
        return
    told = [name in prose for name in columns]
    if _fixed_width(columns, shown, told) + LEAST_PROSE * sum(told) > console.width:
        _stack(console, columns, shown, told)
        return
    drawn = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name, wraps in zip(columns, told, strict=True):
        drawn.add_column(name, no_wrap=not wraps, overflow="fold")
    for line in shown:
        drawn.add_row(*line)
    console.print(drawn)


def _fixed_width(columns: Sequence[str], shown: Sequence[Sequence[Text]], told: Sequence[bool]) -> int:
    widths = (max(len(name), *(line[at].cell_len for line in shown)) for at, name in enumerate(columns))
    return sum(width + 2 for width, wraps in zip(widths, told, strict=True) if not wraps)


def _stack(console: Console, columns: Sequence[str], shown: Sequence[Sequence[Text]], told: Sequence[bool]) -> None:
    """Write what is short of a row on one line, and below it each sentence with an indent."""
    console.print(*(name for name, wraps in zip(columns, told, strict=True) if not wraps), sep="  ", style="dim")
    for line in shown:
        if short := [cell for cell, wraps in zip(line, told, strict=True) if not wraps and cell.plain]:
            console.print(Text("  ").join(short))
        for cell, wraps in zip(line, told, strict=True):
            if wraps and cell.plain:
                console.print(Padding(cell, (0, 0, 0, 4)))


def lines(*parts: str | Text) -> None:
    """Show lines of text as they are."""
    console = Console()
    for part in parts:
        text = part if isinstance(part, Text) else Text(safe(part))
        if console.is_terminal:
            console.print(text, soft_wrap=True)
        else:
            typer.echo(text.plain)


def due(at: datetime | None, now: datetime) -> Text:
    """Show how long is left, in the colour of its urgency."""
    if at is None:
        return Text("–")
    left: timedelta = at - now
    return Text(wording.remaining(left), style=STYLES[wording.mood(left)])


def priority(number: int | None) -> Text:
    """Show a priority."""
    return Text(wording.band(number), style=PRIORITY.get(number, "") if number is not None else "dim")


def title(text: str) -> Text:
    """Show a heading."""
    return Text(safe(text), style="bold")


def receipt(answer: Receipt, *, json: bool) -> None:
    """Show the answer of a case."""
    if json:
        as_json(answer, Receipt)
    else:
        lines(f"{answer.code}: {answer.text}", f"receipt {answer.request_id}")
