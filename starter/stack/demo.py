"""How does a newcomer see it work? Real reports are taken in and run to closed, people's decisions included."""

import asyncio
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import rulebook
import standins
from escalations.record import Card
from starter import connect, settings
from starter.errors import CHECK_FAILED, Problem
from starter.stack import up
from starter.stack.bill import Bill
from starter.stack.cast import Cast
from starter.stack.parts import Stack
from starter.stack.ports import free
from starter.stack.stage import Screen
from starter.stack.supervise import Supervisor
from store.engine import open_engine

OVERLAY = "demo"
NOTICES = Path(standins.__file__).parent / "demo_notices"
WITHIN = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one case of the demo went. `stages` are the seconds after its opening at which each was entered."""

    card: Card
    stages: tuple[tuple[str, float], ...]
    bill: Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole demo."""

    cases: tuple[Ran, ...]
    quarantined: tuple[tuple[str, str], ...]
    duplicates: int
    restored: tuple[str, ...]
    told: tuple[tuple[str, int], ...]
    seconds: float


async def run(home: Path, screen: Screen, *, given: Path | None = None, catalogue: Path | None = None) -> Summary:
    """Start a stack of its own in `home`/demo, take in `given` (or the shipped notices), and see every case closed."""
    stack = Stack(home=(home / "demo").absolute(), ports=free(), overlay=OVERLAY)
    _clear(stack.home)
    supervisor = Supervisor(stack.home, screen.part)
    try:
        up.prepare(stack)
        if catalogue:
            screen.part("marketplace", standins_loaded(stack.home, catalogue))
        await up.start(supervisor, stack, asyncio.Event())
        return await _played(stack, screen, given)
    finally:
        await supervisor.stop()


def standins_loaded(home: Path, file: Path) -> str:
    """Put listings of a file into the stand-in marketplace before it starts; say how many."""
    from standins.loading import load

    loaded = load(home / "standins", file)
    return f"{loaded.listings} listings loaded, {loaded.refused} rows refused"


async def _played(stack: Stack, screen: Screen, given: Path | None) -> Summary:
    told = settings.load(**_environment(stack))
    began = datetime.now(UTC)
    engine = open_engine(told.database_url)
    try:
        client = await connect.connect(told)
        book = rulebook.load(overlay=OVERLAY)
        cast = Cast(
            client=client,
            engine=engine,
            roster=book.roster,
            home=stack.home,
            told=screen.line,
            wronged=_wronged(stack) if given is None else None,
        )
        case_ids, quarantined, duplicates = await _taken_in(engine, client, screen, given)
        stop = asyncio.Event()
        playing = asyncio.create_task(cast.play(stop))
        try:
            await _until_closed(engine, screen, case_ids, playing)
        finally:
            stop.set()
            await playing
        ran = [await _ran(engine, client, case_id) for case_id in case_ids]
        seconds = (datetime.now(UTC) - began).total_seconds()
        summary = Summary(
            cases=tuple(ran),
            quarantined=quarantined,
            duplicates=duplicates,
            restored=tuple(cast.restored),
            told=_told(stack.home),
            seconds=seconds,
        )
        await _checked(stack, summary)
        return summary
    finally:
        await engine.dispose()


def _environment(stack: Stack) -> dict[str, object]:
    """Point this process at the demo's own stack."""
    import os

    os.environ.update(stack.env())
    return {"home": stack.home}


def _clear(home: Path) -> None:
    """Begin with an empty folder, unless another demo lives in it."""
    lock = home / "stack.pids"
    if lock.exists() and up.alive(lock):
        raise Problem(
            "demo_running",
            f"another demo is running in {home}.",
            next_step="Wait for it, or choose another folder with --home.",
            exit_code=CHECK_FAILED,
        )
    shutil.rmtree(home, ignore_errors=True)
