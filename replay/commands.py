"""What can an engineer ask of history? `seawall replay export`, `check` and `what-if`."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from replay import deploying, export_commands, reading, whatif_command
from replay.check import Checked, check
from replay.forking import commands as forking
from replay.travel import commands as travel
from starter import settings
from starter.errors import BAD_INPUT, CHECK_FAILED, Problem
from starter.settings import Settings

app = typer.Typer(name="replay", help="Export histories, and check today's code against them.", no_args_is_help=True)
export_commands.build(app)
travel.build(app)
whatif_command.build(app)
forking.build(app)


def build(parent: typer.Typer) -> None:
    """Add the engineers' commands to `seawall`."""
    deploying.build(parent, app)
    parent.add_typer(app, name="replay")


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
    checked = asyncio.run(_checked(told, files or [], reading.OPEN if only_open else "", ring))
    _print(checked, as_json=as_json)
    return 0 if all(each.passes for each in checked) else CHECK_FAILED


async def _checked(told: Settings, files: Sequence[Path], query: str, ring: Path | None) -> list[Checked]:
    async with reading.opened(told, files=files, query=query, ring=ring) as read:
        checking = check(
            read.runs,
            workflows=reading.workflows(),
            converter=read.converter,
            namespace=read.namespace,
            runtime=read.runtime,
        )
        return [each async for each in checking]


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
