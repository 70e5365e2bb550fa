"""Does a case go on from an event of its past in a fork, and does nothing of the house notice?"""

import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.messages import Decide, Receipt
from replay import commands, histories
from replay.forking.cutting import boundaries
from starter import keyring, sealing
from starter.errors import Problem
from tests.replay import corpus
from tests.workflows.living import living
from tests.workflows.world import Handle, World, recall
from workflows.escalation import Escalation

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


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
    async with living(tmp_path_factory.mktemp("world")) as world:
        yield world


def command(*words: str, env: dict[str, str]) -> list[str]:
    return [sys.executable, "-c", "from starter.cli import main; main()", "replay", *words]


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
        *command("fork", *words, "--json", env=env),
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


async def refused(*words: str, env: dict[str, str]) -> tuple[int, str]:
    """Run a command that is refused, in a thread of this process; give its exit code and its one line."""
    app = typer.Typer()
    commands.build(app)
    with pytest.MonkeyPatch.context() as here:
        for name, value in env.items():
            here.setenv(name, value)
        here.setattr(tempfile, "tempdir", env["TMPDIR"])
        with pytest.raises(Problem) as found:
            await asyncio.to_thread(app, ["replay", *words], standalone_mode=False)
    return found.value.exit_code, f"seawall: {found.value.line()}\n"


