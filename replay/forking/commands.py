"""How does an engineer let a case go on from its past? `seawall replay fork`, and `fast-forward` inside a fork."""

import asyncio
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replay import histories, lookup, reading
from replay.forking import cutting
from starter import connect, settings
from starter.errors import BAD_INPUT, NOT_PERMITTED, Problem
from starter.stack import address, process

if TYPE_CHECKING:
    from replay.forking.making import Fork, Source

_SPAN = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def build(app: typer.Typer) -> None:
    """Add the commands to `seawall replay`."""
    app.command("fork")(fork)
    app.command("fast-forward")(fast_forward)


def fork(
    case: Annotated[str, typer.Argument(help="The case id, or the workflow id of a sweep or follow-up.")],
    event: Annotated[int, typer.Option("--event", help="Go on from this event of the run.")],
    run: Annotated[
        str, typer.Option("--run", help="Which run, by the beginning or end of its id; else the newest.")
    ] = "",
    files: Annotated[
        list[Path] | None, typer.Option("--from", help="History files or folders, not the server.")
    ] = None,
    ring: Annotated[Path | None, typer.Option("--keyring", help="The key ring the files were recorded with.")] = None,
    as_it_was: Annotated[
        bool, typer.Option("--as-it-was", help="Keep all instants: what was due has passed. Else the event is now.")
    ] = False,
    once: Annotated[bool, typer.Option("--exit-after-ready", help="Stop as soon as the fork lives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object once the fork lives.")] = False,
) -> int:
    """Let a case go on from an event of its past, on a throw-away server of its own, until Ctrl-C.

    The event becomes the present: clocks and questions have as long left as they had. Recorded answers are given again
    where the same is asked; everything else that would act outside is a stub. The server it comes from is only read.
    The fork's folder, its keys included, is gone when it ends.
    """

    def told(name: str, text: str) -> None:
        typer.echo(f"{name}: {text}", err=True)

    from replay.forking import making  # what works in a fork is much to load for the other commands

    async def lived() -> None:
        source = await _source(case, files or [], ring)
        cut = cutting.cut(making.chosen(source.runs, case, run), event)
        async with making.forked(source, cut, told, as_it_was=as_it_was) as alive:
            _print(alive, as_json=as_json)
            if not once:
                await making.until_told()
        await asyncio.sleep(process.LEAVING)

    asyncio.run(lived())
    return 0


