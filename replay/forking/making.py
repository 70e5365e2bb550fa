"""How is a fork made, kept and taken down? From the source only read; then everything of it in one temporary folder."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.converter import DataConverter
from temporalio.runtime import Runtime

from escalations.record import Card
from escalations.rulebook import UnknownRulebook
from replay import histories, payload_types, reading, reliving
from replay.check import Checked, check
from replay.forking import casebook, cutting, life, moving, resealing, server
from replay.forking.cutting import Cut
from replay.histories import Recorded
from starter import connect, keyring, rules, sealing, settings
from starter.errors import BAD_INPUT, CANNOT_WRITE, Problem
from starter.settings import Settings
from starter.stack import address, ports
from starter.stack.parts import NAMESPACE, Stack
from starter.stack.supervise import Part, Supervisor
from store import migrations, queries
from store.engine import open_engine
from store.ledger import Ledger

PROFILE = "temporal.toml"  # empty: the profile of whoever forks holds keys
COMPANY = "company"  # the company's own rules, taken along
# Nothing else of the environment reaches a fork: no address, no token, no profile, no cloud credentials.
KEPT = ("PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ", "TMPDIR")
Told = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a fork is made from: all recorded runs of the case, what opens them, and the rulebooks they follow."""

    runs: Sequence[Recorded]
    converter: DataConverter
    namespace: str
    told: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A fork that lives: where it is, where it was cut, what else of the case was running and came along.

    `then` is when the last event that it keeps was written, `moved` by how much it and all other instants were moved.
    `entries` counts those of its casebook, `answers` are how its open questions would be agreed to (`seawall decide`),
    `unknown_rulebook` the version that the case follows, if it is kept nowhere here.
    """

    case_id: str
    run_id: str
    event: int
    asked: int
    then: datetime
    moved: timedelta
    verdict: str
    address: str
    ui: str
    home: Path
    brought: tuple[str, ...]
    entries: int
    answers: tuple[str, ...]
    unknown_rulebook: str = ""


def chosen(runs: Sequence[Recorded], case_id: str, run_id: str = "") -> Recorded:
    """Find the run of a case to fork: the newest, or the one that is named by the beginning or end of its id.

    Raises Problem `no_such_run`.
    """
    own = [run for run in runs if run.workflow_id == case_id]
    found = [run for run in own if run.run_id.startswith(run_id) or run.run_id.endswith(run_id)] if run_id else own[-1:]
    if len(found) != 1:
        named = ", ".join(f"{run.run_id} ({len(run.events)} events)" for run in own) or "none"
        raise Problem(
            "no_such_run",
            f"That names {len(found)} runs of {case_id}; known: {named}.",
            next_step="Name one with --run.",
            exit_code=BAD_INPUT,
        )
    return found[0]


@asynccontextmanager
async def forked(source: Source, cut: Cut, told: Told, *, as_it_was: bool = False) -> AsyncIterator[Fork]:
    """Let a case go on from a cut. Ends with the block: every process is stopped, the folder is gone.

    The cut becomes the present: everything has as long left as it had. With `as_it_was` instants are kept instead.
    Raises Problem: `unreadable`, `cannot_move`, `no_grpc`, `no_fork`, `cannot_write`, `no_temporal`; nothing is left.
    """
    await resealing.readable(cut.run, source.converter, source.namespace)
    isolated()
    home = _folder()
    try:
        stack = Stack(home=home, ports=ports.free(), overlay=source.told.overlay)
        _rulebooks(source.told, home)
        (home / PROFILE).write_text("")
        (home / address.FORK).write_text(json.dumps({"case": cut.run.workflow_id, "env": _addressed(stack)}))
        supervisor = await server.serve(stack, told)
        try:
            yield await _brought_to_life(source, cut, stack, supervisor, as_it_was=as_it_was)
        finally:
            await supervisor.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def isolated() -> None:
    """Forget everything that this process was told about the house: what starts from here is told nothing."""
    for name in [name for name in os.environ if name not in KEPT]:
        del os.environ[name]


async def until_told() -> None:
    """Wait for Ctrl-C or a request to end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


async def _brought_to_life(source: Source, cut: Cut, stack: Stack, supervisor: Supervisor, *, as_it_was: bool) -> Fork:
    os.environ.update(_told(stack))
    told = settings.load(home=stack.home)
    ring = keyring.open_ring(told.keyring_file)
    sealer = sealing.data_converter(ring, NAMESPACE)
    client = await connect.connect(told, data_converter=sealer)
    await connect.ensure_search_attributes(client)
    named = await server.namespace_id(client)
    own = [await _resealed(run, source, sealer, named) for run in source.runs]
    with reading.quiet() as runtime:
        by = timedelta() if as_it_was else moving.span(cut.at, datetime.now(UTC))
        checked = await _checked(_here(own, cut), sealer, runtime)
        if by:
            own = await _moved(own, cut, by, checked, sealer, runtime)
        here = _here(own, cut)
        entries, card = await _casebook(own, here, told, sealer, runtime)
    _kept(own, stack.home / life.SOURCE)
    others = [run for run in own if run.workflow_id != here.run.workflow_id]
    beside = [found for run in others if (found := cutting.running_at(run, here.at)) is not None]
    await server.bring_in(stack, [*(each.run for each in beside), here.run])
    await supervisor.start(_worker(stack))
    return Fork(
        case_id=here.run.workflow_id,
        run_id=here.run.run_id,
        event=cut.event,
        asked=cut.asked,
        then=cut.at,
        moved=by,
        verdict=checked.verdict.value,
        address=f"{ports.LOOPBACK}:{stack.ports.temporal}",
        ui=stack.url(stack.ports.temporal_ui),
        home=stack.home,
        brought=tuple(each.run.workflow_id for each in beside),
        entries=entries,
        answers=casebook.answers(card),
        unknown_rulebook=await asyncio.to_thread(_unknown_rulebook, told, card),
    )