async def refused_by_the_program(*words: str, env: dict[str, str]) -> tuple[int, str]:
    """The same, by the program as people start it."""
    process = await asyncio.create_subprocess_exec(
        *command(*words, env=env), env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, said = await asyncio.wait_for(process.communicate(), 120)
    assert out == b""
    return process.returncode or 0, said.decode()


async def decided(world: World) -> tuple[Handle, int]:
    """A case whose listings were hidden; give it and the event at which its first question had just been asked."""
    handle = await world.opened(recall())
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    asked = len((await handle.fetch_history()).events)
    await world.agree(handle, GateKind.LEGAL_REVIEW, "hide")
    await world.until(handle, lambda card: card.sweeps)
    return handle, asked


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


async def vote(alive: Alive, person: str, role: str, option: str) -> Receipt:
    file = await alive.case().query(Escalation.file)
    gate = file.gates[0].gate
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


async def test_another_vote_in_a_fork_ends_another_way_and_the_house_is_untouched(world: World) -> None:
    handle, asked = await decided(world)
    await handle.query(Escalation.file)
    before, told = await fingerprints(world), journals(world)

    async with forked(handle.id, "--event", str(asked), env=house(world)) as alive:
        stood = await alive.case().query(Escalation.file)
        await vote(alive, "leo.legal", "LEG", "no_action")
        await vote(alive, "sam.safety", "PSAF", "no_action")
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


async def test_the_same_votes_in_a_fork_get_the_recorded_answers_and_hide_nothing(world: World) -> None:
    handle, asked = await decided(world)
    original = await handle.query(Escalation.file)
    told = journals(world)

    async with forked(handle.id, "--event", str(asked), env=house(world)) as alive:
        await vote(alive, "leo.legal", "LEG", "hide")
        await vote(alive, "sam.safety", "PSAF", "hide")
        file = await seen(alive, lambda file: file.sweeps)

    assert file.manifest == original.manifest
    assert file.sweeps[0].applied.done == original.sweeps[0].applied.done > 0
    assert journals(world) == told


async def test_time_moves_in_a_fork_and_its_deadline_takes_the_default(world: World) -> None:
    handle, asked = await decided(world)

    async with forked(handle.id, "--event", str(asked), env=house(world)) as alive:
        env = {**house(world), "SEAWALL_HOME": str(alive.home), "TEMPORAL_ADDRESS": alive.said["address"]}
        process = await asyncio.create_subprocess_exec(
            *command("fast-forward", handle.id, "30d", env=env), env=env, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        assert await asyncio.wait_for(process.wait(), 60) == 0
        file = await seen(alive, lambda file: file.gates[0].outcome)

    assert file.gates[0].outcome is not None
    assert file.gates[0].outcome.how == "default"


async def test_a_fork_from_files_needs_no_server_and_keeps_the_casebook_until_then(tmp_path: Path) -> None:
    ring = tmp_path / "keyring.json"
    ring.write_bytes(corpus.KEYRING.read_bytes())
    ring.chmod(0o600)
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    env = {**os.environ, "SEAWALL_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    env["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
    files = ("--from", str(corpus.HISTORIES / "ordinary.json.gz"), "--keyring", str(ring))
    ends = list(boundaries(run.events))
    end, between = next((end, end + 2) for end, after in pairwise(ends[2:]) if end + 2 < after)

    async with forked(run.workflow_id, "--event", str(between), *files, env=env) as alive:
        file = await alive.case().query(Escalation.file)

    assert (alive.said["event"], alive.said["asked"]) == (end, between)
    assert file.case_id == run.workflow_id
    assert alive.said["entries"] == file.seq > 0


async def test_what_else_of_the_case_was_running_comes_along_and_goes_on(world: World) -> None:
    handle, _ = await decided(world)
    last = len((await handle.fetch_history()).events)
    watch = f"{handle.id}/sweep/1/watch"
    told = journals(world)

    async with forked(handle.id, "--event", str(last), env=house(world)) as alive:
        before = len((await alive.client.get_workflow_handle(watch).fetch_history()).events)
        await TimeSkipper(alive.client).fast_forward(alive.client.get_workflow_handle(watch), timedelta(hours=2))
        after = (await alive.client.get_workflow_handle(watch).fetch_history()).events
        file = await alive.case().query(Escalation.file)

    searched = [event for event in after[before:] if event.HasField("activity_task_completed_event_attributes")]
    assert watch in alive.said["brought"]
    assert alive.said["verdict"] == "same"
    assert len(searched) >= 1
    assert file.ruling == "hide"
    assert journals(world) == told


async def test_what_cannot_be_read_is_told_in_one_line_and_nothing_is_made(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    whole = tmp_path / "whole.json"
    histories.write(run, whole)
    half = tmp_path / "half.json"
    half.write_text(whole.read_text()[:5000])
    other = tmp_path / "keys" / "keyring.json"
    keyring.open_ring(other)
    env = {**os.environ, "SEAWALL_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "TMPDIR": str(made)}

    said = [
        await refused("fork", run.workflow_id, "--event", "30", "--from", str(whole), "--keyring", str(other), env=env),
        await refused_by_the_program(
            "fork", run.workflow_id, "--event", "30", "--from", str(half), "--keyring", str(other), env=env
        ),
        await refused(
            "fork", "ESC-9999-9999-9999", "--event", "30", "--from", str(whole), "--keyring", str(other), env=env
        ),
        await refused("fork", run.workflow_id, "--event", "30", "--from", str(whole), env=env),
    ]

    assert [code for code, _ in said] == [1, 2, 2, 78]
    assert all(text.startswith("seawall: ") and text.count("\n") == 1 for _, text in said), said
    assert os.listdir(made) == []


async def test_what_cannot_be_forked_is_told_in_one_line_and_nothing_is_made(world: World, tmp_path: Path) -> None:
    env = {**house(world), "TMPDIR": str(tmp_path)}
    handle, _ = await decided(world)
    last = len((await handle.fetch_history()).events)

    said = [
        await refused("fork", "ESC-9999-9999-9999", "--event", "5", env=env),
        await refused("fork", handle.id, "--event", "0", env=env),
        await refused("fork", handle.id, "--event", str(last + 50), env=env),
        await refused("fork", handle.id, "--event", "2", env=env),
        await refused("fork", handle.id, "--event", "9", "--run", "no-such", env=env),
        await refused("fork", handle.id, "--event", "9", env={**env, "TEMPORAL_ADDRESS": "127.0.0.1:1"}),
        await refused_by_the_program("fast-forward", handle.id, "6h", env=env),
        await refused("fast-forward", handle.id, "soon", env=env),
    ]

    assert [code for code, _ in said] == [4, 2, 2, 2, 2, 69, 77, 2]
    assert all(text.startswith("seawall: ") and text.count("\n") == 1 for _, text in said), said
    assert os.listdir(tmp_path) == []


async def test_a_hand_that_calls_out_is_stopped_by_the_interpreter() -> None:
    script = "from replay.forking.life import shut; shut(); import socket; socket.create_connection(('127.0.0.1', 9))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()

    assert process.returncode == 1
    assert b"WayOut: a fork has no way out" in said
