"""What can an engineer ask of history? `seawall replay export` and `seawall replay check`."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig

from replay import export as exporting
from replay import histories
from replay.check import Checked, check
from replay.histories import Recorded
from starter import connect, sealing, settings
from starter.errors import BAD_INPUT, CHECK_FAILED, MISCONFIGURED, Problem
from starter.keyring import open_ring
from starter.settings import Settings

app = typer.Typer(name="replay", help="Export histories, and check today's code against them.", no_args_is_help=True)
OPEN = 'ExecutionStatus = "Running"'


def build(parent: typer.Typer) -> None:
    """Add the engineers' commands to `seawall`."""
    parent.add_typer(app, name="replay")


@app.command("export")
def export(
    case: Annotated[str, typer.Argument(help="The case id, such as ESC-1234-5678-9ABC.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every run that the server still has.")] = False,
    folder: Annotated[Path, typer.Option("-o", "--output", help="Where to write.")] = Path("histories"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the index of runs as JSON.")] = False,
) -> int:
    """Write histories as files in Temporal's JSON: all runs of a case and of what it started. They stay sealed."""
    if bool(case) == everything:
        raise Problem("bad_input", "Name one case, or give --all.", next_step="Try `seawall list`.")
    written = asyncio.run(_exported(case, folder))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in written]))
        return 0
    for each in written:
        typer.echo(f"{each.workflow_id}  run {each.run_id[:8]}  {each.events} events  {folder / each.file}")
    typer.echo(f"{len(written)} runs written. Check them with `seawall replay check {folder}`.")
    return 0


@app.command("check")
def check_histories(
    files: Annotated[list[Path] | None, typer.Argument(help="History files, or folders of them.")] = None,
    server: Annotated[bool, typer.Option("--server", help="The runs that Temporal has.")] = False,
    only_open: Annotated[bool, typer.Option("--open", help="With --server: only cases that still run.")] = False,
    ring: Annotated[Path | None, typer.Option("--keyring", help="The key ring the files were recorded with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every verdict as JSON.")] = False,
) -> int:
    """Live histories again with this code: exit 0 if every command, value, timer and answer is the same, else 1."""
    if bool(files) == server or (only_open and not server):
        raise Problem(
            "bad_input",
            "Name history files, or give --server (with --open for running cases only).",
            next_step="Try `seawall replay check --server --open`.",
            exit_code=BAD_INPUT,
        )
    told = settings.load()
    checked = asyncio.run(_checked(told, files or [], OPEN if only_open else "", ring))
    _print(checked, as_json=as_json)
    return 0 if all(each.passes for each in checked) else CHECK_FAILED


def ours() -> tuple[type, ...]:
    """List the workflow types of this project."""
    from workflows.escalation import Escalation
    from workflows.prevention import Prevention
    from workflows.sweep import Sweep

    return (Escalation, Sweep, Prevention)


async def _exported(case: str, folder: Path) -> list[exporting.Exported]:
    client = await connect.connect(settings.load())
    with connect.answering(client):
        if case:
            return await exporting.export_case(client, case, folder)
        return await exporting.export_all(client, folder)


async def _checked(told: Settings, files: Sequence[Path], query: str, ring: Path | None) -> list[Checked]:
    if files:
        runs: Iterable[Recorded] = [histories.of_file(path) for path in histories.files(files)]
        if not runs:
            raise Problem(
                "no_file", "The folder holds no history.", next_step="Write some with `seawall replay export`."
            )
        return await _verdicts(runs, told, connect.namespace(), ring)
    client: Client = await connect.connect(told)
    with connect.answering(client):
        return await _verdicts(histories.of_server(client, query), told, client.namespace, ring)


async def _verdicts(
    runs: Iterable[Recorded] | AsyncIterator[Recorded], told: Settings, namespace: str, ring: Path | None
) -> list[Checked]:
    path = ring or told.keyring_file
    if not path.is_file():
        raise Problem(
            "no_keyring",
            f"There is no key ring at {path}.",
            next_step="Name the ring that the histories were recorded with: --keyring FILE.",
            exit_code=MISCONFIGURED,
        )
    converter = sealing.data_converter(open_ring(path), namespace)
    with _quiet() as runtime:
        checking = check(runs, workflows=ours(), converter=converter, namespace=namespace, runtime=runtime)
        return [each async for each in checking]


@contextmanager
def _quiet() -> Iterator[Runtime]:
    """Keep the SDK from telling in its own words, values included, what the verdicts say."""
    log = logging.getLogger("temporalio")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield Runtime(telemetry=TelemetryConfig(logging=None))
    finally:
        log.setLevel(before)


def _print(checked: Sequence[Checked], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in checked]))
        return
    for each in checked:
        lines = [difference.line() for difference in each.differences] or ([each.detail] if each.detail else [])
        typer.echo(f"{each.verdict.value}  {each.workflow_id}  run {each.run_id[:8]}  {each.events} events")
        for line in lines:
            typer.echo(f"  {line}")
    failed = sum(not each.passes for each in checked)
    typer.echo(f"{len(checked)} histories, {failed} differ from this code.")