async def _resealed(run: Recorded, source: Source, sealer: DataConverter, named: str) -> Recorded:
    return await resealing.resealed(
        run,
        opener=source.converter,
        sealer=sealer,
        namespaces=(source.namespace, NAMESPACE),
        ids=dict.fromkeys(resealing.namespace_ids(run), named),
    )


async def _moved(
    own: Sequence[Recorded], cut: Cut, by: timedelta, before: Checked, sealer: DataConverter, runtime: Runtime
) -> list[Recorded]:
    """Move every instant, and prove that the case lives its past up to the cut no otherwise than `before`."""
    bench = reliving.Bench(
        workflows=reading.workflows(),
        types=payload_types.defined(reading.workflows(), payload_types.our_hands()),
        opener=sealer,
        sealer=sealer,
        namespace=NAMESPACE,
        runtime=runtime,
    )
    later = await moving.moved(own, by, bench)
    after = await _checked(_here(later, cut), sealer, runtime)
    if (before.verdict, len(before.differences)) != (after.verdict, len(after.differences)):
        why = f"is judged `{before.verdict}` as it is and `{after.verdict}` as if it had happened later"
        raise moving.cannot_move(cut.run.workflow_id, why)
    return later


def _here(runs: Sequence[Recorded], cut: Cut) -> Cut:
    """Cut there again: in a run that was sealed or moved since."""
    return cutting.cut(next(run for run in runs if run.run_id == cut.run.run_id), cut.event)


async def _checked(here: Cut, sealer: DataConverter, runtime: Runtime) -> Checked:
    checking = check([here.run], workflows=reading.workflows(), converter=sealer, runtime=runtime)
    [checked] = [each async for each in checking]
    return checked


async def _casebook(
    own: Sequence[Recorded], here: Cut, told: Settings, sealer: DataConverter, runtime: Runtime
) -> tuple[int, Card | None]:
    """Write the casebook of the fork: what earlier runs of the case had written, then this one up to the cut."""
    before = [run for run in own if run.workflow_id == here.run.workflow_id]
    before = before[: [run.run_id for run in before].index(here.run.run_id)]
    engine = open_engine(told.database_url)
    try:
        await migrations.upgrade(engine)
        entries = await casebook.retold(
            [*before, here.run],
            Ledger(engine),
            workflows=reading.workflows(),
            converter=sealer,
            namespace=NAMESPACE,
            runtime=runtime,
        )
        return entries, await queries.card(engine, here.run.workflow_id)
    finally:
        await engine.dispose()


def _addressed(stack: Stack) -> dict[str, str]:
    """Say where the fork is, to its own processes and to the commands that are given in it; nothing else is known."""
    company = stack.home / COMPANY
    return {
        "SEAWALL_HOME": str(stack.home),
        **({"SEAWALL_OVERLAY": stack.overlay} if stack.overlay else {}),
        **({"SEAWALL_RULEBOOK": str(company)} if company.is_dir() else {}),
        "TEMPORAL_ADDRESS": f"{ports.LOOPBACK}:{stack.ports.temporal}",
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "TEMPORAL_CONFIG_FILE": str(stack.home / PROFILE),
    }


def _told(stack: Stack) -> dict[str, str]:
    return {**_addressed(stack), "HOME": str(stack.home), "PYTHONUNBUFFERED": "1"}


def _worker(stack: Stack) -> Part:
    ready_file = stack.home / life.READY

    async def ready() -> bool:
        return await asyncio.to_thread(ready_file.exists)

    argv = (sys.executable, "-m", "replay.forking.life")
    return Part(name="worker", argv=argv, ready=ready, env=_told(stack))


def _unknown_rulebook(told: Settings, card: Card | None) -> str:
    version = card.rulebook if card else ""
    try:
        if version:
            rules.all_of(told).of(version)
    except UnknownRulebook:
        return version
    return ""


def _folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=address.FORKS))
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"No temporary folder can be made ({error.strerror}).",
            next_step="Name a writable one in TMPDIR.",
            exit_code=CANNOT_WRITE,
        ) from None


def _kept(runs: Sequence[Recorded], folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for number, run in enumerate(runs):
        histories.write(run, folder / f"{number}.json")


def _rulebooks(told: Settings, home: Path) -> None:
    """Take along every rulebook that a case of the house may follow, that of today too; they are no secrets."""
    if (told.home / rules.KEPT).is_dir():
        shutil.copytree(told.home / rules.KEPT, home / rules.KEPT)
    company = rules.company(told)
    if company is not None and company.is_dir():
        shutil.copytree(company, home / COMPANY)
