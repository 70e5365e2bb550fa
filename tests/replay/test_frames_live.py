"""Is what time travel shows what the worker had? Every task of every recorded history, against its live state."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from replay import frames, histories, reading, states
from replay.histories import Recorded
from starter.sealing import data_converter
from tests.replay import corpus, live

FILES = histories.files([corpus.HISTORIES]) if corpus.HISTORIES.is_dir() else []


def test_every_recorded_history_has_the_states_that_its_worker_had() -> None:
    assert FILES, "record them with `make record`"
    assert {path.name for path in FILES} == {path.name for path in corpus.STATES.iterdir()}


@pytest.mark.parametrize("path", FILES, ids=[path.name.split(".")[0] for path in FILES])
async def test_every_task_of_a_recorded_history_stands_as_it_stood_live(path: Path) -> None:
    run = states.with_states(histories.of_file(path), path)
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)
    kept = await states.opened(run, converter, corpus.NAMESPACE)
    assert kept is not None
    lived = dict(kept.each())

    film = await frames.of_run(run, workflows=reading.workflows(), converter=converter)

    completed = [event.workflow_task_completed_event_attributes.started_event_id for event in run.events if done(event)]
    seen = {frame.event_id: states.of_frame(replace(frame, details="")) for frame in film.frames}
    idle = [at for at in completed if at not in seen]
    assert film.whole
    assert set(seen) <= set(completed) <= set(lived)
    assert seen == {at: lived[at] for at in seen}
    # A task that only refused a message may be kept; it did nothing, and no replay goes through it.
    for at in idle:
        assert not frames.acted(run.events[run.events.index(completion(run, at)) + 1])
        before = seen[max(each for each in seen if each < at)]
        now = datetime.fromtimestamp(run.events[at - 1].event_time.ToNanoseconds() / 1e9, UTC)  # rounded like the SDK's
        assert lived[at] == live.later(before, now)


def done(event: HistoryEvent) -> bool:
    return event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


def completion(run: Recorded, at: int) -> HistoryEvent:
    """The event that completed the task begun at `at`."""
    return next(
        event
        for event in run.events
        if done(event) and event.workflow_task_completed_event_attributes.started_event_id == at
    )
