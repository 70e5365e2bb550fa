"""Does a case go on from an event of its past in a fork, and does nothing of the house notice?"""

import asyncio
import contextlib
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.archive import Archive
from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.messages import Decide, Learn, Receipt, ReportFinding, TaskDone
from escalations.record import GateCard
from replay import histories, payload_types, reading
from replay.check import Verdict, check
from replay.facts import QUESTION
from replay.forking import hands, moving
from replay.forking.cutting import boundaries
from replay.histories import Recorded
from starter import cli, keyring, sealing
from tests.replay import corpus
from tests.replay.test_moving import bench, values
from tests.workflows.living import living
from tests.workflows.steering import any_run
from tests.workflows.world import Handle, World, recall
from workflows.escalation import Escalation

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SEAWALL = "from starter.cli import main; main()"
A_MONTH = timedelta(days=30)
UPDATES = 8  # of one run, instead of 2,000: the next run is suggested at 90 % of them
A_WHILE = timedelta(minutes=3)  # between the making of a fork and a look at it, on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """A fork that lives, what it said of itself, and a client of its server."""

    said: dict[str, Any]
    client: Client
    pid: int

    @property
    def home(self) -> Path:
        return Path(self.said["home"])

    def case(self) -> Handle:
        return self.client.get_workflow_handle_for(Escalation.run, self.said["case_id"])


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A system whose server lets a run hold little, so that cases cross over."""
    async with living(tmp_path_factory.mktemp("world"), limits=(f"history.maxTotalUpdates={UPDATES}",)) as world:
        yield world


@pytest.fixture(scope="module")
async def forkable(world: World) -> tuple[Handle, int]:
    """A case whose listings were hidden, and the event at which its first question had just been asked."""
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    asked = len((await handle.fetch_history()).events)
    await world.agree(handle, GateKind.LEGAL_REVIEW, "hide")
    await world.until(handle, lambda card: card.sweeps)
    return handle, asked


def house(world: World) -> dict[str, str]:
    """The environment of somebody of the house: where everything is, and every secret."""
    told = world.told
    return {
        **os.environ,
        "SEAWALL_HOME": str(told.home),
        "SEAWALL_MARKETPLACE_URL": told.marketplace_url,
        "SEAWALL_MARKETPLACE_TOKEN": told.marketplace_token.get_secret_value(),
        "SEAWALL_REGULATOR_URL": told.regulator_url,
        "SEAWALL_PAGER_URL": told.pager_url,
        "SEAWALL_CHAT_URL": told.chat_url,
        "TEMPORAL_ADDRESS": world.env.client.service_client.config.target_host,
        "AWS_SECRET_ACCESS_KEY": "not for forks",
        "PYTHONPATH": str(ROOT),
    }


@asynccontextmanager
async def forked(*words: str, env: dict[str, str]) -> AsyncIterator[Alive]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SEAWALL, "replay", "fork", *words, "--json"),
        env=env,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = await asyncio.wait_for(process.stdout.readline(), 120)
    if not line:
        raise AssertionError((await process.stderr.read()).decode())
    said = json.loads(line)
    ring = keyring.open_ring(Path(said["home"]) / "keys" / "keyring.json")
    try:
        yield Alive(
            said=said,
            client=await Client.connect(said["address"], data_converter=sealing.data_converter(ring)),
            pid=process.pid,
        )
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        assert not await asyncio.to_thread(os.path.exists, said["home"])


def refused(*words: str, env: dict[str, str]) -> tuple[int, str]:
    """Give a command that is refused; return its exit code and its one line."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as here, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in [name for name in os.environ if name not in env]:
            here.delenv(name)
        for name, value in env.items():
            here.setenv(name, value)
        code = cli.guarded(lambda: cli.compose()(["replay", *words], standalone_mode=False))
    assert out.getvalue() == ""
    return code, err.getvalue()


async def fingerprints(world: World) -> dict[str, str]:
    """Digest every history of the source server."""
    found = {}
    async for run in world.env.client.list_workflows(""):
        history = await world.env.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        events = b"".join(event.SerializeToString(deterministic=True) for event in history.events)
        found[run.run_id] = hashlib.sha256(events).hexdigest()
    return found


