"""How does a newcomer see it work? Real reports are taken in and run to closed, people's decisions included."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import Client

import rulebook
import standins
from escalations.record import Card
from standins import demo_goods, journal
from standins.loading import load
from standins.serve import DEFAULT_TOKEN
from starter import logs, settings
from starter.errors import CHECK_FAILED, Problem
from starter.intake import desk as desks
from starter.intake import documents, wiring
from starter.intake.desk import Desk
from starter.intake.feed import Batch
from starter.intake.refusals import BadInput
from starter.stack import up
from starter.stack.bill import Bill, bill
from starter.stack.cast import Cast
from starter.stack.parts import Stack
from starter.stack.ports import free
from starter.stack.screen import Screen
from starter.stack.supervise import Supervisor
from store import queries

OVERLAY = FOLDER = "demo"
NOTICES = Path(standins.__file__).parent / "demo_notices"
IDLE = timedelta(minutes=5)  # a demo in which nothing happens for this long has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one case went. `stages` are the seconds after its opening at which each was entered."""

    card: Card
    stages: tuple[tuple[str, float], ...]
    bill: Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole demo. `told` counts what each outside system was told, `restored` names listings brought back."""

    cases: tuple[Ran, ...]
    quarantined: tuple[tuple[str, str], ...]
    duplicates: int
    restored: tuple[str, ...]
    told: tuple[tuple[str, int], ...]
    seconds: float


async def run(home: Path, screen: Screen, *, given: Path | None = None, catalogue: Path | None = None) -> Summary:
    """Start a stack of its own in `home`/demo, take in `given` (or the shipped notices), and see every case closed."""
    stack = Stack(home=(home / FOLDER).absolute(), ports=free(), overlay=OVERLAY)
    batches = _read(given)
    held = up.prepare(stack)
    _cleared(stack.home)
    if catalogue:
        loaded = load(stack.home / "standins", catalogue)
        screen.part("marketplace", f"{loaded.listings} listings loaded, {loaded.refused} rows refused")
    supervisor = Supervisor(stack.home, screen.part)
    try:
        await up.start(supervisor, stack, asyncio.Event())
        return await _played(stack, screen, batches, shipped=given is None)
    finally:
        await supervisor.stop()
        os.close(held)


def _read(given: Path | None) -> list[Batch]:
    """Read the files before anything is started: a file that is none is refused at once."""
    files = [given] if given else sorted(NOTICES.glob("*.json"))
    try:
        return [documents.read(file.read_bytes(), source="authority", now=datetime.now(UTC)) for file in files]
    except BadInput as refused:
        raise refused.problem() from None


async def _played(stack: Stack, screen: Screen, batches: list[Batch], *, shipped: bool) -> Summary:
    told = settings.load(home=stack.home)
    logs.configure("console", "error")
    began = datetime.now(UTC)
    async with wiring.opened(told) as desk:
        taken = await _taken_in(desk, screen, batches)
        client = await desk.connect()
        cast = Cast(
            client=client,
            engine=desk.engine,
            roster=rulebook.load(overlay=OVERLAY).roster,
            home=stack.home,
            told=screen.line,
            wronged=_wronged(stack) if shipped else None,
        )
        await _until_closed(desk, screen, cast, taken.case_ids)
        if shipped:
            await _checked_exact(stack, cast)
        return Summary(
            cases=tuple([await _ran(desk, client, case_id) for case_id in taken.case_ids]),
            quarantined=taken.quarantined,
            duplicates=taken.duplicates,
            restored=tuple(cast.restored),
            told=_told(stack.home),
            seconds=(datetime.now(UTC) - began).total_seconds(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    case_ids: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    duplicates: int


async def _taken_in(desk: Desk, screen: Screen, batches: list[Batch]) -> _Taken:
    """Take every record in by the ordinary door; what cannot be a case is kept aside with its reason."""
    case_ids: dict[str, None] = {}
    quarantined: list[tuple[str, str]] = []
    duplicates = 0
    for batch in batches:
        for parsed in batch.reports:
            outcome = await desks.receive(desk, parsed)
            duplicates += outcome.status == "duplicate"
            case_ids[outcome.case_id] = None
            screen.line(outcome.case_id, f"{outcome.status}: {parsed.intake.title}", "bold")
        for aside in batch.asides:
            await desks.keep_aside(desk, aside, now=datetime.now(UTC))
            quarantined.append((aside.source_ref or f"record {aside.place}", aside.reason))
    return _Taken(case_ids=tuple(case_ids), quarantined=tuple(quarantined), duplicates=duplicates)


async def _until_closed(desk: Desk, screen: Screen, cast: Cast, case_ids: tuple[str, ...]) -> None:
    stop = asyncio.Event()
    playing = asyncio.create_task(cast.play(stop))
    seen = dict.fromkeys(case_ids, 0)
    closed: set[str] = set()
    idle_since = datetime.now(UTC)
    try:
        while len(closed) < len(case_ids):
            if playing.done():
                playing.result()
            for case_id in (one for one in case_ids if one not in closed):
                for entry in await queries.entries(desk.engine, case_id, after=seen[case_id]):
                    seen[case_id], idle_since = entry.seq, datetime.now(UTC)
                    screen.entry(case_id, entry)
                    if entry.kind == "case.closed":
                        closed.add(case_id)
            if datetime.now(UTC) - idle_since > IDLE:
                raise _stuck(set(case_ids) - closed)
            await asyncio.sleep(0.2)
    finally:
        stop.set()
        await playing


def _stuck(open_cases: set[str]) -> Problem:
    return Problem(
        "demo_stuck",
        f"{len(open_cases)} cases did not close, first {min(open_cases)}.",
        next_step="Look at the logs in the demo's state folder, and report this.",
        exit_code=CHECK_FAILED,
    )


def _wronged(stack: Stack) -> Callable[[str], Awaitable[tuple[str, ...]]]:
    """Find the listings of the innocent seller that a case hid: what its owner would complain about."""

    async def found(case_id: str) -> tuple[str, ...]:
        return tuple(
            str(item["id"])
            for item in await _listings(stack)
            if any(one.get("case_ref") == case_id for one in item["restrictions"])
        )

    return found


async def _listings(stack: Stack) -> list[dict[str, Any]]:
    """List what the innocent seller offers."""
    headers = {"Authorization": f"Bearer {DEFAULT_TOKEN}"}
    async with httpx2.AsyncClient(base_url=stack.url(stack.ports.marketplace), headers=headers) as client:
        answer = (await client.get("/v1/listings", params={"brand": "Brightnook"})).json()
    return [item for item in answer["items"] if item["seller"] == demo_goods.INNOCENT_SELLER]


async def _checked_exact(stack: Stack, cast: Cast) -> None:
    """Prove that the restored listings are exactly as they were before anything happened."""
    from standins import catalogue

    before = {one.id: one for one in catalogue.read(stack.home / "standins")}
    for item in await _listings(stack):
        one = before[str(item["id"])]
        if (item["visibility"], item["rank"], item["strikes"]) != (one.visibility, one.rank, one.strikes):
            raise Problem(
                "not_restored",
                f"listing {one.id} is not as it was before.",
                next_step="Report this: restoring exactly is a promise.",
                exit_code=CHECK_FAILED,
            )
    if not cast.restored:
        raise Problem("not_restored", "no wrongly matched listing was restored.", exit_code=CHECK_FAILED)


async def _ran(desk: Desk, client: Client, case_id: str) -> Ran:
    card = await queries.card(desk.engine, case_id)
    if card is None:
        raise Problem("unknown_case", f"{case_id} is not in the casebook.", exit_code=CHECK_FAILED)
    entries = await queries.entries(desk.engine, case_id, limit=1000)
    stages = [
        (dict(entry.data)["stage"], (entry.at - card.opened_at).total_seconds())
        for entry in entries
        if entry.kind == "stage.entered"
    ]
    return Ran(card=card, stages=tuple(stages), bill=await bill(client, case_id))


def _told(home: Path) -> tuple[tuple[str, int], ...]:
    counted = Counter(
        (system, op)
        for system in ("marketplace", "regulator", "pager", "chat", "mail")
        for op, _, _ in journal.effects(home / "standins", system)
    )
    return tuple((f"{system} {op}", count) for (system, op), count in sorted(counted.items()))


def _cleared(home: Path) -> None:
    """Begin with an empty folder; the lock on it is ours and stays."""
    for entry in home.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "stack.lock":
            entry.unlink()
