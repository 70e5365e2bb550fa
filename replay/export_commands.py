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
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime

from replay import export as exporting
from replay import histories, lookup, payload_types, reading
from replay.export import Camera, Exported, Folder
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
    with_states: Annotated[
        bool, typer.Option("--states", help="With the state after each task, for `replay check` to compare with.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the index of runs as JSON.")] = False,
) -> int:
    """Write histories as files in Temporal's JSON: all runs of a case and of what it started.

    What Temporal has deleted comes from the archive. Histories stay sealed with the key ring of this installation; with
    --redacted every personal text has a substitute of the same shape, and a throw-away ring that opens nothing else is
    written beside them. With --states the state that this code has after each task is written too, sealed alike: later
    code is then compared state by state.
    """
    if sum((bool(case), bool(query), only_open, everything)) != 1:
        raise Problem("bad_input", "Name one case, or give --query, --open or --all.", next_step="Try `seawall list`.")
    written = asyncio.run(
        _exported(case, _query(query, only_open=only_open), folder, redact=redact, filmed=with_states)
    )
    if left := [each for each in written if with_states and each.states is None]:
        typer.echo(f"seawall: no states of {len(left)} runs: this code does not live them as recorded", err=True)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in written]))
        return 0
    for each in written:
        stood = "" if each.states is None else f", {each.states} states"
        typer.echo(f"{each.workflow_id}  run {each.run_id[:8]}  {each.events} events{stood}  {folder / each.file}")
    ring = f" --keyring {folder / exporting.RING}" if redact else ""
    typer.echo(f"{len(written)} runs written. Check them with `seawall replay check {folder}{ring}`.")
    return 0


def _query(query: str, *, only_open: bool) -> str:
    return reading.OPEN if only_open else query


async def _exported(case: str, query: str, folder: Path, *, redact: bool, filmed: bool) -> list[Exported]:
    told = settings.load()
    client = await connect.connect(told)
    with connect.answering(client):
        cases = [case] if case else await histories.cases(client, query)
        async with Folder(folder).opened() as into:
            families = _families(told, client, cases)
            with reading.quiet() as runtime:
                if redact:
                    bench = _bench(told, client, into, runtime)
                    camera = _camera(bench.sealer, client, runtime) if filmed else None
                    await exporting.redacted(families, into, _Progress(), len(cases), bench=bench, camera=camera)
                else:
                    converter = reading.keys(told)(client.namespace)
                    camera = _camera(converter, client, runtime) if filmed else None
                    await exporting.as_stored(families, into, _Progress(), len(cases), camera=camera)
        return into.written


def _bench(told: Settings, client: Client, into: Folder, runtime: Runtime) -> Bench:
    return Bench(
        workflows=reading.workflows(),
        types=payload_types.defined(reading.workflows(), payload_types.our_hands()),
        converter=reading.keys(told)(client.namespace),
        ring=into.ring(),
        namespace=client.namespace,
        runtime=runtime,
    )


def _camera(converter: DataConverter, client: Client, runtime: Runtime) -> Camera:
    return Camera(workflows=reading.workflows(), converter=converter, namespace=client.namespace, runtime=runtime)


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
