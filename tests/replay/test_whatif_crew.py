"""Do several processes say what one says, whatever becomes of them?"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from replay import histories
from replay.simulation.traces import Trace
from replay.whatif import cases as cases_of
from replay.whatif import crew, trial
from replay.whatif.crew import Lost
from replay.whatif.trial import Tried
from starter.errors import Problem
from tests.replay import corpus, crew_work
from tests.replay import test_whatif as command

WAITING = """
import sys
from replay.simulation.traces import Trace
from replay.whatif import cases as cases_of
from replay.whatif import crew, trial
from tests.replay import crew_work
list(crew.answers(crew_work.doubling, sys.argv[1], ("wait 60", "wait 60"), processes=2))
"""
SEAWALL = "from starter.cli import main; main()"
ROOT = Path(__file__).parents[2]
SOME = ("default", "rejected", "order", "default-sweep-1")


def done(folder: Path, *items: str, processes: int) -> list[str | Lost]:
    with closing(crew.answers(crew_work.doubling, str(folder), items, processes=processes)) as found:
        return list(found)


@pytest.mark.parametrize("processes", [1, 3])
def test_answers_come_in_the_order_of_the_items_whoever_is_quicker(tmp_path: Path, processes: int) -> None:
    items = ("wait 0.3", "b", "wait 0.1", "print d", "e", "f")

    assert done(tmp_path, *items, processes=processes) == [item + item for item in items]
    assert len(list(tmp_path.iterdir())) == processes


def test_no_more_processes_are_started_than_there_are_items(tmp_path: Path) -> None:
    assert done(tmp_path, "a", "b", processes=8) == ["aa", "bb"]
    assert len(list(tmp_path.iterdir())) <= 2
    assert done(tmp_path, processes=8) == []


def test_a_process_that_dies_costs_its_own_item_alone(tmp_path: Path) -> None:
    found = done(tmp_path, "a", "exit 7", "b", "kill", "c", "d", processes=2)

    assert found == ["aa", Lost("exit code 7"), "bb", Lost("signal 9"), "cc", "dd"]


def test_processes_that_cannot_begin_lose_every_item_and_come_to_an_end() -> None:
    with closing(crew.answers(crew_work.unwilling, "", ("a", "b", "c"), processes=2)) as found:
        assert list(found) == [Lost("exit code 1")] * 3


def test_the_first_refusal_in_the_order_of_the_items_is_raised(tmp_path: Path) -> None:
    with pytest.raises(Problem) as raised:
        done(tmp_path, "a", "wait 0.5", "refuse one", "refuse two", "b", "c", processes=4)

    assert (raised.value.line(), raised.value.exit_code) == ("one is refused. Ask for less.", 5)


def test_a_reader_who_goes_away_leaves_no_process_behind(tmp_path: Path) -> None:
    found = crew.answers(crew_work.doubling, str(tmp_path), ("a", "wait 60", "wait 60"), processes=2)
    assert next(found) == "aa"

    found.close()

    assert [path.name for path in tmp_path.iterdir() if alive(int(path.name))] == []


def test_ctrl_c_ends_every_process_and_none_of_them_says_a_word(tmp_path: Path) -> None:
    process = subprocess.Popen(
        (sys.executable, "-c", WAITING, str(tmp_path)),
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        cwd=ROOT,
    )
    until = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.05)

    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)

    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert [pid for pid in pids if alive(pid)] == []
    assert said.count("Traceback") == 1  # that of the one who was interrupted, which a command turns into one word
    assert said.rstrip().endswith("KeyboardInterrupt")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """What-if over a few recorded cases, with hardly any time for legal review."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    ring, book = Path(shutil.copyfile(corpus.KEYRING, tmp_path / "ring.json")), tmp_path / "company"
    ring.chmod(0o600)
    book.mkdir()
    (book / "gates.yaml").write_text("gates:\n  legal_review:\n    time_box: [PT20M, PT20M, PT20M, PT20M, PT20M]\n")
    cases = command.some(tmp_path / "cases", *SOME)
    return "--rulebook", book, "--cases", cases, "--kept", corpus.RULEBOOKS, "--keyring", ring, "--json"


def test_the_report_is_the_same_with_one_process_and_with_two(words: tuple[object, ...]) -> None:
    one, two = (command.run(*words, "--jobs", jobs) for jobs in (1, 2))

    assert one == two
    told = json.loads(one[1])
    assert told["cases"] == told["same"] == len(SOME) - 1
    assert told["scenarios"][0]["changed"] > 0


def test_a_process_that_is_killed_is_told_with_its_case(words: tuple[object, ...]) -> None:
    process = subprocess.Popen(
        (
            sys.executable,
            "-c",
            "from starter.cli import main; main()",
            "replay",
            "what-if",
            *map(str, words),
            "--jobs=2",
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    until = time.monotonic() + 120
    while not (started := children(process.pid)) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(started[0], signal.SIGKILL)  # it was handed its case when it began
    said, _ = process.communicate(timeout=300)

    told = json.loads(said)
    assert (process.returncode, told["cases"], told["same"]) == (0, len(SOME) - 1, len(SOME) - 2)
    assert [one["why"] for one in told["left_out"]] == ["the process that lived it ended with signal 9"]


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ("pgrep", "-P", str(pid), "-f", "replay.whatif"), capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def test_a_case_that_breaks_what_if_itself_is_named_and_the_others_go_on(
    words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    lived = trial.tried

    def broken(trace: Trace, *told: object) -> Tried:
        if len(trace.messages) < 5:
            raise ZeroDivisionError
        return lived(trace, *told)  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "tried", broken)
    code, said = command.run(*words, "--jobs", 1)

    told = json.loads(said)
    assert (code, told["same"]) == (0, len(SOME) - 2)
    assert [one["why"] for one in told["left_out"]] == ["trying it raised ZeroDivisionError"]


def test_only_the_first_event_of_a_file_is_needed_to_know_its_case() -> None:
    found = cases_of.of_files([corpus.HISTORIES])

    assert {case.id for case in found} == {histories.of_file(path).workflow_id for path in command.CASES}
    assert all(len(case.files) == 1 for case in found)
