"""How does an engineer take histories out? `seawall replay export`."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from temporalio.client import Client

from replay import export as exporting
from replay import histories, lookup, payload_types, reading
from replay.export import Exported, Folder
from replay.histories import Recorded
from replay.redaction import Bench
from starter import connect, settings
from starter.errors import Problem
from starter.settings import Settings

EVERY = 2.0  # seconds between two lines of progress


def build(app: typer.Typer) -> None:
    """Add the command to `seawall replay`."""
    app.command("export")(export)


def export(
    case: Annotated[str, typer.Argument(help="The case id, such as ESC-1234-5678-9ABC.")] = "",
    query: Annotated[str, typer.Option("--query", help="The cases that a query of Temporal finds a run of.")] = "",
    only_open: Annotated[bool, typer.Option("--open", help="The cases that have a run which is not closed.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every run that the server still has.")] = False,
    folder: Annotated[Path, typer.Option("-o", "--output", help="Where to write: a new or empty folder.")] = Path(
        "histories"
    ),
    redact: Annotated[bool, typer.Option("--redacted", help="Replace personal data; it still replays.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the index of runs as JSON.")] = False,
) -> int:
    """Write histories as files in Temporal's JSON: all runs of a case and of what it started.

    What Temporal has deleted comes from the archive. Histories stay sealed with the key ring of this installation; with
    --redacted every personal text has a substitute of the same shape, and a throw-away ring that opens nothing else is
    written beside them.
    """
    if sum((bool(case), bool(query), only_open, everything)) != 1:
        raise Problem("bad_input", "Name one case, or give --query, --open or --all.", next_step="Try `seawall list`.")
    written = asyncio.run(_exported(case, _query(query, only_open=only_open), folder, redact=redact))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in written]))
        return 0
    for each in written:
        typer.echo(f"{each.workflow_id}  run {each.run_id[:8]}  {each.events} events  {folder / each.file}")
    ring = f" --keyring {folder / exporting.RING}" if redact else ""
    typer.echo(f"{len(written)} runs written. Check them with `seawall replay check {folder}{ring}`.")
    return 0


def _query(query: str, *, only_open: bool) -> str:
    return reading.OPEN if only_open else query


async def _exported(case: str, query: str, folder: Path, *, redact: bool) -> list[Exported]:
    told = settings.load()
    client = await connect.connect(told)
    with connect.answering(client):
        cases = [case] if case else await histories.cases(client, query)
        async with Folder(folder).opened() as into:
            families = _families(told, client, cases)
            if redact:
                await _redacted(told, client, families, into, len(cases))
            else:
                await exporting.as_stored(families, into, _Progress(), len(cases))
        return into.written


async def _redacted(
    told: Settings, client: Client, families: AsyncIterator[list[Recorded]], into: Folder, total: int
) -> None:
    with reading.quiet() as runtime:
        bench = Bench(
            workflows=reading.workflows(),
            types=payload_types.defined(reading.workflows(), payload_types.our_hands()),
            converter=reading.keys(told)(client.namespace),
            ring=into.ring(),
            namespace=client.namespace,
            runtime=runtime,
        )
        await exporting.redacted(families, into, _Progress(), total, bench=bench)


async def _families(told: Settings, client: Client, cases: list[str]) -> AsyncIterator[list[Recorded]]:
    for case_id in cases:
        yield await lookup.of_case(told, client, case_id)


class _Progress:
    """Tells on stderr how far a long export is, every other second."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            typer.echo(f"{done} of {total} cases", err=True)
