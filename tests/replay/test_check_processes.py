"""Are histories judged by processes that may die, hang or be handed nonsense, without the others noticing?"""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.client import WorkflowHistory
from temporalio.converter import WorkflowSerializationContext

from replay import histories, judges, reading
from replay.check import Checked, Verdict
from replay.judge import Brief, Job
from replay.judges import Answer, Unfit
from replay.tape import ROOT
from starter import keyring
from starter.errors import Problem
from starter.sealing import data_converter
from tests.replay import corpus, small

OURS = tuple(f"{each.__module__}:{each.__qualname__}" for each in reading.workflows())
SMALL = ("tests.replay.small:Small", "tests.replay.small:SmallChild")
FILES = histories.files([corpus.HISTORIES])
SHORT = [path for path in FILES if path.name.endswith("-watch.json.gz")][:4]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keyring.json"
    path.write_bytes(corpus.KEYRING.read_bytes())
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))


async def judged(
    paths: list[Path], ring: Path, *, types: tuple[str, ...] = OURS, processes: int = 1, patience: float = 60.0
) -> list[Answer]:
    async def jobs() -> AsyncIterator[Job]:
        for path in paths:
            yield Job(file=str(path))

    brief = Brief(types=types, ring=str(ring))
    async with aclosing(judges.judged(jobs(), brief, processes=processes, patience=patience)) as answers:
        return [answer async for answer in answers]


async def begun(folder: Path, name: str) -> Path:
    """A history of the small case that no worker has touched: its first task is tried."""
    case_id = f"ESC-0000-0000-{name}"
    context = WorkflowSerializationContext(namespace="default", workflow_id=case_id)
    converter = data_converter(corpus.ring(), "default").with_context(context)
    payloads = await converter.encode([small.Order("S1")])
    started = {
        "eventId": "1",
        "eventTime": "2026-11-30T12:00:00Z",
        "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
        "workflowExecutionStartedEventAttributes": {
            "workflowType": {"name": "Small"},
            "taskQueue": {"name": "small"},
            "workflowId": case_id,
            "input": {"payloads": [MessageToDict(payload) for payload in payloads]},
            "originalExecutionRunId": "r",
            "firstExecutionRunId": "r",
        },
    }
    scheduled = {
        "eventId": "2",
        "eventTime": "2026-11-30T12:00:00Z",
        "eventType": "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED",
        "workflowTaskScheduledEventAttributes": {"taskQueue": {"name": "small"}},
    }
    path = folder / f"{name}.json"
    path.write_text(WorkflowHistory.from_json("", json.dumps({"events": [started, scheduled]})).to_json())
    return path


async def test_several_processes_judge_every_history_once(ring: Path) -> None:
    answers = await judged(SHORT, ring, processes=2)

    assert sorted(answer.origin for answer in answers if isinstance(answer, Checked)) == sorted(map(str, SHORT))
    assert {answer.verdict for answer in answers if isinstance(answer, Checked)} == {Verdict.SAME}


async def test_a_process_that_dies_is_a_verdict_on_its_history_alone(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_LIFE", '{"ends": true}')
    deadly = await begun(tmp_path, "0001")

    answers = await judged([deadly, *SHORT[:2]], ring, types=(*SMALL, *OURS))

    verdicts = {answer.origin: answer.verdict for answer in answers if isinstance(answer, Checked)}
    assert verdicts == {str(deadly): Verdict.BREAKS} | dict.fromkeys(map(str, SHORT[:2]), Verdict.SAME)
    [dead] = [answer for answer in answers if isinstance(answer, Checked) and answer.verdict is Verdict.BREAKS]
    assert dead.detail == "the process that lived it ended with exit code 7"


async def test_code_that_does_not_come_to_rest_is_a_verdict(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_LIFE", '{"spins": true}')

    [answer] = await judged([await begun(tmp_path, "0002")], ring, types=SMALL, patience=30.0)

    assert isinstance(answer, Checked)
    assert answer.verdict is Verdict.BREAKS


async def test_code_that_cannot_be_loaded_is_told_once_with_its_line(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_written.py").write_text("class Case:\n    def run(self:\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(Problem) as refused:
        await judged(SHORT, ring, types=("half_written:Case",), processes=2)

    assert (refused.value.code, refused.value.exit_code) == ("code_broken", 1)
    assert "SyntaxError" in refused.value.text
    assert "half_written.py:2" in refused.value.text


def edited(path: Path, folder: Path, name: str, change: str) -> Path:
    document = json.loads(gzip.decompress(path.read_bytes()))
    events = document["events"]
    if change == "cut":
        text = json.dumps(document)[:-200]
    elif change == "gap":
        text = json.dumps({"events": events[:2] + events[3:]})
    else:
        [started] = [e for e in events if "workflowExecutionStartedEventAttributes" in e]
        [payload] = started["workflowExecutionStartedEventAttributes"]["input"]["payloads"]
        payload["data"] = payload["data"][:-8] + "AAAAAAA="
        text = json.dumps(document)
    made = folder / name
    made.write_text(text)
    return made


async def test_what_cannot_be_judged_gets_one_clear_line_each(ring: Path, tmp_path: Path) -> None:
    (tmp_path / "nonsense.json").write_text("{}")
    cut = edited(SHORT[0], tmp_path, "cut.json", "cut")
    gap = edited(SHORT[0], tmp_path, "gap.json", "gap")
    forged = edited(SHORT[0], tmp_path, "forged.json", "forged")
    other = await begun(tmp_path, "0003")

    answers = await judged([tmp_path / "nonsense.json", cut, gap, forged, other], ring)

    unfit = [answer.line for answer in answers if isinstance(answer, Unfit)]
    assert [line.split(" ")[0].rsplit("/", 1)[-1] for line in unfit] == ["nonsense.json", "cut.json", "gap.json"]
    assert all("\n" not in line for line in unfit)
    checked = [answer for answer in answers if isinstance(answer, Checked)]
    assert [answer.verdict for answer in checked] == [Verdict.UNREADABLE, Verdict.UNKNOWN_TYPE]
    assert [answer.detail.count("\n") for answer in checked] == [0, 0]


async def test_another_ring_opens_nothing(tmp_path: Path) -> None:
    keyring.open_ring(tmp_path / "other" / "keyring.json")

    [answer] = await judged(SHORT[:1], tmp_path / "other" / "keyring.json")

    assert isinstance(answer, Checked)
    assert answer.verdict is Verdict.UNREADABLE


def started(*words: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=pipe, stderr=pipe, start_new_session=True)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are a matter of POSIX")
async def test_ctrl_c_ends_every_process_with_one_line(ring: Path, tmp_path: Path) -> None:
    command = "from starter.cli import main; main()"
    words = ("replay", "check", str(corpus.HISTORIES), "--keyring", str(ring), "--jobs", "2")
    gate = started("-c", command, *words)
    assert gate.stdout is not None
    await asyncio.to_thread(gate.stdout.readline)

    os.killpg(gate.pid, signal.SIGINT)
    _, said = await asyncio.to_thread(gate.communicate)

    assert gate.returncode == 130
    assert said.decode().splitlines()[-1] == "seawall: stopped."
    assert "Traceback" not in said.decode()
    with pytest.raises(ProcessLookupError):
        os.killpg(gate.pid, 0)
