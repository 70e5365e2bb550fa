"""Where is a history cut for a fork, and when is it refused?"""

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType

from replay import histories
from replay.forking import cutting, making
from starter.errors import Problem
from tests.replay import corpus

FILES = histories.files([corpus.HISTORIES]) if corpus.HISTORIES.is_dir() else []
TASK = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


@pytest.mark.parametrize("path", FILES, ids=[path.name.split(".")[0] for path in FILES])
def test_every_cut_holds_a_task_with_all_that_it_commanded_and_nothing_after_it(path: Path) -> None:
    run = histories.of_file(path)

    ends = list(cutting.boundaries(run.events))

    tasks = [event.event_id for event in run.events if event.event_type == TASK]
    assert len(ends) == len(tasks)
    for task, end in zip(tasks, ends, strict=True):
        commanded = [
            event.event_id
            for event in run.events
            if getattr(
                getattr(event, event.WhichOneof("attributes") or ""), "workflow_task_completed_event_id", 0
            ) == task
        ]  # fmt: skip
        assert task <= end
        assert all(task < each <= end for each in commanded)
        assert run.events[end - 1].event_type not in (
            EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
            EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        )


def test_an_event_between_two_tasks_is_cut_at_the_task_before_it() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    first, second, *_ = cutting.boundaries(run.events)

    cuts = [cutting.cut(run, event) for event in range(first, second + 1)]

    assert {cut.event for cut in cuts[:-1]} == {first}
    assert cuts[-1].event == second
    assert [cut.asked for cut in cuts] == list(range(first, second + 1))
    assert len(cuts[0].run.events) == first


@pytest.mark.parametrize(
    ("event", "code"), [(0, "no_such_event"), (-1, "no_such_event"), (10_000, "no_such_event"), (3, "too_early")]
)
def test_what_is_no_place_to_cut_is_refused(event: int, code: str) -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")

    with pytest.raises(Problem) as refused:
        cutting.cut(run, event)

    assert (refused.value.code, refused.value.exit_code) == (code, 2)


def test_the_end_of_a_closed_run_is_no_place_and_the_one_before_is_named() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    ends = list(cutting.boundaries(run.events))

    with pytest.raises(Problem) as refused:
        cutting.cut(run, len(run.events))

    assert refused.value.code == "at_the_end"
    assert str(ends[-2]) in refused.value.next_step
    assert cutting.cut(run, ends[-2]).event == ends[-2]


def test_another_run_is_taken_as_it_stood_at_the_moment_or_not_at_all() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary-sweep-1.json.gz")
    began, ended = histories.written_at(run.events[0]), histories.written_at(run.events[-1])

    assert cutting.running_at(run, began - timedelta(seconds=1)) is None
    assert cutting.running_at(run, ended) is None
    just_begun = cutting.running_at(run, began)
    assert just_begun is not None
    assert len(just_begun.run.events) <= 2


def test_the_newest_run_of_a_case_is_forked_unless_one_is_named() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")

    assert making.chosen([run], run.workflow_id) is run
    assert making.chosen([run], run.workflow_id, run.run_id[-6:]) is run
    with pytest.raises(Problem) as refused:
        making.chosen([run], run.workflow_id, "no-such")
    assert refused.value.code == "no_such_run"