def fast_forward(
    case: Annotated[str, typer.Argument(help="The case id, in the fork whose folder SEAWALL_HOME names.")],
    span: Annotated[str, typer.Argument(help="How much time shall pass: 90s, 15m, 6h or 3d.")],
) -> int:
    """Let time pass for one workflow of a fork: its timers fire, deadlines come. Refused outside a fork."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise Problem("bad_span", "A span is written like 90s, 15m, 6h or 3d.", exit_code=BAD_INPUT)
    passed = asyncio.run(_passed(case, timedelta(**{_UNITS[found[2]]: int(found[1])})))
    typer.echo(f"{span} have passed for {case}" if passed else f"{case} ended before {span} had passed")
    return 0


async def _passed(case: str, span: timedelta) -> bool:
    from temporalio.service import RPCError
    from temporalio.testing import TimeSkipper

    told = settings.load()
    if not (told.home / address.FORK).is_file():
        raise Problem(
            "not_a_fork",
            f"{told.home} is not the folder of a fork; time is moved nowhere else.",
            next_step="Set SEAWALL_HOME to the folder that `seawall replay fork` printed.",
            exit_code=NOT_PERMITTED,
        )
    client = await connect.connect(told)
    with connect.answering(client):
        await histories.of_run(client, case)
        try:
            passed = await TimeSkipper(client).fast_forward(client.get_workflow_handle(case), span)
            await asyncio.sleep(process.LEAVING)
            return passed
        except RPCError as refused:
            raise Problem("cannot_pass", f"Time does not pass for {case} ({refused.status.name.lower()}).") from None


async def _source(case: str, files: Sequence[Path], ring: Path | None) -> "Source":
    """Read the recorded runs of the case; nothing is written where they come from."""
    from replay.forking.making import Source

    if case.endswith(histories.SUFFIXES):
        raise Problem(
            "not_a_case",
            f"{case} is named like a file of history; a fork is made of a case.",
            next_step="Name the case, and the file with --from.",
            exit_code=BAD_INPUT,
        )
    told = settings.load()
    keys = reading.keys(told, ring)
    if files:
        held = [histories.of_file(path) for path in histories.files(files)]
        scope = case.split("/", 1)[0]
        runs = [each for each in held if each.workflow_id.split("/", 1)[0] == scope]
        space = connect.namespace()
        return Source(runs=lookup.in_order(runs), converter=keys(space), namespace=space, told=told)
    client = await connect.connect(told)
    with connect.answering(client):
        runs = await lookup.of_case(told, client, case.split("/", 1)[0])
    return Source(runs=runs, converter=keys(client.namespace), namespace=client.namespace, told=told)


def _print(alive: "Fork", *, as_json: bool) -> None:
    if as_json:
        told = asdict(alive) | {"home": str(alive.home), "then": alive.then.isoformat()}
        typer.echo(json.dumps(told | {"moved": alive.moved.total_seconds(), "commands": _commands(alive)}))
        return
    asked = f" (asked for {alive.asked}; a task of the case ends there)" if alive.event != alive.asked else ""
    typer.echo(f"{alive.case_id} goes on from event {alive.event}{asked} of run {alive.run_id}")
    typer.echo(f"  {_when(alive)}")
    if alive.verdict != "same":
        typer.echo(f"  this code does not live its past as recorded: {alive.verdict}; see `seawall replay check`")
    if alive.unknown_rulebook:
        typer.echo(
            f"  rulebook {alive.unknown_rulebook} is not kept here, so policy has no answer to what is asked anew;"
        )
        typer.echo("  copy its folder from the house (<home>/rulebooks) into yours and fork again")
    for workflow_id in alive.brought:
        typer.echo(f"  with {workflow_id}, as it stood then")
    typer.echo(f"  temporal {alive.address}   ui {alive.ui}")
    typer.echo(f"  casebook with {alive.entries} entries, rulebooks and throw-away keys in {alive.home}")
    typer.echo("paste into another terminal; whatever else is set there, it reaches this fork only:")
    for line in _commands(alive):
        typer.echo(f"  {line}")
    typer.echo("Ctrl-C ends the fork and removes its folder.")


def _when(alive: "Fork") -> str:
    then = f"{alive.then:%Y-%m-%d %H:%M}Z"
    if not alive.moved:
        return f"written {then}, and every instant is as it was: what was due since then has passed"
    way, span = ("later", alive.moved) if alive.moved > timedelta() else ("earlier", -alive.moved)
    days, rest = span.days, span.seconds // 60
    words = f"{days} d {rest // 60} h {rest % 60} min"
    return f"written {then}, now the present: all instants are {words} {way}, so everything has as long left as it had"


def _commands(alive: "Fork") -> list[str]:
    """List what can be typed there, word for word. A sweep, or a case that wrote nothing yet, has no page to show."""
    people = [
        f"seawall show {alive.case_id}",
        f"seawall clocks {alive.case_id} --why",
        f"seawall timeline {alive.case_id}",
        *(f"seawall decide {alive.case_id} {answer}" for answer in alive.answers),
    ]
    return [
        f"export SEAWALL_HOME={shlex.quote(str(alive.home))}",
        *(people if alive.entries else ()),
        f"seawall replay fast-forward {alive.case_id} 6h",
        f"seawall replay timeline {alive.case_id}",
        f"seawall replay at {alive.case_id} --event {alive.event}",
    ]
