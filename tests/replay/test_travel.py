"""What does an engineer see of the past, and what is refused?"""

import gzip
import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from typer.testing import CliRunner

from replay import commands, histories, reading
from replay.travel import journey, steps, walk
from starter import keyring
from starter.errors import Problem
from starter.sealing import data_converter
from tests.replay import chained, corpus
from tests.replay.server import dev_server

ORDINARY = str(corpus.HISTORIES / "ordinary.json.gz")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, with nothing in it yet."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def ring(tmp_path: Path) -> str:
    copy = Path(shutil.copyfile(corpus.KEYRING, tmp_path / "keyring.json"))
    copy.chmod(0o600)
    return str(copy)


def run(*words: str) -> str:
    app = typer.Typer()
    commands.build(app)
    ended = CliRunner().invoke(app, ["replay", *words], standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return ended.output


def found(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def events(name: str) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = json.loads(gzip.decompress((corpus.HISTORIES / f"{name}.json.gz").read_bytes()))[
        "events"
    ]
    return kept


def event(name: str, kind: str, number: int = 1) -> int:
    """The id of the n-th event of a kind."""
    ids = [int(each["eventId"]) for each in events(name) if each["eventType"] == f"EVENT_TYPE_{kind}"]
    return ids[number - 1]


def first_vote() -> int:
    return event("ordinary", "WORKFLOW_EXECUTION_UPDATE_ACCEPTED")


def test_at_an_event_the_whole_case_is_shown_as_it_stood(ring: str) -> None:
    shown = found("at", ORDINARY, "--event", str(first_vote()), "--keyring", ring)

    assert (shown["stage"], shown["priority"], shown["closed_at"]) == ("legal_review", 2, None)
    assert "and wrote event" in shown["shows"]
    [gate] = shown["gates"]
    assert (gate["outcome"], gate["quorum"], dict(gate["in_favour"])) == ("", 2, {"hide": 1, "no_action": 0})
    seats = {seat["role"]: seat for seat in gate["seats"]}
    assert seats["LEG"]["spoken"] == ["leo.legal: approve hide"]
    assert "leo.legal" not in seats["LEG"]["could_act"]
    assert "sam.safety" in seats["PSAF"]["could_act"]
    assert gate["digest"] == shown["evidence"]["manifest"]["digest"]
    assert {option["key"] for option in gate["options"]} == {"hide", "no_action"}
    [clock] = shown["clocks"]
    assert clock["left"].startswith("PT23H59M")
    [standing] = shown["standing"]
    assert (standing["owner"], standing["then"]) == ("LEG, PSAF", "default: hide")
    assert any(place.startswith("workflows/stages/legal_review.py:") for place in standing["way"])
    assert any("gate/1" in item for item in shown["owed"])


def test_between_two_tasks_the_last_one_holds_and_what_arrived_meanwhile_is_named(ring: str) -> None:
    completed = event("ordinary", "ACTIVITY_TASK_COMPLETED", 2)

    before = found("at", ORDINARY, "--event", str(completed - 1), "--keyring", ring)
    shown = found("at", ORDINARY, "--event", str(completed), "--keyring", ring)

    assert shown["task_event"] == before["task_event"] < completed
    assert before["unseen"] == []
    assert len(shown["unseen"]) == 1
    assert f"event {completed}," in shown["unseen"][0]
    assert "no later one had begun" in shown["shows"]
    assert {hand["what"].split(" ")[0] for hand in shown["hands"]} <= {"find_listings", "gather", "post"}


def test_at_a_time_what_was_left_is_counted_from_that_time(ring: str) -> None:
    watch = str(corpus.HISTORIES / "default-sweep-1-watch.json.gz")
    began = datetime.fromisoformat(events("default-sweep-1-watch")[2]["eventTime"][:19]).replace(tzinfo=UTC)

    text = run("at", watch, "--time", (began + timedelta(hours=12, minutes=30)).isoformat(), "--keyring", ring)

    assert "waiting for seawall: next re-sweep (11 h 30 min, until" in text


def test_before_its_first_task_nothing_was_known_yet(ring: str) -> None:
    shown = found("at", ORDINARY, "--event", "2", "--keyring", ring)

    assert (shown["task_event"], shown["stage"], shown["gates"]) == (None, "", [])
    assert shown["shows"].startswith("no task had begun")


def test_the_state_of_a_closed_case_is_shown_when_no_place_is_named(ring: str) -> None:
    text = run("at", ORDINARY, "--keyring", ring)

    assert "stage closed" in text
    assert "Owed" not in text


def test_the_timeline_says_of_every_task_what_woke_it_what_it_did_and_what_changed(ring: str) -> None:
    steps = found("timeline", ORDINARY, "--keyring", ring)["steps"]

    assert len(steps) == sum(each["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED" for each in events("ordinary"))
    assert steps[0]["woken_by"] == ["the run was started"]
    said = next(step for step in steps if step["woken_by"] == ["update decide by leo.legal for LEG"])
    assert "gate 1 (legal_review): leo.legal as LEG: approve hide" in said["changed"]
    assert "wrote into the casebook: vote.cast" in said["did"]
    assert any("child sweep/1 closed" in step["woken_by"] for step in steps)
    assert any(
        line.startswith("activity send_notice (tell sellers) completed") for step in steps for line in step["woken_by"]
    )
    assert steps[-1]["did"][-2:-1] == ["the run closed"] or "the run closed" in steps[-1]["did"]


def test_the_timeline_of_a_default_names_the_timer_that_rang(ring: str) -> None:
    steps = found("timeline", str(corpus.HISTORIES / "default.json.gz"), "--keyring", ring)["steps"]

    rang = [step for step in steps if any(line.startswith("the timer of ") for line in step["woken_by"])]

    assert any("decided: hide by default" in line for step in rang for line in step["changed"])


def test_a_difference_is_told_in_words_and_a_detour_is_none(ring: str) -> None:
    vote = first_vote()

    told = found("diff", ORDINARY, "3", str(vote), "--keyring", ring)
    same = found("diff", ORDINARY, str(vote), str(vote), "--keyring", ring)

    assert "stage: investigation → legal_review" in told["changed"]
    assert any(line.startswith("gate 1 (legal_review) opened: ") for line in told["changed"])
    assert told["tasks"] >= 3
    assert (same["changed"], same["tasks"]) == ([], 0)


def test_the_case_of_a_folder_is_found_and_its_sweep_by_name(ring: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    for name in ("ordinary", "ordinary-sweep-1"):
        shutil.copy(corpus.HISTORIES / f"{name}.json.gz", folder)
    case_id = found("at", str(folder), "--keyring", ring)["workflow_id"]

    swept = found("at", str(folder), "--case", f"{case_id}/sweep/1", "--keyring", ring)

    assert "/" not in case_id
    assert (swept["workflow_type"], swept["other"]) == ("Sweep", {"swept": [False, False]})


def edited(name: str, change: Any) -> bytes:
    held = events(name)
    change(held)
    return json.dumps({"events": held}).encode()


def another_type(held: list[dict[str, Any]]) -> None:
    held[0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"] = "Payroll"


def other_order(held: list[dict[str, Any]]) -> None:
    scheduled = next(each for each in held if each["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED")
    scheduled["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "fire_somebody"


def damaged(held: list[dict[str, Any]]) -> None:
    payload = held[0]["workflowExecutionStartedEventAttributes"]["input"]["payloads"][0]
    payload["data"] = payload["data"][:-12] + "AAAAAAAAAAA="


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "not_a_history", id="empty"),
        pytest.param(b'{"events": []}', "not_a_history", id="no-events"),
        pytest.param(b"PK\x03\x04", "not_a_history", id="another-format"),
        pytest.param(edited("ordinary", lambda held: None)[:-1000], "not_a_history", id="cut-in-the-middle"),
        pytest.param(edited("ordinary", lambda held: held.pop(40)), "not_a_history", id="an-event-taken-out"),
        pytest.param(edited("ordinary", lambda held: held.pop(0)), "not_a_history", id="without-its-beginning"),
        pytest.param(edited("ordinary", another_type), "unknown_type", id="another-workflow"),
        pytest.param(edited("ordinary", damaged), "unreadable", id="edited-value"),
        pytest.param(edited("ordinary", other_order), "other_code", id="newer-code"),
    ],
)
@pytest.mark.parametrize("command", [("at",), ("timeline",), ("diff", "3", "9")])
def test_what_is_no_history_of_ours_is_refused_in_one_line_and_nothing_is_written(
    content: bytes, code: str, command: tuple[str, ...], ring: str, tmp_path: Path
) -> None:
    path = tmp_path / "given.json"
    path.write_bytes(content)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(Problem) as refused:
        run(command[0], str(path), *command[1:], "--keyring", ring)

    assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert "given.json" in refused.value.line()
    assert "\n" not in refused.value.line()
    assert sorted(tmp_path.rglob("*")) == before


def test_another_key_ring_is_named_as_the_reason(tmp_path: Path) -> None:
    theirs = tmp_path / "keys" / "keyring.json"
    keyring.open_ring(theirs)

    with pytest.raises(Problem) as refused:
        run("at", ORDINARY, "--keyring", str(theirs))

    assert (refused.value.code, refused.value.exit_code) == ("unreadable", 2)
    assert "key ring does not hold the key" in refused.value.text


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("at", ORDINARY, "--event", "9999"), "bad_place"),
        (("at", ORDINARY, "--event", "2/9"), "bad_place"),
        (("at", ORDINARY, "--event", "nine"), "bad_place"),
        (("at", ORDINARY, "--time", "2001-01-01T00:00:00Z"), "bad_place"),
        (("at", ORDINARY, "--time", "2026-11-23"), "bad_datetime"),
        (("at", ORDINARY, "--time", "yesterday"), "bad_datetime"),
        (("at", ORDINARY, "--time", "2026-11-23T00:00:00Z", "--event", "3"), "bad_input"),
        (("at", str(corpus.HISTORIES)), "which_case"),
        (("at", ORDINARY, "--case", "ESC-0000-0000-0000"), "which_case"),
        (("at", "nowhere.json"), "no_file"),
        (("step", ORDINARY), "not_a_terminal"),
    ],
)
def test_a_place_that_is_none_is_refused_with_what_there_is(words: tuple[str, ...], code: str, ring: str) -> None:
    with pytest.raises(Problem) as refused:
        run(*words, "--keyring", ring)

    assert (refused.value.code, refused.value.exit_code) == (code, 2)


def test_walking_shows_a_task_a_screen_and_goes_where_the_keys_say(ring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: Iterator[str] = iter(["n", "\x1b[C", "p", "$", "n", "0", "p", "q"])
    shown: list[str] = []
    monkeypatch.setattr(walk, "refuse_without_a_terminal", lambda: None)
    monkeypatch.setattr(typer, "getchar", lambda: next(keys))
    steps = len(found("timeline", ORDINARY, "--keyring", ring)["steps"])

    shown = [line for line in run("step", ORDINARY, "--keyring", ring).splitlines() if f" of {steps}   " in line]

    places = [int(line.split(" ")[0]) for line in shown]
    assert places == [1, 2, 3, 2, steps, steps, 1, 1]


def test_a_walk_in_a_real_terminal_ends_with_q(ring: str) -> None:
    terminal, theirs = pty.openpty()
    words = [
        sys.executable,
        "-c",
        "from starter.cli import main; main()",
        "replay",
        "step",
        ORDINARY,
        "--keyring",
        ring,
    ]
    child = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = b""
    while b"q end" not in seen:
        seen += os.read(terminal, 65536)
    # What is typed before the program listens is thrown away, as with any program that takes single keys.
    while child.poll() is None:
        os.write(terminal, b"q")
        time.sleep(0.1)

    assert child.returncode == 0
    os.close(terminal)


async def test_runs_that_follow_each_other_are_one_journey_with_places_in_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "workflows", lambda: (chained.Chained,))
    keys = keyring.fresh()
    async with dev_server(keys) as client:
        async with Worker(
            client, task_queue="chain", workflows=[chained.Chained], workflow_runner=UnsandboxedWorkflowRunner()
        ):
            handle = await client.start_workflow(
                chained.Chained.run, chained.Handed("words", 2), id="ESC-1", task_queue="chain"
            )
            await handle.result()
        runs = await histories.chain(client, "ESC-1")
    with reading.quiet() as runtime:
        way = await journey.travelled(
            list(reversed(runs)),
            workflows=reading.workflows(),
            converter=data_converter(keys),
            namespace="default",
            runtime=runtime,
        )

    told = steps.steps(way)
    second = journey.at_event(way, "2/3")

    assert [step.run for step in told] == [1, 2, 3]
    assert [step.woken_by[0] for step in told] == ["the run was started", *["continued from the run before"] * 2]
    assert [step.did for step in told[:2]] == [("handed over to a next run",)] * 2
    assert (second.run, second.film.run.run_id) == (2, runs[1].run_id)
    assert journey.at_event(way, "3").run == 3
    assert journey.at_time(way, second.at).run == 2