def journals(world: World) -> dict[str, int]:
    return {name: len(world.standins.journal(name)) for name in ("marketplace", "regulator", "pager", "chat", "mail")}


async def vote(alive: Alive, card: GateCard, person: str, role: str, option: str) -> Receipt:
    gate = card.gate
    message = Decide(
        said=World.by(_World, person),  # type: ignore[arg-type]
        gate=gate.id,
        digest=gate.digest,
        option=option,
        role=role,
        reason="let us see",
    )
    return await alive.case().execute_update("decide", message, result_type=Receipt)


class _World:
    """Counts deliveries for `World.by`."""

    said = iter(range(1000, 2000))


async def seen(alive: Alive, what: Any) -> CaseFile:
    for _ in range(300):
        file = await alive.case().query(Escalation.file)
        if what(file):
            return file
        await asyncio.sleep(0.1)
    raise AssertionError(f"never seen in the fork; it stands at {file.stage}, ruling {file.ruling!r}")


async def pasted(lines: Sequence[str], env: dict[str, str], folder: Path) -> str:
    """Paste lines into a shell that knows the house, and give what it says."""
    program = folder / "seawall"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{SEAWALL}' \"$@\"\n")
    program.chmod(0o700)
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-ec", "\n".join(lines)),
        env={**env, "PATH": f"{folder}:{env['PATH']}"},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(shell.communicate(), 300)
    assert shell.returncode == 0, err.decode()
    return out.decode()


async def finished(alive: Alive) -> CaseFile:
    """Do in a fork whatever is still owed until the case is closed."""
    for _ in range(300):
        file = await alive.case().query(Escalation.file)
        if file.closed_at is not None:
            return file
        with contextlib.suppress(WorkflowUpdateFailedError):
            await owed(alive, file)
        await asyncio.sleep(0.3)
    raise AssertionError(f"never closed in the fork; it stands at {file.stage}")


async def owed(alive: Alive, file: CaseFile) -> None:
    for card in file.gates:
        if card.outcome is None:
            heard = {vote.person for vote in card.votes} | set(card.gate.excluded)
            seat = next(seat for seat in card.gate.seats if seat.role not in {vote.role for vote in card.votes})
            person = next(person for person in seat.persons if person not in heard)
            await vote(alive, card, person, seat.role, card.gate.recommended)
    if file.root_cause is None and file.ruling:
        said = World.by(_World, "sam.safety")  # type: ignore[arg-type]
        finding = ReportFinding(said=said, kind="root_cause", text="weekly import", factors=("DET-1",))
        await alive.case().execute_update("finding", finding, result_type=Receipt)
    for task in file.tasks:
        if task.done_at is None:
            done = TaskDone(said=World.by(_World, "ana.ic"), task=task.id, proof="by hand")  # type: ignore[arg-type]
            await alive.case().execute_update("task", done, result_type=Receipt)


async def differing(alive: Alive) -> list[str]:
    """Judge every history of the fork, from its first event on; tell what does not live the same.

    Up to the cut the verdict of the fork itself holds. Of what came after, what was asked of policy and casebook is
    left to the tests of the process: on a busy machine an entry was once noted otherwise than it was lived again.
    """
    runs = [run async for run in histories.of_server(alive.client, "")]
    checking = check(runs, workflows=reading.workflows(), converter=alive.client.data_converter)
    return [
        f"{each.workflow_id} {each.verdict} {each.detail} {[one.line() for one in each.differences]}"
        async for each in checking
        if each.verdict is not Verdict.SAME
        if each.verdict is not Verdict.DIFFERS or any(one.path != QUESTION for one in each.differences)
    ]


