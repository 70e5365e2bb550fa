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
from pathlib import Path

from temporalio.converter import DataConverter
from temporalio.runtime import Runtime

from replay import histories, reading
from replay.check import check
from replay.forking import casebook, cutting, life, resealing, server
from replay.forking.cutting import Cut
from replay.histories import Recorded
from starter import connect, keyring, rules, sealing, settings
from starter.errors import BAD_INPUT, CANNOT_WRITE, Problem
from starter.settings import Settings
from starter.stack import address, ports
from starter.stack.parts import NAMESPACE, Stack
from starter.stack.supervise import Part, Supervisor
from store import migrations
from store.engine import open_engine
from store.ledger import Ledger

PROFILE = "temporal.toml"  # empty: the profile of whoever forks holds keys
MARK = "fork.json"  # a folder with it belongs to a fork, and only there may time be moved
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
    """A fork that lives: where it is, where it was cut, what else of the case was running and came along."""

    case_id: str
    event: int
    asked: int
    verdict: str
    address: str
    ui: str
    home: Path
    brought: tuple[str, ...]
    entries: int


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
async def forked(source: Source, cut: Cut, told: Told) -> AsyncIterator[Fork]:
    """Let a case go on from a cut. Ends with the block: every process is stopped, the folder is gone.

    Raises Problem: `unreadable`, `no_grpc`, `no_fork`, `cannot_write`, `no_temporal`; nothing is left then.
    """
    await resealing.readable(cut.run, source.converter, source.namespace)
    isolated()
    home = _folder()
    try:
        stack = Stack(home=home, ports=ports.free())
        _rulebooks(source.told, home)
        (home / PROFILE).write_text("")
        supervisor = await server.serve(stack, told)
        try:
            yield await _brought_to_life(source, cut, stack, supervisor)
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


async def _brought_to_life(source: Source, cut: Cut, stack: Stack, supervisor: Supervisor) -> Fork:
    os.environ.update(_told(stack))
    told = settings.load(home=stack.home)
    ring = keyring.open_ring(told.keyring_file)
    sealer = sealing.data_converter(ring, NAMESPACE)
    client = await connect.connect(told, data_converter=sealer)
    await connect.ensure_search_attributes(client)
    named = await server.namespace_id(client)
    own = [await _resealed(run, source, sealer, named) for run in source.runs]
    _kept(own, stack.home / life.SOURCE)
    main = next(run for run in own if run.run_id == cut.run.run_id)
    here = cutting.cut(main, cut.event)
    others = [run for run in own if run.workflow_id != main.workflow_id]
    beside = [found for run in others if (found := cutting.running_at(run, here.at)) is not None]
    with reading.quiet() as runtime:
        checking = check([here.run], workflows=reading.workflows(), converter=sealer, runtime=runtime)
        [checked] = [each async for each in checking]
        entries = await _casebook(own, here, told, sealer, runtime)
    await server.bring_in(stack, [*(each.run for each in beside), here.run])
    address.leave(stack.home, {**stack.env(), **_told(stack)})
    (stack.home / MARK).write_text(json.dumps({"case": main.workflow_id, "event": here.event}))
    await supervisor.start(_worker(stack))
    return Fork(
        case_id=main.workflow_id,
        event=cut.event,
        asked=cut.asked,
        verdict=checked.verdict.value,
        address=f"{ports.LOOPBACK}:{stack.ports.temporal}",
        ui=stack.url(stack.ports.temporal_ui),
        home=stack.home,
        brought=tuple(each.run.workflow_id for each in beside),
        entries=entries,
    )


async def _resealed(run: Recorded, source: Source, sealer: DataConverter, named: str) -> Recorded:
    return await resealing.resealed(
        run,
        opener=source.converter,
        sealer=sealer,
        namespaces=(source.namespace, NAMESPACE),
        ids=dict.fromkeys(resealing.namespace_ids(run), named),
    )


async def _casebook(own: Sequence[Recorded], here: Cut, told: Settings, sealer: DataConverter, runtime: Runtime) -> int:
    """Write the casebook of the fork: what earlier runs of the case had written, then this one up to the cut."""
    before = [run for run in own if run.workflow_id == here.run.workflow_id]
    before = before[: [run.run_id for run in before].index(here.run.run_id)]
    engine = open_engine(told.database_url)
    try:
        await migrations.upgrade(engine)
        return await casebook.retold(
            [*before, here.run],
            Ledger(engine),
            workflows=reading.workflows(),
            converter=sealer,
            namespace=NAMESPACE,
            runtime=runtime,
        )
    finally:
        await engine.dispose()


def _told(stack: Stack) -> dict[str, str]:
    """Tell the fork's own processes where the fork is, and nothing else."""
    return {
        "SEAWALL_HOME": str(stack.home),
        "TEMPORAL_ADDRESS": f"{ports.LOOPBACK}:{stack.ports.temporal}",
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "TEMPORAL_CONFIG_FILE": str(stack.home / PROFILE),
        "HOME": str(stack.home),
        "PYTHONUNBUFFERED": "1",
    }


def _worker(stack: Stack) -> Part:
    ready_file = stack.home / life.READY

    async def ready() -> bool:
        return await asyncio.to_thread(ready_file.exists)

    argv = (sys.executable, "-m", "replay.forking.life")
    return Part(name="worker", argv=argv, ready=ready, env=_told(stack))


def _folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="seawall-fork-"))
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
    """Take along every rulebook that a case of the house may follow; they are law and policy, not secrets."""
    if (told.home / rules.KEPT).is_dir():
        shutil.copytree(told.home / rules.KEPT, home / rules.KEPT)
