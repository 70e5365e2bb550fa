"""What can be asked of the past at a terminal? `seawall replay at|timeline|diff|step`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from replay.travel import journey, printing, source, walk
from replay.travel import steps as stepping
from replay.travel.journey import Journey, Stop
from replay.travel.moment import Moment, moment
from replay.travel.steps import Compared, Timeline
from starter import settings
from starter.errors import BAD_INPUT, Problem
from starter.people import showing

T = TypeVar("T")
What = Annotated[str, typer.Argument(metavar="CASE|FILE|FOLDER", help="A case of the server, or exported histories.")]
Case = Annotated[str, typer.Option("--case", help="Which case of a folder, or its sweep: ESC-…/sweep/1.")]
Ring = Annotated[Path | None, typer.Option("--keyring", help="The key ring the files were recorded with.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def build(app: typer.Typer) -> None:
    """Add the commands of time travel to `seawall replay`."""
    for command in (at, timeline, diff, step):
        app.command(command.__name__)(command)


def at(
    what: What,
    event: Annotated[str, typer.Option("--event", help="The state at an event: 57, or 2/57 in the second run.")] = "",
    time: Annotated[str, typer.Option("--time", help="The state at a time: 2026-12-24T15:40:00+01:00.")] = "",
    case: Case = "",
    ring: Ring = None,
    as_json: Json = False,
) -> None:
    """Show a case as it stood at an event or a time: stage, clocks, gates, where the code stood and what was owed.

    Between two tasks the state is that after the last one that had begun. Without a place it is the last one: of a case
    that runs as it stands now.
    """
    if event and time:
        raise Problem("bad_input", "Give an event or a time, not both.", exit_code=BAD_INPUT)
    instant = _instant(time) if time else None
    shown = _asked(what, case, ring, lambda way: moment(way, _stop(way, event, instant)))
    if as_json:
        showing.as_json(shown, Moment)
    else:
        printing.moment(shown)


def timeline(what: What, case: Case = "", ring: Ring = None, as_json: Json = False) -> None:
    """List every task of a case: when, what woke it, what it did, what changed."""
    found = _asked(what, case, ring, stepping.timeline)
    if as_json:
        showing.as_json(found, Timeline)
    else:
        printing.timeline(found)


def diff(
    what: What,
    before: Annotated[str, typer.Argument(metavar="N", help="An event: 57, or 1/57 in the first run.")],
    after: Annotated[str, typer.Argument(metavar="M", help="A later event.")],
    case: Case = "",
    ring: Ring = None,
    as_json: Json = False,
) -> None:
    """Say in words what changed from one event to another."""
    found = _asked(
        what,
        case,
        ring,
        lambda way: stepping.compared(way, journey.at_event(way, before), journey.at_event(way, after)),
    )
    if as_json:
        showing.as_json(found, Compared)
    else:
        printing.compared(found)


def step(what: What, case: Case = "", ring: Ring = None) -> None:
    """Walk through the tasks of a case with keys: n and p (or arrows), g to an event, q to end."""
    walk.refuse_without_a_terminal()
    way = _asked(what, case, ring, lambda found: found)
    walk.walk(way)


def _asked(what: str, case: str, ring: Path | None, ask: Callable[[Journey], T]) -> T:
    async def asked() -> T:
        async with source.opened(settings.load(), what, case=case, ring=ring) as way:
            return ask(way)

    return asyncio.run(asked())


def _stop(way: Journey, event: str, instant: datetime | None) -> Stop:
    if instant is not None:
        return journey.at_time(way, instant)
    return journey.at_event(way, event) if event else journey.at_end(way, datetime.now(UTC))


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Problem(
            "bad_datetime",
            "A time is written with its zone, like 2026-12-24T15:40:00Z or 2026-12-24T15:40:00+01:00.",
            exit_code=BAD_INPUT,
        )
    return found
