"""Which old branches may be deleted? `seawall replay patches`."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from replay import reading
from replay.deploying import patches
from replay.deploying.patches import Standing
from starter import settings
from starter.errors import BAD_INPUT, CHECK_FAILED, Problem

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"


def patches_(
    files: Annotated[list[Path] | None, typer.Argument(help="History files, or folders of them.")] = None,
    server: Annotated[bool, typer.Option("--server", help="The open and the retained runs of Temporal.")] = False,
    ring: Annotated[Path | None, typer.Option("--keyring", help="The key ring the files were recorded with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every patch as JSON.")] = False,
) -> int:
    """Say for each dated patch which runs took the old branch, and whether its code can be deprecated or deleted.

    Exit codes: 0, or 1 when histories have the marker of a patch that this code no longer knows.
    """
    if bool(files) == server:
        raise Problem(
            "bad_input",
            "Name history files, or give --server.",
            next_step="Try `seawall replay patches --server`.",
            exit_code=BAD_INPUT,
        )
    found = asyncio.run(_standings(files or [], ring))
    if as_json:
        typer.echo(json.dumps([_data(each) for each in found]))
    else:
        _print(found)
    return CHECK_FAILED if any(not each.places for each in found) else 0


async def _standings(files: Sequence[Path], ring: Path | None) -> list[Standing]:
    async with reading.opened(settings.load(), files=files, ring=ring) as read:
        return await patches.report(
            read.runs,
            patches.places(WORKFLOWS),
            workflows=reading.workflows(),
            converter=read.converter,
            namespace=read.namespace,
            runtime=read.runtime,
        )


def _data(standing: Standing) -> dict[str, Any]:
    return {
        "patch": standing.patch_id,
        "places": [place.place for place in standing.places],
        "old": standing.old,
        "old_open": standing.old_open,
        "new": len(standing.new),
        "marked": len(standing.marked),
        "advice": standing.advice,
    }


def _print(found: Sequence[Standing]) -> None:
    for each in found:
        where = ", ".join(place.place for place in each.places) or "not in this code"
        typer.echo(f"{each.patch_id}  ({where})")
        typer.echo(f"  {each.advice}")
        for workflow_id in each.old[:10]:
            typer.echo(f"  old branch: {workflow_id}")
    if not found:
        typer.echo("This code has no patches, and no history has a marker of one.")
