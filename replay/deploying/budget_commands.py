"""Which open cases near what a run may hold? `seawall replay budget`."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from starter import budgets, connect, settings
from starter.budgets import BYTES_MAX, EVENTS_MAX, UPDATES_MAX, Budget
from starter.errors import CHECK_FAILED, unknown_case
from store.engine import open_engine

TIGHT = 0.5  # a case hands over long before half of a limit; one that did not is worth a look
WIDTH = 20


def budget(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="[CASE]...", help="Case ids; all open runs if none.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many of the fullest to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> int:
    """Show events, bytes and updates of open runs against Temporal's limits, the fullest first.

    Exit codes: 0, or 1 when a run has used more than half of a limit.
    """
    found = sorted(asyncio.run(_measured(cases or [])), key=lambda each: each.used, reverse=True)
    if as_json:
        typer.echo(json.dumps([{**asdict(each), "used": round(each.used, 4)} for each in found[:top]]))
    else:
        _print(found, top)
    return CHECK_FAILED if any(each.used > TIGHT for each in found) else 0


async def _measured(cases: Sequence[str]) -> list[Budget]:
    told = settings.load()
    client = await connect.connect(told)
    engine = open_engine(told.database_url)
    try:
        with connect.answering(client):
            if not cases:
                return [each async for each in budgets.of_open(client, engine)]
            named = [await budgets.of_case(client, engine, case_id) for case_id in cases]
    finally:
        await engine.dispose()
    if None in named:
        raise unknown_case()
    return [each for each in named if each is not None]


def _print(found: Sequence[Budget], top: int) -> None:
    typer.echo(f"limits of one run: {EVENTS_MAX:,} events, {BYTES_MAX:,} bytes, {UPDATES_MAX:,} updates")
    for each in found[:top]:
        bar = "#" * min(WIDTH, round(each.used * WIDTH))
        figures = f"{each.events:>7,} events {each.bytes:>11,} bytes {each.updates:>5,} updates"
        typer.echo(f"{each.workflow_id:<30} [{bar:<{WIDTH}}] {each.used:6.1%} {figures}")
    if len(found) > top:
        typer.echo(f"and {len(found) - top} more, less full")
