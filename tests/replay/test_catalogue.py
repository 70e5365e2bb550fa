"""Does the gate see what changes a running case, and let pass what does not? Forty edits of a copy of the code."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from replay import histories, reading
from replay.check import Verdict
from replay.judge import Brief, Job
from replay.judges import checked_of
from replay.tape import ROOT
from tests.replay import corpus
from tests.replay.catalogue import HARMLESS, KEPT_OTHERWISE, SEEN, Edit, Swap

PACKAGES = ("activities", "escalations", "replay", "rulebook", "starter", "store", "workflows")
# What a checker loads that is not ours; loading it takes as long as all the rest.
FOREIGN = (
    "cryptography.hazmat.primitives.ciphers.aead",
    "pydantic_settings",
    "temporalio.client",
    "temporalio.contrib.pydantic",
    "temporalio.worker.workflow_sandbox",
)
TYPES = tuple(f"{each.__module__}:{each.__qualname__}" for each in reading.workflows())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with a ring and a home of its own, compiled once."""
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    ring = Path(shutil.copyfile(corpus.KEYRING, folder / "keyring.json"))
    ring.chmod(0o600)
    subprocess.run([sys.executable, "-m", "compileall", "-q", *PACKAGES], cwd=folder, check=True)
    return folder


@contextmanager
def edited(copy: Path, swaps: Sequence[Swap]) -> Iterator[None]:
    """Apply replacements, each of which must match exactly once, and take them back."""
    kept: dict[Path, tuple[str, os.stat_result]] = {}
    try:
        for swap in swaps:
            path = copy / swap.file
            text = path.read_text(encoding="utf-8")
            kept.setdefault(path, (text, path.stat()))
            assert text.count(swap.before) == 1, f"{swap.file} has moved on: {swap.before!r}"
            path.write_text(text.replace(swap.before, swap.after), encoding="utf-8")
        yield
    finally:
        for path, (text, stat) in kept.items():
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


class Nursery:
    """A process that has loaded what is not ours, and gives life to one checker after the other, each a child of it.

    Every checker loads all of our code by itself, from the copy as it stands then. `PYTHONPATH` is the copy alone.
    """

    def __init__(self, copy: Path) -> None:
        self._here, theirs = socket.socketpair()
        self.complaints = copy / "complaints.txt"
        env = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "SEAWALL_HOME": str(copy / "home")}
        with self.complaints.open("wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-c", NURSERY, str(theirs.fileno())],
                cwd=copy,
                env={**os.environ, **env},
                pass_fds=[theirs.fileno()],
                stderr=complaints,
            )
        theirs.close()

    def checker(self, said: bytes) -> bytes:
        """Let one checker hear something, and give what it answers."""
        (hears, speaks), (answers, writes) = os.pipe(), os.pipe()
        socket.send_fds(self._here, [b"?"], [hears, writes])
        os.close(hears)
        os.close(writes)
        with os.fdopen(speaks, "wb") as jobs, os.fdopen(answers, "rb") as lines:
            jobs.write(said)
            jobs.close()
            return lines.read()

    def end(self) -> None:
        """End it: it goes when nobody can ask any more."""
        self._here.close()
        self._process.wait()


NURSERY = f"""
import os, socket, sys
import {", ".join(FOREIGN)}
asked = socket.socket(fileno=int(sys.argv[1]))
while True:
    _, files, _, _ = socket.recv_fds(asked, 1, 2)
    if not files:
        break
    if not (child := os.fork()):
        try:
            asked.close()
            os.dup2(files[0], 0), os.dup2(files[1], 1)
            os.close(files[0]), os.close(files[1])
            from replay.__main__ import main
            main()
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.close(files[0]), os.close(files[1])
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def nursery(copy: Path) -> Iterator[Nursery]:
    opened = Nursery(copy)
    yield opened
    opened.end()


def judged(copy: Path, nursery: Nursery, files: Sequence[Path]) -> list[Any]:
    """Have the checker of the copy judge histories with the code of the copy, in a process of its own."""
    brief = Brief(types=TYPES, ring=str(copy / "keyring.json"))
    lines = [asdict(brief), *(asdict(Job(file=str(file))) for file in files)]
    answer = nursery.checker("".join(json.dumps(line) + "\n" for line in lines).encode())
    said = [json.loads(line) for line in answer.splitlines()]
    assert said, nursery.complaints.read_text()[-2000:]
    checked = [checked_of(line["checked"]) for line in said if "checked" in line]
    assert len(checked) == len(files), said
    return checked


def recorded(names: Sequence[str]) -> list[Path]:
    return [corpus.HISTORIES / f"{name}.json.gz" for name in names]


def test_the_catalogue_has_twenty_of_each_with_names_of_their_own() -> None:
    assert (len(SEEN), len(HARMLESS)) == (20, 20)
    assert len({edit.name for edit in (*SEEN, *HARMLESS)}) == 40


@pytest.mark.parametrize("edit", SEEN, ids=[edit.name.replace(" ", "-") for edit in SEEN])
def test_an_edit_that_changes_a_running_case_is_seen_and_named(copy: Path, nursery: Nursery, edit: Edit) -> None:
    with edited(copy, edit.swaps):
        [checked] = judged(copy, nursery, recorded(edit.histories))

    reasons = [checked.detail, *(each.line() for each in checked.differences)]
    assert checked.verdict is edit.verdict, reasons
    assert any(edit.about in reason for reason in reasons), reasons


@pytest.mark.parametrize("edit", KEPT_OTHERWISE, ids=[edit.name.replace(" ", "-") for edit in KEPT_OTHERWISE])
def test_an_edit_that_only_keeps_something_else_is_seen_by_the_states_beside_a_history(
    copy: Path, nursery: Nursery, edit: Edit, tmp_path: Path
) -> None:
    [path] = recorded(edit.histories)
    alone = Path(shutil.copy(path, tmp_path))
    with edited(copy, edit.swaps):
        unseen, checked = judged(copy, nursery, [alone, path])

    reasons = [each.line() for each in checked.differences]
    assert (unseen.verdict, unseen.states) == (Verdict.SAME, 0), unseen.differences
    assert checked.verdict is edit.verdict, checked.states
    assert all(each.kind == "state" for each in checked.differences), reasons
    assert any(edit.about in reason for reason in reasons), reasons


@pytest.mark.parametrize("edit", HARMLESS, ids=[edit.name.replace(" ", "-") for edit in HARMLESS])
def test_an_edit_that_changes_no_running_case_passes(copy: Path, nursery: Nursery, edit: Edit) -> None:
    with edited(copy, edit.swaps):
        found = judged(copy, nursery, recorded(edit.histories))

    assert [(checked.verdict, checked.detail, checked.differences) for checked in found] == [
        (Verdict.SAME, "", ()) for _ in edit.histories
    ]


def test_all_harmless_edits_together_pass_every_recorded_history(copy: Path, nursery: Nursery) -> None:
    files = histories.files([corpus.HISTORIES])

    with edited(copy, [swap for edit in HARMLESS for swap in edit.swaps]):
        found = judged(copy, nursery, files)

    assert [(checked.origin, checked.differences) for checked in found if checked.verdict is not Verdict.SAME] == []
