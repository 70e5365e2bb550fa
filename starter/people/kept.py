"""What could not become a case, and who has dealt with it? `seawall quarantine list|show|resolve`.

What was sent is shown to a program byte for byte, and to a terminal without anything that could steer it.
"""

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from starter.errors import BAD_INPUT, Problem
from starter.people import here as this
from starter.people import showing
from starter.people.here import As, Here, Json

group = typer.Typer(help="What arrived and could not become a case.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=2**63 - 1, help="Its number in the list.")]
LONGEST = 500


@group.command("list")
def listed(
    resolved: Annotated[bool, typer.Option("--resolved", help="What was dealt with, and how, instead.")] = False,
    after: Annotated[int, typer.Option(min=0, help="Only what follows this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    json: Json = False,
) -> None:
    """List what waits for somebody to deal with it, oldest first; never its content."""
    this.run(lambda here: _listed(here, resolved=resolved, after=after, limit=limit, json=json))


async def _listed(here: Here, *, resolved: bool, after: int, limit: int, json: bool) -> None:
    from starter.console import wording
    from store import quarantine

    found = await quarantine.list(here.engine, resolved=resolved, after=after, limit=limit)
    if json:
        showing.as_json([_row(record) for record in found], list[dict[str, Any]])
        return
    rows = [
        (
            str(record.id),
            wording.second(record.received_at),
            str(record.times),
            record.source,
            record.code,
            str(len(record.raw)),
            record.resolution if resolved else record.detail,
        )
        for record in found
    ]
    columns = ("NO", "FIRST CAME", "TIMES", "SOURCE", "REASON", "BYTES", "DEALT WITH" if resolved else "WHERE")
    showing.table(columns, rows, empty="Nothing waits.", prose=columns[-1:])
    if len(found) == limit:
        typer.echo(f"more: --after {found[-1].id}", err=True)


def _row(record: Any) -> dict[str, Any]:
    named = ("id", "source", "code", "detail", "content_type", "received_at", "last_received_at", "times")
    ended = ("resolved_at", "resolution")
    row: dict[str, str | int | datetime | None] = {name: getattr(record, name) for name in (*named, *ended)}
    return {**row, "bytes": len(record.raw)}


@group.command("show")
def show(number: Number) -> None:
    """Write what was sent, byte for byte: `seawall quarantine show 7 > report.json`."""
    this.run(lambda here: _show(here, number))


async def _show(here: Here, number: int) -> None:
    from store import quarantine

    record = await quarantine.record(here.engine, number)
    if record is None:
        raise _unknown()
    if sys.stdout.isatty():
        showing.lines(*record.raw.decode("utf-8", errors="replace").splitlines())
        return
    sys.stdout.buffer.write(record.raw)
    sys.stdout.buffer.flush()


@group.command("resolve")
def resolve(
    number: Number,
    reason: Annotated[str, typer.Option(help="What was done about it; others will read it.", show_default=False)],
    as_: As = "",
    json: Json = False,
) -> None:
    """Say that a record was dealt with, and how. Should it come again, it shows up again."""

    async def work(here: Here) -> None:
        person = here.person(as_)
        told = await dealt_with(here.engine, number, person=person, reason=reason, now=here.now)
        if json:
            showing.as_json({"id": number, "resolution": told}, dict[str, Any])
        else:
            showing.lines(f"number {number} dealt with: {told}")

    this.run(work)


async def dealt_with(engine: Any, number: int, *, person: str, reason: str, now: datetime) -> str:
    """Record who dealt with a record and how, for every door; return the words. Raises Problem."""
    from store import quarantine

    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LONGEST or not reason.isprintable():
        raise Problem("reason_required", f"Say in 1 to {LONGEST} printable characters what was done about it.")
    told = f"{person}: {reason}"
    try:
        await quarantine.resolve(engine, number, at=now, resolution=told)
    except quarantine.UnknownRecord:
        raise _unknown() from None
    return told


def _unknown() -> Problem:
    return Problem(
        "unknown_record",
        "No such record waits in quarantine.",
        next_step="List them with `seawall quarantine list`.",
        exit_code=BAD_INPUT,
    )
