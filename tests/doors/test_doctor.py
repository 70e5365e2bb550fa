"""Does the doctor find what is wrong here? Each check is made to fail for real, and to pass again."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from starter import keyring, settings
from starter.doctor import casebook, examination, folder, machine, outside
from starter.settings import Settings
from starter.stack import address, ports
from store import migrations
from store.archive import Index, Row
from store.engine import open_engine
from tests.doors.findings import CASE, NOW, card, is_wrong, written
from tests.stack.conftest import COMMAND, environment


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith(("SEAWALL_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    return settings.load(home=tmp_path / "home")


@pytest.fixture
async def engine(told: Settings) -> AsyncIterator[AsyncEngine]:
    made = open_engine(told.database_url)
    await migrations.upgrade(made)
    yield made
    await made.dispose()


# this machine


def test_a_python_that_is_too_old_is_wrong() -> None:
    assert is_wrong(machine.python((3, 10, 9)))
    assert not is_wrong(machine.python())


def test_a_package_that_drifted_from_the_lock_is_wrong(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("structlog==1.0.0 \\\n    --hash=sha256:00\nnot-installed-here==1.0 \\\n")

    found = machine.packages(lock)

    assert is_wrong(found)
    assert "structlog" in found.text
    assert machine.packages(tmp_path / "nothing").state == "skipped"
    assert not is_wrong(machine.packages())


async def test_a_temporal_program_that_is_missing_old_or_broken_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = await machine.programs(local=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = await machine.programs(local=True)
    elsewhere = await machine.programs(local=False)
    program = tmp_path / "temporal"
    program.write_text("#!/bin/sh\necho temporal version 1.3.0\n")
    program.chmod(0o755)
    old = await machine.programs(local=True)
    program.write_text("#!/bin/sh\nexit 3\n")
    broken = await machine.programs(local=True)

    assert not is_wrong(good)
    assert is_wrong(missing)
    assert elsewhere.state == "skipped"
    assert is_wrong(old)
    assert is_wrong(broken)


def test_a_disk_with_too_little_room_is_wrong(tmp_path: Path) -> None:
    assert is_wrong(machine.disk(tmp_path, least=10**18))
    assert not is_wrong(machine.disk(tmp_path, least=1))


async def test_a_port_that_somebody_else_has_is_told_before_a_start(told: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = replace(ports.free(), console=taken.getsockname()[1])
        found = await machine.listening(told, wanted)
    fine = await machine.listening(told, ports.free())

    assert (found.state, "--port console=PORT" in found.next_step) == ("warning", True)
    assert fine.state == "well"


async def test_a_stack_that_should_answer_and_does_not_is_wrong(told: Settings) -> None:
    address.leave(told.home, dict.fromkeys(address.NAMES, "x"))

    found = await machine.listening(told.model_copy(update={"console_port": ports.free().console}))

    assert is_wrong(found)


# the state folder


def test_a_folder_or_key_that_others_can_read_is_wrong(told: Settings) -> None:
    keyring.open_ring(told.keyring_file)
    closed = folder.modes(told)
    told.home.chmod(0o755)
    opened = folder.modes(told)
    told.home.chmod(0o700)
    told.keyring_file.chmod(0o644)
    exposed = folder.modes(told)
    ring = folder.keys(told)

    assert not is_wrong(closed)
    assert is_wrong(opened)
    assert is_wrong(exposed)
    assert is_wrong(ring)
    assert "chmod" in opened.next_step


def test_a_key_ring_that_is_gone_while_there_are_cases_is_wrong(told: Settings) -> None:
    fresh_folder = folder.keys(told)
    (told.home / "casebook.db").write_bytes(b"")

    assert fresh_folder.state == "skipped"
    assert is_wrong(folder.keys(told))


def test_a_key_ring_is_missed_until_it_is_copied_and_again_after_a_rotation(
    told: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.open_ring(told.keyring_file)
    here = folder.keys(told)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    elsewhere = folder.keys(told)
    keyring.copy(told.keyring_file, tmp_path / "copy.json")
    after = folder.keys(told)
    keyring.rotate(told.keyring_file)

    assert here.state == "warning"
    assert is_wrong(elsewhere)
    assert not is_wrong(after)
    assert is_wrong(folder.keys(told))
    assert (tmp_path / "copy.json").stat().st_mode & 0o777 == 0o600


def test_a_rulebook_that_does_not_load_is_wrong(told: Settings, tmp_path: Path) -> None:
    (tmp_path / "own" / "clocks").mkdir(parents=True)
    (tmp_path / "own" / "clocks" / "own.yaml").write_text("- nonsense: true\n")

    assert not is_wrong(folder.rulebook(told))
    assert is_wrong(folder.rulebook(told.model_copy(update={"rulebook": tmp_path / "own"})))


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        pytest.param({}, "well", id="as it comes"),
        pytest.param({"pager_url": "http://pager.example"}, "wrong", id="a token in the clear"),
        pytest.param({"chat_url": "https://chat.example"}, "wrong", id="no token"),
        pytest.param({"overlay": "demo"}, "wrong", id="the demo's rules"),
        pytest.param({"log_level": "debug"}, "warning", id="debug"),
        pytest.param({"console_host": "0.0.0.0"}, "warning", id="console for everybody"),
        pytest.param({"metrics_address": "0.0.0.0:9000"}, "warning", id="metrics for everybody"),
    ],
)
def test_settings_that_are_only_right_at_home_are_told(
    told: Settings, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], state: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")

    found = folder.safe(told.model_copy(update=changed))

    assert found.state == state
    assert "pager.example" not in found.line()


# the casebook


async def test_a_casebook_of_another_shape_is_wrong(told: Settings, engine: AsyncEngine) -> None:
    fine = await casebook.shape(engine)
    await migrations.downgrade(engine)

    assert not is_wrong(fine)
    assert is_wrong(await casebook.shape(engine))


async def test_a_casebook_without_a_write_ahead_log_is_wrong(told: Settings) -> None:
    file = told.home / "casebook.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (x)")
    readonly = open_engine(f"sqlite+aiosqlite:///file:{file}?immutable=1&uri=true")

    found = await examination._looked("journal", casebook.journal(readonly))
    await readonly.dispose()

    assert is_wrong(found)


async def test_a_casebook_in_wal_mode_is_well(engine: AsyncEngine) -> None:
    assert not is_wrong(await casebook.journal(engine))


@contextmanager
def stranger_at(file: Path) -> Iterator[int]:
    """Let a program that is none of ours hold a file open."""
    code = f"f = open({str(file)!r}); print('open', flush=True); import sys; sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/"
    ) as stranger:
        assert stranger.stdout
        assert stranger.stdin
        stranger.stdout.readline()
        yield stranger.pid
        stranger.stdin.close()


async def test_a_strange_program_at_the_casebook_is_wrong_while_sqlite_has_the_bug(
    told: Settings, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    alone = await casebook.library(engine, hazard=True)
    with stranger_at(told.home / "casebook.db") as pid:
        found = await casebook.library(engine, hazard=True)
        repaired = await casebook.library(engine, hazard=False)

    assert not is_wrong(alone)
    assert is_wrong(found)
    assert str(pid) in found.text
    assert not is_wrong(repaired)


async def test_a_closed_case_that_temporal_will_forget_is_wrong_until_it_is_archived(engine: AsyncEngine) -> None:
    await written(engine, card(closed_at=NOW))
    kept = timedelta(days=40)

    early = await casebook.archived(engine, kept=kept, now=NOW + timedelta(days=20))
    late = await casebook.archived(engine, kept=kept, now=NOW + timedelta(days=31))
    run = Row(workflow_id=CASE, run_id="run", case_id=CASE, closed_at=NOW)
    await Index(engine).kept(run, "0" * 64, 90, NOW)
    after = await casebook.archived(engine, kept=kept, now=NOW + timedelta(days=31))

    assert not is_wrong(early)
    assert is_wrong(late)
    assert CASE in late.text
    assert not is_wrong(after)


# outside systems


async def test_an_outside_system_that_does_not_answer_is_wrong(told: Settings) -> None:
    with socket.socket() as listens, socket.socket() as does_not:
        for one in (listens, does_not):
            one.bind(("127.0.0.1", 0))
        listens.listen()
        changed = {
            "pager_url": f"http://127.0.0.1:{listens.getsockname()[1]}",
            "smtp_host": "127.0.0.1",
            "smtp_port": does_not.getsockname()[1],
        }
        found = {one.check: one for one in await outside.reached(told.model_copy(update=changed))}

    assert not is_wrong(found["pager"])
    assert is_wrong(found["mail"])
    assert found["marketplace"].state == "skipped"


# the command


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


Doctor = Callable[..., Ran]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Run `seawall doctor` as a user does."""

    def run(*arguments: str, **env: str) -> Ran:
        done = subprocess.run(
            [*COMMAND, "doctor", *arguments],
            cwd=tmp_path,
            env=environment(**env),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def test_the_command_says_each_wrong_thing_on_one_line_and_exits_1(doctor: Doctor) -> None:
    ran = doctor(TEMPORAL_ADDRESS="127.0.0.1:9")
    as_data = json.loads(doctor("--json", TEMPORAL_ADDRESS="127.0.0.1:9").out)

    lines = [line for line in ran.out.splitlines() if line.startswith("WRONG")]
    assert ran.code == 1, ran
    assert len(lines) == 1
    assert "temporal" in lines[0]
    assert as_data["state"] == "wrong"
    assert {one["check"] for one in as_data["findings"]} >= {"python", "packages", "temporal", "retention", "mail"}
    assert not ran.err


def test_settings_that_cannot_be_read_are_a_finding_and_not_a_crash(doctor: Doctor) -> None:
    ran = doctor(SEAWALL_CONSOLE_PORT="many")

    assert ran.code == 1
    assert "SEAWALL_CONSOLE_PORT" in ran.out
    assert "Traceback" not in ran.out + ran.err
