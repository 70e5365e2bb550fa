"""How is an answer shown? Rich on a terminal, tab-separated lines when piped, one JSON value with --json."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from escalations.messages import Receipt
from starter.console import wording

STYLES = {"late": "bold red", "hot": "bold yellow", "warm": "yellow", "calm": ""}
PRIORITY = {0: "bold white on red", 1: "bold red", 2: "bold yellow"}
CONTROL = dict.fromkeys((*range(32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")


def safe(value: Any) -> str:
    """Make text from reports safe for a terminal: no escape sequences, no reordering, one line."""
    text = str(value).replace("\r", " ").replace("\n", " ").replace("\t", " ")
    return str(wording.plain(text.translate(CONTROL)))


def as_json(value: Any, kind: Any) -> None:
    """Print one JSON value of a known type; times are RFC 3339 in UTC."""
    from pydantic import TypeAdapter

    typer.echo(json.dumps(TypeAdapter(kind).dump_python(value, mode="json"), indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, empty: str) -> None:
    """Show rows: a table for people, tab-separated lines with a header line for programs."""
    console = Console()
    shown = [[cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row] for row in rows]
    if not console.is_terminal:
        for line in ([Text(name) for name in columns], *shown):
            typer.echo("\t".join(cell.plain for cell in line))
        return
    if not shown:
        console.print(empty, style="dim")
        return
    drawn = Table(*columns, box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for line in shown:
        drawn.add_row(*line)
    console.print(drawn)


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
