"""Does one replay show how a run stood after each of its tasks, wherever its history ends?"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from escalations.casefile import CaseFile
from escalations.record import Card
from replay import frames, histories, reading
from replay.frames import Film
from replay.histories import Recorded
from starter.sealing import SealedPayloadConverter, data_converter
from tests.replay import corpus

CONVERTER = data_converter(corpus.ring(), corpus.NAMESPACE)
PLAIN = SealedPayloadConverter()


@cache
def recorded(name: str) -> Recorded:
    return histories.of_file(corpus.HISTORIES / f"{name}.json.gz")


async def film(run: Recorded) -> Film:
    return await frames.of_run(run, workflows=reading.workflows(), converter=CONVERTER)


def tasks(run: Recorded) -> list[int]:
    """The event ids of the tasks that completed."""
    completed = [event for event in run.events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    return [event.workflow_task_completed_event_attributes.started_event_id for event in completed]


@pytest.mark.parametrize("name", ["ordinary", "ordinary-sweep-1", "default-sweep-1-watch", "prevention-prevention-1"])
async def test_every_completed_task_of_a_sealed_history_has_one_frame_with_its_time(name: str) -> None:
    run = recorded(name)

    taken = await film(run)

    assert taken.whole
    assert [frame.event_id for frame in taken.frames] == tasks(run)
    started = {event.event_id: event.event_time.ToNanoseconds() // 1000 for event in run.events}
    assert all(frame.at.timestamp() * 1e6 == pytest.approx(started[frame.event_id], abs=1) for frame in taken.frames)
    assert all(frame.jobs for frame in taken.frames)


async def test_a_frame_shows_the_file_the_card_and_the_wait_with_the_line_that_stands_in_it() -> None:
    taken = await film(recorded("ordinary"))

    asking = next(frame for frame in taken.frames if any(strand.wait for strand in frame.strands))
    file = PLAIN.from_payload(asking.answers["file"], CaseFile)
    card = PLAIN.from_payload(asking.answers["card"], Card)
    [strand] = [strand for strand in asking.strands if strand.wait]

    assert [one.gate.kind for one in file.gates] == ["legal_review"]
    assert card.waiting == (strand.wait,)
    assert strand.wait.owner == "LEG, PSAF"
    assert any(place.startswith("workflows/stages/legal_review.py:") for place in strand.places)
    assert strand.places[-1].startswith("workflows/escalation.py:")


async def test_a_sweep_and_a_follow_up_show_the_state_that_they_have() -> None:
    swept = (await film(recorded("ordinary-sweep-1"))).frames[-1]
    followed = (await film(recorded("prevention-prevention-1"))).frames[-1]

    assert PLAIN.from_payload(swept.answers["swept"], list[bool]) == [False, False]
    assert PLAIN.from_payload(followed.answers["card"], Card).closed_at is not None


def ends(run: Recorded) -> Iterator[Recorded]:
    """The histories that end in a beginning: one event, and no task that was completed."""
    yield replace(run, events=run.events[:1])
    yield replace(run, events=run.events[:2])
    yield replace(run, events=run.events[:3])


async def test_a_run_without_a_completed_task_has_no_frames_and_is_not_waited_for() -> None:
    shown = [
        taken
        async for taken in frames.of_runs(
            ends(recorded("ordinary")), workflows=reading.workflows(), converter=CONVERTER
        )
    ]

    assert [(taken.whole, taken.frames) for taken in shown] == [(True, ())] * 3


@pytest.mark.parametrize(
    "unseen",
    [
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    ],
)
async def test_what_no_task_has_taken_in_yet_changes_no_frame(unseen: Any) -> None:
    run = recorded("ordinary")
    end = next(place for place, event in enumerate(run.events) if place > 30 and event.event_type == unseen)

    before = await film(replace(run, events=run.events[:end]))
    after = await film(replace(run, events=run.events[: end + 1]))

    assert [frame.event_id for frame in after.frames] == [each for each in tasks(run) if each < end]
    assert [frame.answers for frame in after.frames] == [frame.answers for frame in before.frames]


async def test_a_task_whose_acts_are_cut_off_stands_nowhere() -> None:
    run = recorded("ordinary")
    marker = next(event for event in run.events if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED)

    cut = await film(replace(run, events=run.events[: marker.event_id]))

    assert (cut.whole, cut.frames, cut.cut) == (True, (), 3)


async def test_a_film_of_runs_that_follow_each_other_keeps_their_order_and_their_frames_apart() -> None:
    runs = [
        recorded("ordinary-sweep-1"),
        recorded("ordinary"),
        replace(recorded("ordinary"), events=recorded("ordinary").events[:1]),
    ]

    shown = [taken async for taken in frames.of_runs(runs, workflows=reading.workflows(), converter=CONVERTER)]

    assert [taken.run for taken in shown] == runs
    assert [[frame.event_id for frame in taken.frames] for taken in shown] == [tasks(runs[0]), tasks(runs[1]), []]


async def test_code_that_cannot_live_a_run_again_shows_the_frames_up_to_there_and_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ruled(case: Any) -> bool:
        raise RuntimeError("a bug of another version")

    run = recorded("ordinary")
    monkeypatch.setattr("workflows.escalation.ruled", ruled)

    taken = await film(run)

    assert not taken.whole
    assert taken.broke.startswith("RuntimeError at tests/replay/test_frames.py:")
    assert [frame.event_id for frame in taken.frames] == [each for each in tasks(run) if each < taken.reached]


async def test_code_that_does_other_things_than_were_recorded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def investigated(case: Any) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr("workflows.escalation.investigated", investigated)

    taken = await film(recorded("ordinary"))

    assert not taken.whole
    assert taken.broke == ""
