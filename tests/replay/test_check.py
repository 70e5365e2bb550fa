"""Does the check see every change that would treat a running case differently?"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from replay import compare, histories
from replay.check import Checked, Verdict, check
from replay.histories import Recorded
from starter.errors import Problem
from starter.keyring import KeyRing, fresh
from starter.sealing import data_converter
from tests.replay import small
from tests.replay.server import dev_server

QUEUE = "small"
CASE = "ESC-0000-0000-0001"
HISTORIES = Path(__file__).parent / "histories"
TYPES = (small.Small, small.SmallChild)


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return fresh()


@pytest.fixture(scope="module")
async def client(ring: KeyRing) -> AsyncIterator[Client]:
    async with dev_server(ring) as connected:
        from starter.connect import ensure_search_attributes

        await ensure_search_attributes(connected)
        yield connected


@pytest.fixture(scope="module")
async def exported(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One closed case, recorded by the first version of the code and exported."""
    folder = tmp_path_factory.mktemp("histories")
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=TYPES,
        activities=[small.judge, small.hide, small.tell],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        handle = await client.start_workflow(small.Small.run, small.Order("S1"), id=CASE, task_queue=QUEUE)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(small.Small.say, small.Word("never"))
        assert await handle.execute_update(small.Small.say, small.Word("yes")) == "heard 1"
        assert await handle.result() == small.Done(2, ("yes",))
    for case_id in (CASE, f"{CASE}/follow/1"):
        histories.write(await histories.of_run(client, case_id), folder / f"{case_id.replace('/', '~')}.json")
    return folder


@pytest.fixture
def live() -> Iterator[Any]:
    """Put another version of the code live for one test."""

    def change(**what: Any) -> None:
        small.LIVE.append(type("Changed", (small.Life,), what))

    yield change
    del small.LIVE[1:]


async def verdict(exported: Path, ring: KeyRing) -> Checked:
    [path] = [held for held in histories.files([exported]) if "~" not in held.name]
    [checked] = [
        each async for each in check([histories.of_file(path)], workflows=TYPES, converter=data_converter(ring))
    ]
    return checked


async def test_unchanged_code_lives_a_sealed_history_the_same_way(exported: Path, ring: KeyRing) -> None:
    checked = await verdict(exported, ring)

    assert (checked.verdict, checked.workflow_id, checked.differences) == (Verdict.SAME, CASE, ())


@pytest.mark.parametrize(
    ("change", "about", "now"),
    [
        pytest.param({"wait": small.SHORT * 3}, "timer", "0:00:00.060000", id="timer"),
        pytest.param({"told": "gone"}, "activity tell, input", "another", id="activity-argument"),
        pytest.param({"attempts": 9}, "activity hide, retry policy", "9 attempts", id="retry-policy"),
        pytest.param({"heartbeat": None}, "activity hide, heartbeat timeout", "nothing", id="removed-timeout"),
        pytest.param({"judged": "S9"}, "local activity judge, question", "`", id="question-to-a-local-activity"),
        pytest.param({"refuses": "never"}, "update answer say, reason", "another", id="reason-of-a-refusal"),
        pytest.param({"asked_timeout": small.SHORT * 500}, "start-to-close timeout", "0:00:10", id="activity-timeout"),
        pytest.param({"stage": "response"}, "search attributes", '`"response"`', id="search-attribute"),
        pytest.param({"memo": "gone"}, "memo", "another", id="memo"),
        pytest.param({"answer": "HEARD {}"}, "update answer say, answer", "another", id="update-answer"),
        pytest.param({"extra": 1}, "result, value.hidden", "another", id="result"),
        pytest.param({"child_word": "other"}, "child workflow SmallChild, input.text", "another", id="child-input"),
    ],
)
async def test_a_change_that_temporal_does_not_see_is_named_with_event_and_place(
    exported: Path, ring: KeyRing, live: Any, change: dict[str, Any], about: str, now: str
) -> None:
    live(**change)

    checked = await verdict(exported, ring)

    assert checked.verdict == Verdict.DIFFERS
    [difference] = [each for each in checked.differences if about in each.what][:1]
    assert difference.event_id > 1
    assert now in difference.now
    assert difference.place.startswith("tests/replay/small.py:")


async def test_other_words_for_temporals_ui_are_told_and_hold_nothing_up(
    exported: Path, ring: KeyRing, live: Any
) -> None:
    live(summary="tell the shop")

    checked = await verdict(exported, ring)

    assert (checked.verdict, checked.differences) == (Verdict.SAME, ())
    assert [each.what for each in checked.words] == [
        "timer 1, summary",
        "child workflow SmallChild, summary",
        "activity tell, summary",
    ]
    assert all(each.place.startswith("tests/replay/small.py:") for each in checked.words)


async def test_a_removed_activity_is_named_with_the_command_that_came_instead(
    exported: Path, ring: KeyRing, live: Any
) -> None:
    live(hide_at_all=False)

    checked = await verdict(exported, ring)

    assert checked.verdict == Verdict.BREAKS
    [difference] = checked.differences
    assert difference.recorded in ("done", "`hide`")
    assert "tests/replay/small.py:" in difference.place


async def test_an_added_activity_is_named_with_its_place(exported: Path, ring: KeyRing, live: Any) -> None:
    live(tell_first=True)

    checked = await verdict(exported, ring)

    assert checked.verdict == Verdict.BREAKS
    [difference] = checked.differences
    assert "tell" in difference.line()
    assert difference.place.startswith("tests/replay/small.py:")