async def aged(runs: Sequence[Recorded], ring: Path, folder: Path) -> list[str]:
    """Write runs as if they had been recorded a month ago; give the options that fork from there."""
    os.makedirs(folder)
    held = bench(keyring.open_ring(ring))
    for number, run in enumerate(await moving.moved(runs, -A_MONTH, held)):
        histories.write(run, folder / f"{number}.json")
    return ["--from", str(folder), "--keyring", str(ring)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A case that was recorded a month ago, on no server: what forks it, and how it stood when its question was open.

    The question was asked at `event`; `between` is one that no task of the case's code ends with.
    """

    case_id: str
    options: list[str]
    env: dict[str, str]
    event: int
    between: int
    left: timedelta
    ended: list[str]


@pytest.fixture(scope="module")
async def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    folder = tmp_path_factory.mktemp("past")
    ring = Path(shutil.copyfile(corpus.KEYRING, folder / "keyring.json"))
    os.chmod(ring, 0o600)
    home = folder / "home"
    shutil.copytree(corpus.RULEBOOKS, home / "rulebooks")
    names = ("ordinary", "ordinary-sweep-1", "ordinary-sweep-1-watch")
    runs = [histories.of_file(corpus.HISTORIES / f"{name}.json.gz") for name in names]
    run = runs[0]
    voted = next(e.event_id for e in run.events if e.HasField("workflow_execution_update_accepted_event_attributes"))
    event = next(end for end, after in pairwise(boundaries(run.events)) if end < voted <= after)
    said = values(run)
    due = next(datetime.fromisoformat(json.loads(each)["due_at"]) for each in said if b'"due_at"' in each)
    swept = [json.loads(each)["manifest"] for each in said if each.startswith(b'{"case_id"') and b'"manifest"' in each]
    return Past(
        case_id=run.workflow_id,
        options=await aged(runs, ring, folder / "runs"),
        # Somebody of the house, whose shell points at the house.
        env={
            **os.environ,
            "SEAWALL_HOME": str(home),
            "SEAWALL_DATABASE_URL": "sqlite+aiosqlite:////nowhere/casebook.db",
            "SEAWALL_CHAT_TOKEN": "a token of the house",
            "SEAWALL_PERSON": "ana.ic",
            "TEMPORAL_ADDRESS": "127.0.0.1:1",
            "PYTHONPATH": str(ROOT),
        },
        event=event,
        between=event + 1,
        left=due - histories.written_at(run.events[event - 1]),
        ended=[manifest for manifest in swept if manifest],
    )


async def test_a_case_of_last_month_has_as_long_left_as_it_had_and_people_bring_it_to_its_end(
    past: Past, tmp_path: Path
) -> None:
    """What the fork prints is pasted word for word, into a shell that points everywhere but at the fork."""
    async with forked(past.case_id, "--event", str(past.between), *past.options, env=past.env) as alive:
        file = await alive.case().query(Escalation.file)
        left = file.gates[0].gate.due_at - datetime.now(UTC)
        said = await pasted(alive.said["commands"], past.env, tmp_path)
        voted = await seen(alive, lambda file: file.sweeps)
        ended = await finished(alive)
        differences = await differing(alive)

    assert (alive.said["event"], alive.said["asked"]) == (past.event, past.between)
    assert (alive.said["verdict"], alive.said["unknown_rulebook"]) == ("same", "")
    assert timedelta(seconds=alive.said["moved"]) > A_MONTH - A_WHILE
    assert past.left - A_WHILE < left <= past.left
    assert alive.said["entries"] == file.seq > 0
    assert [vote.person for vote in voted.gates[0].votes] == ["leo.legal", "sam.safety"]
    assert (voted.ruling, ended.ruling) == ("hide", "hide")
    assert (voted.gates[0].outcome.how if voted.gates[0].outcome else "") == "quorum"
    assert ended.sweeps[0].applied.done == ended.manifest.count > 0 if ended.manifest else False
    assert ended.closed_at
    assert ended.closed_at > datetime.now(UTC) - timedelta(minutes=20)
    assert differences == []
    for told in (
        "gate 1 (legal review)",
        "recorded; legal_review decided: hide",
        "6h have passed",
        "set a timer to",
        "the root cause is",
    ):
        assert told in said


async def test_a_case_that_is_forked_as_it_was_finds_that_its_time_is_up(past: Past) -> None:
    async with forked(past.case_id, "--event", str(past.event), "--as-it-was", *past.options, env=past.env) as alive:
        file = await seen(alive, lambda file: file.gates[0].outcome)

    assert alive.said["moved"] == 0
    assert file.gates[0].gate.due_at < datetime.now(UTC) - A_MONTH + timedelta(days=2)
    assert file.gates[0].outcome is not None
    assert file.gates[0].outcome.how == "default"


async def test_another_vote_in_a_fork_ends_another_way_and_the_house_is_untouched(
    world: World, forkable: tuple[Handle, int]
) -> None:
    handle, asked = forkable
    await handle.query(Escalation.file)
    before, told = await fingerprints(world), journals(world)

    async with forked(handle.id, "--event", str(asked), env=house(world)) as alive:
        stood = await alive.case().query(Escalation.file)
        await vote(alive, stood.gates[0], "leo.legal", "LEG", "no_action")
        await vote(alive, stood.gates[0], "sam.safety", "PSAF", "no_action")
        ended = await seen(alive, lambda file: file.ruling)
        environment = Path(f"/proc/{_worker(alive)}/environ").read_text().split("\0")  # noqa: ASYNC240

    assert (stood.ruling, stood.restricted, len(stood.gates[0].votes)) == ("", 0, 0)
    assert (ended.ruling, ended.orders) == ("no_action", [])
    assert (await handle.query(Escalation.file)).ruling == "hide"
    assert await fingerprints(world) == before
    assert journals(world) == told
    names = {each.partition("=")[0] for each in environment if each}
    assert {name for name in names if name.startswith(("SEAWALL_", "AWS_"))} == {"SEAWALL_HOME"}
    assert not any(world.told.marketplace_token.get_secret_value() in each for each in environment)


def _worker(alive: Alive) -> int:
    """Find the process that works in the fork."""
    import psutil

    return next(child.pid for child in psutil.Process(alive.pid).children() if "replay.forking.life" in child.cmdline())


async def test_what_else_of_the_case_was_running_comes_along_and_time_moves_in_both(
    world: World, forkable: tuple[Handle, int], tmp_path: Path
) -> None:
    handle, _ = forkable
    await world.gate(handle, GateKind.RESPONSE)
    last = len((await handle.fetch_history()).events)
    watch = f"{handle.id}/sweep/1/watch"
    told = journals(world)

    async with forked(handle.id, "--event", str(last), env=house(world)) as alive:
        before = len((await alive.client.get_workflow_handle(watch).fetch_history()).events)
        passing = [f"seawall replay fast-forward {watch} 2h", f"seawall replay fast-forward {handle.id} 30d"]
        said = await pasted([alive.said["commands"][0], *passing], house(world), tmp_path)
        after = (await alive.client.get_workflow_handle(watch).fetch_history()).events
        file = await seen(alive, lambda file: file.gates[-1].outcome)

    searched = [event for event in after[before:] if event.HasField("activity_task_completed_event_attributes")]
    assert watch in alive.said["brought"]
    assert alive.said["verdict"] == "same"
    assert said.count("have passed") == 2
    assert len(searched) >= 1
    assert file.ruling == "hide"
    assert file.gates[-1].outcome is not None
    assert file.gates[-1].outcome.how == "default"
    assert journals(world) == told


async def test_one_run_of_a_long_case_goes_on_with_what_the_runs_before_it_had_handed_over(
    world: World, tmp_path: Path
) -> None:
    handle = any_run(world, (await world.opened(recall())).id)
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    for level in range(3 * UPDATES):
        await world.say(handle, "learn", Learn(said=world.by("ana.ic"), fact="media", value=str(level % 3)))
        if level > UPDATES and (await handle.query(Escalation.file)).runs > 2:
            break
    first, second, *later = await histories.chain(world.env.client, handle.id)
    options = await aged([first, second, *later], world.told.keyring_file, tmp_path / "runs")
    ends = list(boundaries(second.events))
    env = house(world)
    out = ("--run", first.run_id, "--event", str(first.events[-1].event_id), *options)

    at_the_end = await asyncio.to_thread(refused, "fork", handle.id, *out, env=env)
    async with forked(*(handle.id, "--run", second.run_id, "--event", str(ends[-2])), *options, env=env) as alive:
        stood = await alive.case().query(Escalation.file)
        said = await pasted([*alive.said["commands"][:1], *alive.said["commands"][-2:]], env, tmp_path)
        await vote(alive, stood.gates[0], "leo.legal", "LEG", "no_action")
        await vote(alive, stood.gates[0], "sam.safety", "PSAF", "no_action")
        ended = await seen(alive, lambda file: file.ruling)
        differences = await differing(alive)

    assert later, "the case crossed over twice"
    assert at_the_end[0] == 2
    assert f"has gone on as run {second.run_id}" in at_the_end[1]
    assert (alive.said["run_id"], alive.said["event"], alive.said["verdict"]) == (second.run_id, ends[-2], "same")
    assert stood.runs == 2
    assert timedelta(seconds=alive.said["moved"]) > A_MONTH - A_WHILE
    assert abs(stood.opened_at - datetime.now(UTC)) < timedelta(minutes=20)
    assert alive.said["entries"] == stood.seq
    assert (ended.ruling, ended.runs) == ("no_action", 2)
    assert differences == []
    assert "continued from the run before" in said
    assert "the root cause is not approved" in said


def test_what_cannot_be_read_is_told_in_one_line_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    whole = tmp_path / "whole.json"
    histories.write(run, whole)
    half = tmp_path / "half.json"
    half.write_text(whole.read_text()[:5000])
    other = tmp_path / "keys" / "keyring.json"
    keyring.open_ring(other)
    env = {**os.environ, "SEAWALL_HOME": str(tmp_path / "home")}
    ring = ("--keyring", str(other))

    said = [
        refused("fork", run.workflow_id, "--event", "30", "--from", str(whole), *ring, env=env),
        refused("fork", run.workflow_id, "--event", "30", "--from", str(half), *ring, env=env),
        refused("fork", "ESC-9999-9999-9999", "--event", "30", "--from", str(whole), *ring, env=env),
        refused("fork", run.workflow_id, "--event", "30", "--from", str(whole), env=env),
        refused("fork", str(whole), "--event", "30", env=env),
    ]

    assert [code for code, _ in said] == [1, 2, 2, 78, 2]
    assert "the file with --from" in said[-1][1]
    assert all(text.startswith("seawall: ") and text.count("\n") == 1 for _, text in said), said
    assert os.listdir(made) == []


async def test_what_cannot_be_forked_is_told_in_one_line_and_nothing_is_made(
    world: World, forkable: tuple[Handle, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    env = house(world)
    handle, _ = forkable
    last = len((await handle.fetch_history()).events)
    given: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("fork", "ESC-9999-9999-9999", "--event", "5"), env),
        (("fork", handle.id, "--event", "0"), env),
        (("fork", handle.id, "--event", str(last + 50)), env),
        (("fork", handle.id, "--event", "2"), env),
        (("fork", handle.id, "--event", "9", "--run", "no-such"), env),
        (("fork", handle.id, "--event", "9"), {**env, "TEMPORAL_ADDRESS": "127.0.0.1:1"}),
        (("fast-forward", handle.id, "6h"), env),
        (("fast-forward", handle.id, "soon"), env),
    ]

    said = [await asyncio.to_thread(refused, *words, env=told) for words, told in given]

    assert [code for code, _ in said] == [4, 2, 2, 2, 2, 69, 77, 2]
    assert all(text.startswith("seawall: ") and text.count("\n") == 1 for _, text in said), said
    assert os.listdir(tmp_path) == []


def test_a_shell_that_still_names_a_fork_that_has_ended_does_not_reach_the_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = tmp_path / "seawall-fork-ended"
    monkeypatch.setenv("SEAWALL_HOME", str(ended))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "house.example:7233")
    monkeypatch.setattr(sys, "argv", ["seawall", "show", "ESC-9999-9999-9999"])

    code = cli.run()

    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (69, "", 1)
    assert said.err.startswith(f"seawall: The fork in {ended} has ended.")
    assert not ended.exists()


def test_every_act_of_a_case_has_a_hand_in_a_fork() -> None:
    """A new activity needs a stub there, or a rehearsal halts at it."""
    acts = set(payload_types.defined((), payload_types.our_hands()).activities)
    archive = set(payload_types.defined((), (Archive,)).activities)
    casebook = {"record"}

    assert acts - archive - casebook == set(hands.STUBS) | set(hands.POLICY) | {"gather"}


async def test_a_hand_that_calls_out_is_stopped_by_the_interpreter() -> None:
    script = (
        "from replay.forking.way_out import shut; shut(); import socket; socket.create_connection(('127.0.0.1', 9))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()

    assert process.returncode == 1
    assert b"WayOut: a fork has no way out" in said
