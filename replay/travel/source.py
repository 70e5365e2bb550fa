"""Whose history is meant? A case of the server, or the one whose exported history lies in a file or folder."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import make_url

from replay import histories, reading
from replay.histories import Recorded
from replay.reading import Reading
from replay.travel.journey import Journey, travelled
from starter.errors import BAD_INPUT, Problem
from starter.settings import Settings
from store import refusals
from store.engine import open_engine
from store.errors import StoreMisconfigured, StoreUnavailable
from store.refusals import Refused

LONG = 5000


@asynccontextmanager
async def opened(told: Settings, what: str, *, case: str = "", ring: Path | None = None) -> AsyncIterator[Journey]:
    """Replay all runs of a case id, or of `case` (default: the only case) among the histories at a path.

    Raises Problem: those of `reading.opened` and of `travelled`, and `which_case`.
    """
    if path := _path(what):
        async with reading.opened(told, files=[path], ring=ring) as read:
            known = histories.indexed(path)
            runs = [replace(run, whole=known.get(run.run_id) == len(run.events)) async for run in _each(read)]
            named = _named(runs, case)
            yield await _travelled([run for run in runs if run.workflow_id == named], read)
    elif what.endswith(histories.SUFFIXES):
        raise Problem("no_file", f"{what} does not exist.", next_step="Name a case, or history files.")
    else:
        async with reading.opened(told, case=case or what, ring=ring) as read:
            refused = await _refused(told, case or what)
            way = await _travelled([run async for run in _each(read)], read, refused)
            yield replace(way, live=not way.films[-1].run.closed)


async def _refused(told: Settings, case_id: str) -> tuple[Refused, ...] | None:
    """Ask the casebook of this installation, if it has one, what the case refused."""
    database = make_url(told.database_url)
    if database.get_backend_name() == "sqlite" and not _path(database.database or ""):
        return None  # to ask a file that is not there would make it
    try:
        engine = open_engine(told.database_url)
        try:
            return await refusals.of_case(engine, case_id)
        finally:
            await engine.dispose()
    except (StoreUnavailable, StoreMisconfigured):
        return None


def _path(what: str) -> Path | None:
    return Path(what) if os.path.exists(what) else None


async def _travelled(runs: list[Recorded], read: Reading, refused: tuple[Refused, ...] | None = None) -> Journey:
    events = sum(len(run.events) for run in runs)
    if events > LONG and sys.stderr.isatty():
        print(f"replaying {events} events of {len(runs)} runs …", file=sys.stderr)  # noqa: T201 (progress)
    return await travelled(
        runs,
        workflows=reading.workflows(),
        converter=read.converter,
        namespace=read.namespace,
        runtime=read.runtime,
        refused=refused,
    )


def _named(runs: list[Recorded], case: str) -> str:
    """Choose the case: the named one, else the only one that is nobody's sweep or follow-up."""
    ids = sorted({run.workflow_id for run in runs})
    whole = [each for each in ids if "/" not in each]
    if case and case not in ids:
        raise _which(f"There is no history of {case} there", ids)
    if not case and len(ids) > 1 and len(whole) != 1:
        raise _which("Several cases are there", ids)
    return case or (ids[0] if len(ids) == 1 else whole[0])


def _which(what: str, ids: list[str]) -> Problem:
    named = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return Problem("which_case", f"{what}: {named}.", next_step="Name one with --case.", exit_code=BAD_INPUT)


async def _each(read: Reading) -> AsyncIterator[Recorded]:
    if isinstance(read.runs, AsyncIterator):
        async for run in read.runs:
            yield run
    else:
        for run in read.runs:
            yield run