async def test_an_act_that_moved_to_a_later_task_is_missed_in_its_own(exported: Path, ring: KeyRing, live: Any) -> None:
    live(answers_late=True)

    checked = await verdict(exported, ring)

    assert checked.verdict == Verdict.BREAKS
    [difference] = checked.differences
    assert (difference.what, difference.recorded, difference.now) == ("update answer say", "done", "not done")


async def test_code_that_raises_is_named_by_its_line_and_never_by_its_words(
    exported: Path, ring: KeyRing, live: Any
) -> None:
    live(breaks=True)

    checked = await verdict(exported, ring)

    assert checked.verdict == Verdict.BREAKS
    assert "ValueError at tests/replay/small.py:" in checked.detail
    assert "a bug of the new version" not in checked.detail


async def test_a_history_of_another_key_ring_gets_a_clear_line(exported: Path) -> None:
    checked = await verdict(exported, fresh())

    assert checked.verdict == Verdict.UNREADABLE
    assert "key ring does not hold" in checked.detail


async def hidden(client: Client, case_id: str) -> None:
    """Follow the history until the first activity is done."""
    async for event in client.get_workflow_handle(case_id).fetch_history_events(wait_new_event=True):
        if event.HasField("activity_task_completed_event_attributes"):
            return


async def test_a_running_case_on_the_server_is_checked_up_to_its_last_task(
    client: Client, ring: KeyRing, live: Any
) -> None:
    worker = Worker(
        client,
        task_queue="open",
        workflows=TYPES,
        activities=[small.judge, small.hide, small.tell],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        handle = await client.start_workflow(
            small.Small.run, small.Order("S2"), id="ESC-0000-0000-0002", task_queue="open"
        )
        await asyncio.wait_for(hidden(client, "ESC-0000-0000-0002"), 30)
        await handle.query(small.Small.unread)
    run = await histories.of_run(client, "ESC-0000-0000-0002")
    assert not run.closed
    converter = data_converter(ring)

    [same] = [each async for each in check([run], workflows=TYPES, converter=converter)]
    live(wait=small.SHORT * 2)
    [changed] = [each async for each in check([run], workflows=TYPES, converter=converter)]

    assert (same.verdict, changed.verdict) == (Verdict.SAME, Verdict.DIFFERS)
    await handle.terminate()


async def test_a_case_that_no_worker_has_touched_is_tried(client: Client, ring: KeyRing, live: Any) -> None:
    handle = await client.start_workflow(small.Small.run, small.Order("S3"), id="ESC-0000-0000-0003", task_queue="none")

    run = await histories.of_run(client, "ESC-0000-0000-0003")
    [checked] = [each async for each in check([run], workflows=TYPES, converter=data_converter(ring))]

    live(breaks_at_once=True)
    [broken] = [each async for each in check([run], workflows=TYPES, converter=data_converter(ring))]

    assert checked.verdict == Verdict.NOT_STARTED
    assert broken.verdict == Verdict.BREAKS
    await handle.terminate()


async def test_a_type_that_this_code_does_not_have_is_a_verdict(exported: Path, ring: KeyRing) -> None:
    runs: list[Recorded] = [histories.of_file(path) for path in histories.files([exported])]

    found = [each async for each in check(runs, workflows=[small.Small], converter=data_converter(ring))]

    assert {each.workflow_type: each.verdict for each in found} == {
        "Small": Verdict.SAME,
        "SmallChild": Verdict.UNKNOWN_TYPE,
    }


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"not json", b"\xff\xfe", b'{"events": [{"eventId": "1"}]}'])
def test_a_file_that_is_no_history_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)

    with pytest.raises(Problem) as refused:
        histories.of_file(path)

    assert refused.value.code == "not_a_history"
    assert "broken.json" in refused.value.text


@pytest.mark.parametrize("kind", ["EVENT_TYPE_OF_TOMORROW", 9999, 0], ids=["a new name", "a new number", "none"])
def test_an_event_of_a_kind_that_came_later_is_refused_not_taken_for_a_change_of_code(
    tmp_path: Path, kind: str | int
) -> None:
    document = json.loads(gzip.decompress((HISTORIES / "aborted.json.gz").read_bytes()))
    document["events"][4]["eventType"] = kind
    path = tmp_path / "newer.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(Problem) as refused:
        histories.of_file(path)

    assert refused.value.code == "not_a_history"
    assert "this version does not know" in refused.value.text


@pytest.mark.parametrize(
    ("was", "now", "where"),
    [
        ({"a": 1}, {"a": 1, "note": ""}, []),
        ({"a": 1}, {"a": 1, "listings": []}, []),
        ({"a": 1}, {"a": 1, "late": False}, []),
        ({"a": 1}, {"a": 1, "note": "x"}, ["value.note"]),
        ({"a": 1, "note": ""}, {"a": 1}, ["value.note"]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["value.a[1].b"]),
        ({"a": [1]}, {"a": [1, 2]}, ["value.a"]),
        ({"a": 1}, {"a": True}, ["value.a"]),
        ({"a": 0}, {"a": None}, ["value.a"]),
    ],
)
def test_only_a_new_and_empty_field_is_no_difference(was: Any, now: Any, where: list[str]) -> None:
    assert [path for path, _, _ in compare.apart(was, now, "value")] == where
