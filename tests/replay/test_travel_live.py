"""What does an engineer see of cases that run on a server, with their casebook? As commands, in text and as JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import typer
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations.consensus import GateKind
from escalations.messages import Decide, Learn
from escalations.record import Card
from replay import commands, frames, histories
from replay.travel import journey
from starter import cli, keyring, sealing, witness
from starter.errors import Problem
from tests.replay import lively
from tests.workflows.living import living
from tests.workflows.steering import HIDE, any_run, seen, still
from tests.workflows.world import World, recall

UPDATES = 10  # that one run may take, instead of 2,000: the case of a chain crosses over after nine
CHAINED = 12


@dataclass(frozen=True)
class Lived:
    """Two cases that still run: one with a vote taken and a vote refused, and one that went over into a second run."""

    world: World
    running: str
    chain: str
    refused_at: datetime


@pytest_asyncio.fixture(scope="module")
async def lived(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lived]:
    limits = (f"history.maxTotalUpdates={UPDATES}",)
    async with living(tmp_path_factory.mktemp("travelled"), limits=limits) as world:
        with pytest.MonkeyPatch.context() as patch, still(world, patch):
            running, refused_at = await _voted(world)
            chain = await _chained(world)
        yield Lived(world=world, running=running, chain=chain, refused_at=refused_at)


async def _voted(world: World) -> tuple[str, datetime]:
    handle = await world.opened(recall())
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    await world.vote(handle, gate, "LEG", HIDE)
    card = await world.until(handle, lambda card: card.gates[0].votes)
    stale = _of_somebody_shown_something_else(world, card)
    now = datetime.now(UTC)
    with pytest.raises(Problem):
        await witness.said(world.engine, world.env.client, handle.id, "decide", stale, at=now)
    return handle.id, now


def _of_somebody_shown_something_else(world: World, card: Card) -> Decide:
    gate = card.gates[0].gate
    seat = next(seat for seat in gate.seats if seat.role == "PSAF")
    said = world.by(seat.persons[0])
    return Decide(said=said, gate=gate.id, digest="0" * 64, option=HIDE, role="PSAF", reason="seen")


async def _chained(world: World) -> str:
    handle = any_run(world, (await world.opened(recall())).id)
    await world.gate(handle, GateKind.LEGAL_REVIEW)
    for level in range(CHAINED):
        await world.say(handle, "learn", Learn(said=world.by("ana.ic"), fact="media", value=str(level % 3)))
    await seen(handle, lambda file: file.runs > 1 and len(file.answers) == CHAINED)
    return handle.id


@pytest.fixture(autouse=True)
def here(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(lived.world.told.home))
    monkeypatch.setenv("TEMPORAL_ADDRESS", lived.world.env.client.service_client.config.target_host)


@pytest.fixture
def seawall(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command as the program does: exit code, what it printed, what it complained of."""

    def run(*words: str) -> tuple[int, str, str]:
        app = typer.Typer()
        commands.build(app)
        code = cli.guarded(lambda: app(["replay", *words], standalone_mode=False))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def json_of(seawall: Any, *words: str) -> Any:
    code, out, err = seawall(*words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_running_case_is_shown_as_it_stands_with_what_its_validator_refused(lived: Lived, seawall: Any) -> None:
    shown = json_of(seawall, "at", lived.running)
    code, text, _ = seawall("at", lived.running)

    [gate] = shown["gates"]
    assert (shown["stage"], gate["outcome"], dict(gate["in_favour"])[HIDE]) == ("legal_review", "", 1)
    assert [(one["message"], one["code"], one["door"]) for one in shown["refused"]] == [
        ("decide", "stale_digest", "test")
    ]
    assert "cut off" not in shown["shows"], "the server has all of it"
    assert code == 0
    assert "Refused until then, by the casebook" in text
    assert "stale_digest (decide, door test)" in text
    assert "workflows/stages/legal_review.py:" in text


def test_before_it_was_refused_nothing_was_refused(lived: Lived, seawall: Any) -> None:
    before = (lived.refused_at - timedelta(milliseconds=1)).isoformat()

    shown = json_of(seawall, "at", lived.running, "--time", before)

    assert shown["refused"] == []
    assert len(shown["gates"][0]["seats"]) > 1


def test_the_timeline_of_a_running_case_has_the_vote_and_the_refusal_in_their_places(
    lived: Lived, seawall: Any
) -> None:
    found = json_of(seawall, "timeline", lived.running)
    code, text, _ = seawall("timeline", lived.running)

    voted = [step for step in found["steps"] if any(line.startswith("update decide by") for line in step["woken_by"])]
    assert len(voted) == 1
    assert any(line.startswith("answered decide: ") for line in voted[0]["did"])
    assert [one["code"] for one in found["refused"]] == ["stale_digest"]
    assert found["left_out"] == []
    lines = text.splitlines()
    assert code == 0
    assert lines[-1].endswith("leaves no trace in history. Those shown are from the casebook.")
    assert sum("refused: stale_digest" in line for line in lines) == 1


def test_the_difference_between_two_events_of_a_running_case_is_told_in_words(lived: Lived, seawall: Any) -> None:
    steps = json_of(seawall, "timeline", lived.running)["steps"]
    first, last = str(steps[0]["event_id"]), str(steps[-1]["event_id"])

    told = json_of(seawall, "diff", lived.running, first, last)
    code, text, _ = seawall("diff", lived.running, first, last)

    assert told["tasks"] == len(steps) - 1
    assert any("approve hide" in line for line in told["changed"])
    assert code == 0
    assert all(f"  {line}" in text.splitlines() for line in told["changed"])


def test_a_chain_of_runs_is_one_story_with_places_in_each_run(lived: Lived, seawall: Any) -> None:
    found = json_of(seawall, "timeline", lived.chain)
    _, text, _ = seawall("timeline", lived.chain)
    first = json_of(seawall, "at", lived.chain, "--event", f"1/{found['steps'][0]['event_id']}")
    now = json_of(seawall, "at", lived.chain)
    told = json_of(seawall, "diff", lived.chain, "1/3", "2/3")
    beyond, _, said = seawall("at", lived.chain, "--event", "3/1")

    runs = [step["run"] for step in found["steps"]]
    crossed = next(step for step in found["steps"] if step["run"] == 2)
    assert sorted(runs) == runs
    assert set(runs) == {1, 2}
    assert crossed["woken_by"][0] == "continued from the run before"
    assert not any(line.startswith("stage") for line in crossed["changed"]), "what crosses over does not change"
    assert (first["run"], first["runs"], now["run"], now["stage"]) == (1, 2, 2, "legal_review")
    assert (told["from_run"], told["to_run"]) == (1, 2)
    assert told["changed"]
    assert "2/3  " in text
    assert (beyond, said) == (2, "seawall: The case has 2 runs.\n")


def test_what_cannot_be_shown_of_a_server_is_one_line_and_an_exit_code(
    lived: Lived, seawall: Any, tmp_path: Path
) -> None:
    theirs = tmp_path / "keys" / "keyring.json"
    keyring.open_ring(theirs)

    for words, expected, part in (
        (("at", "ESC-0000-0000-0000"), 4, "Temporal keeps no history of ESC-0000-0000-0000."),
        (("timeline", "ESC-0000-0000-0000"), 4, "Check the id"),
        (("diff", "ESC-0000-0000-0000", "3", "9"), 4, "Check the id"),
        (("at", lived.running, "--keyring", str(theirs)), 2, "this key ring does not hold the key that sealed it"),
        (("timeline", lived.running, "--keyring", str(theirs)), 2, "key ring"),
        (("at", lived.running, "--event", "9999"), 2, "Run 1 has the events 1 to "),
        (("diff", lived.running, "3", "9999"), 2, "Run 1 has the events 1 to "),
        (("at", lived.running, "--time", "2001-01-01T00:00:00Z"), 2, "The case began "),
    ):
        code, out, err = seawall(*words)
        assert (code, out, err.count("\n")) == (expected, "", 1), (words, err)
        assert part in err, words


def test_a_lone_file_that_ends_with_what_a_task_wrote_says_that_a_message_may_be_missing(
    lived: Lived, seawall: Any, tmp_path: Path
) -> None:
    folder, alone = tmp_path / "out", tmp_path / "alone"
    alone.mkdir()
    _, out, _ = seawall("export", lived.running, "-o", str(folder), "--json")
    [name] = [run["file"] for run in json.loads(out) if run["workflow_id"] == lived.running]
    (alone / name).write_bytes((folder / name).read_bytes())

    whole = json_of(seawall, "at", str(folder / name))
    doubted = json_of(seawall, "at", str(alone / name))
    listed = json_of(seawall, "timeline", str(alone / name))
    earlier = json_of(seawall, "at", str(alone / name), "--event", "3")

    assert "cut off" not in whole["shows"]
    assert doubted["shows"].endswith("if it was cut off there, messages that this task heard are not in it")
    assert listed["left_out"] == [doubted["shows"].partition("; ")[2]]
    assert "cut off" not in earlier["shows"]


async def test_a_history_cut_before_a_message_that_its_last_task_heard_says_so(lived: Lived) -> None:
    """The first task hears the message beside the start, so that its acts are recorded without the message too."""
    client = lived.world.env.client
    handle = await client.start_workflow(lively.Lively.run, lively.Wish(do="sleep"), id="ESC-8", task_queue="lively")
    saying = asyncio.create_task(handle.execute_update(lively.Lively.say, "yes", rpc_timeout=timedelta(seconds=60)))
    async with Worker(
        client, task_queue="lively", workflows=[lively.Lively], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        await saying
    run = await histories.of_run(client, "ESC-8")
    await handle.terminate()
    task = frames.settled(run).events[-1]
    completed = next(event for event in run.events if event.HasField("workflow_task_completed_event_attributes"))
    cut = replace(run, events=run.events[: completed.event_id], whole=False)
    how: Any = {"workflows": [lively.Lively], "converter": sealing.data_converter(lived.world.told)}

    whole, short = await frames.of_run(run, **how), await frames.of_run(cut, **how)

    began = completed.workflow_task_completed_event_attributes.started_event_id
    assert task.event_id > completed.event_id
    assert [(film.frames[0].event_id, film.unsure) for film in (whole, short)] == [(began, 0), (began, began)]
    heard = [[job.WhichOneof("variant") for job in film.frames[0].jobs] for film in (whole, short)]
    assert ["do_update" in kinds for kinds in heard] == [True, False]
    assert journey.doubt(short).endswith("messages that this task heard are not in it")
    assert journey.doubt(whole) == ""
