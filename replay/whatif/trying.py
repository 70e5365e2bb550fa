"""How does one process try the cases that it is handed? It opens rules and keys once, then reads and tries each alone.

Garbage is looked for between two cases only, and only among what the last one made: a life makes much of it, and all
that is kept besides would be looked through again and again.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from temporalio.client import Client
from temporalio.converter import DataConverter

import rulebook
from escalations.rulebook import Rulebook
from replay import histories, reading
from replay.histories import Recorded
from replay.simulation.traces import Trace, Unreadable, Untouched
from replay.simulation.traces_reading import traced
from replay.whatif import cases, trial
from replay.whatif.cases import Case
from replay.whatif.trial import Bench, Tried
from rulebook import archive
from rulebook.calendars import Calendars
from starter import connect, rules, settings
from starter.errors import BAD_INPUT, UNKNOWN_CASE, Problem

YOUNG, OLD = 0, 2  # generations
WHOLE = 256  # after so many cases, what was kept is looked through too


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What every case is tried with: the candidate's folder, delays of people, where rulebooks and keys are kept.

    `kept` and `ring` are "" for the installation's own.
    """

    folder: str
    whole: bool
    delays: tuple[float, ...]
    kept: str = ""
    ring: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A case that was not tried, and why."""

    case_id: str
    why: str


Answer = Tried | Unread | None


def candidate(brief: Brief) -> Rulebook:
    """Load the candidate."""
    place = Path(brief.folder)
    return rulebook.load(place) if brief.whole else rulebook.load(company=place)


@contextmanager
def trying(brief: Brief) -> Iterator[Callable[[Case], Answer]]:
    """Open what is needed, and give the function that tries one case; None says that it is no case."""
    with asyncio.Runner() as runner, tidied() as tidy:
        shelf = Shelf(brief)
        book = candidate(brief)

        def answer(case: Case) -> Answer:
            found = runner.run(_tried(case, shelf, book, brief.delays))
            tidy()
            return found

        yield answer


@contextmanager
def tidied() -> Iterator[Callable[[], object]]:
    """Keep the garbage collector from working in the middle of a case; what is given is to be called after each."""
    was = gc.isenabled()
    gc.disable()
    number = count(1)
    try:
        yield lambda: gc.collect(YOUNG if next(number) % WHOLE else OLD)
    finally:
        if was:
            gc.enable()


class Shelf:
    """What a process keeps between cases: rulebooks, keys, and a client once the server is asked."""

    def __init__(self, brief: Brief) -> None:
        self._told = settings.load()
        self._space = connect.namespace()
        self._converter: DataConverter = reading.keys(self._told, Path(brief.ring) if brief.ring else None)(self._space)
        kept = Path(brief.kept) if brief.kept else self._told.home / rules.KEPT
        books = archive.Rulebooks(rules.today(self._told), kept)
        self.bench: Bench = trial.bench(self._converter.payload_converter, books.of, reading.workflows(), Calendars())
        self._client: Client | None = None

    async def trace(self, case: Case) -> Trace | None:
        """Read the trace of a case, None if it is of another kind. Raises Problem, Untouched."""
        runs = cases.read(case) if case.files else await self._fetched(case.id)
        if not runs or runs[0].workflow_type != cases.TYPE:
            return None
        try:
            return await traced(runs, self._converter, self._space)
        except Untouched:
            raise
        except Unreadable as wrong:
            raise _unreadable(runs[0], wrong) from None

    async def _fetched(self, case_id: str) -> list[Recorded]:
        self._client = self._client or await connect.connect(self._told)
        with connect.answering(self._client):
            try:
                return await histories.chain(self._client, case_id)
            except Problem as problem:
                if problem.exit_code != UNKNOWN_CASE:
                    raise
                return []  # deleted since it was listed


async def _tried(case: Case, shelf: Shelf, book: Rulebook, delays: tuple[float, ...]) -> Answer:
    try:
        trace = await shelf.trace(case)
        return trial.tried(trace, shelf.bench, book, delays) if trace is not None else None
    except Untouched as fresh:
        return Unread(case_id=case.id, why=str(fresh))
    except Problem:
        raise
    except Exception as bug:  # one case must not cost the others; it is listed with those that are left out
        return Unread(case_id=case.id, why=f"trying it raised {type(bug).__name__}")


def _unreadable(run: Recorded, wrong: Unreadable) -> Problem:
    return Problem(
        "unreadable",
        f"{run.origin}: {wrong}.",
        next_step="Name the ring that it was recorded with: --keyring FILE.",
        exit_code=BAD_INPUT,
    )
