"""Does the report of patches know which old branches are still needed? Three generations of one small workflow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from replay import histories
from replay.deploying import patches
from replay.deploying.patches import Place, Standing
from replay.histories import Recorded
from starter import keyring, settings
from starter.sealing import data_converter
from tests.replay.server import dev_server

PATCH = "2026-11 tell the buyers too"


class Story:
    """Waits, comes to the patched place, waits again; `heard` is what wakes it."""

    def __init__(self) -> None:
        self.heard = 0

    async def told(self, times: int) -> None:
        await workflow.wait_condition(lambda: self.heard >= times)


@workflow.defn(name="Aging")
class Before:
    @workflow.init
    def __init__(self) -> None:
        self.story = Story()

    @workflow.run
    async def run(self) -> None:
        await self.story.told(1)
        await self.story.told(2)

    @workflow.signal
    def go(self) -> None:
        self.story.heard += 1


@workflow.defn(name="Aging")
class Patched:
    @workflow.init
    def __init__(self) -> None:
        self.story = Story()

    @workflow.run
    async def run(self) -> None:
        await self.story.told(1)
        workflow.patched(PATCH)
        await self.story.told(2)

    @workflow.signal
    def go(self) -> None:
        self.story.heard += 1


@workflow.defn(name="Aging")
class Deprecated:
    @workflow.init
    def __init__(self) -> None:
        self.story = Story()

    @workflow.run
    async def run(self) -> None:
        await self.story.told(1)
        workflow.deprecate_patch(PATCH)
        await self.story.told(2)

    @workflow.signal
    def go(self) -> None:
        self.story.heard += 1


@asynccontextmanager
async def living(client: Client, code: type) -> AsyncIterator[None]:
    async with Worker(client, task_queue="aging", workflows=[code], workflow_runner=UnsandboxedWorkflowRunner()):
        yield


async def came_to(client: Client, name: str, times: int) -> Recorded:
    """Tell a run to go on and wait until a task has seen that."""
    handle = client.get_workflow_handle(name)
    for _ in range(times):
        await handle.signal("go")
    for _ in range(200):
        run = await histories.of_run(client, name)
        if run.closed or _heard(run):
            return run
        await asyncio.sleep(0.05)
    raise AssertionError("it never went on")


def _heard(run: Recorded) -> bool:
    """Whether a task after the last signal was completed; a marker that it leaves comes behind."""
    said = [event.event_id for event in run.events if event.HasField("workflow_execution_signaled_event_attributes")]
    done = [event.event_id for event in run.events if event.HasField("workflow_task_completed_event_attributes")]
    return bool(said) and max(done, default=0) > max(said)


@pytest.fixture(scope="module")
async def corpus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """`old` passed the place before there was a patch, `new` after; `young` waits before it; `over` is old, closed."""
    ring = keyring.open_ring(settings.load(home=tmp_path_factory.mktemp("home")).keyring_file)
    async with dev_server(ring) as client:
        async with living(client, Before):
            for name in ("old", "over", "young"):
                await client.start_workflow("Aging", id=name, task_queue="aging")
            old = await came_to(client, "old", 1)
            over = await came_to(client, "over", 2)
            young = await _started(client, "young")
        async with living(client, Patched):
            await client.start_workflow("Aging", id="new", task_queue="aging")
            new = await came_to(client, "new", 1)
        yield {"old": old, "over": over, "young": young, "new": new, "converter": data_converter(ring)}


async def _started(client: Client, name: str) -> Recorded:
    for _ in range(200):
        run = await histories.of_run(client, name)
        if len(run.events) >= 4:
            return run
        await asyncio.sleep(0.05)
    raise AssertionError("it never began")


async def standing(corpus: dict[str, Any], code: type, call: str, *names: str) -> Standing:
    place = Place(patch_id=PATCH, call=call, place="workflows/aging.py:1")
    found = await patches.report(
        [corpus[name] for name in names], [place], workflows=[code], converter=corpus["converter"]
    )
    return found[0]


async def test_a_run_that_passed_the_place_before_the_patch_keeps_the_old_branch(corpus: dict[str, Any]) -> None:
    seen = await standing(corpus, Patched, "patched", "old", "over", "young", "new")

    assert (sorted(seen.old), seen.old_open, seen.new, seen.marked) == (["old", "over"], 1, ["new"], ["new"])
    assert seen.advice.startswith("keep: 2 runs took the old branch (1 of them open)")


async def test_a_run_that_has_not_come_to_the_place_needs_nothing(corpus: dict[str, Any]) -> None:
    seen = await standing(corpus, Patched, "patched", "young")

    assert (seen.old, seen.new) == ([], [])
    assert seen.advice.startswith("deprecate")


async def test_the_patch_can_be_deprecated_once_no_old_run_is_retained(corpus: dict[str, Any]) -> None:
    seen = await standing(corpus, Patched, "patched", "new", "young")

    assert seen.advice.startswith("deprecate")


async def test_a_deprecated_patch_stays_while_a_run_has_its_marker_and_can_be_deleted_after(
    corpus: dict[str, Any],
) -> None:
    marked = await standing(corpus, Deprecated, "deprecate_patch", "new", "young")
    unknown = await standing(corpus, Deprecated, "deprecate_patch", "young")

    assert marked.advice.startswith("keep: 1 runs have its marker")
    assert unknown.advice.startswith("delete")


async def test_a_marker_whose_patch_is_gone_from_the_code_is_named(corpus: dict[str, Any]) -> None:
    [seen] = await patches.report([corpus["new"]], [], workflows=[Before], converter=corpus["converter"])

    assert (seen.patch_id, seen.places) == (PATCH, [])
    assert seen.advice.startswith("missing")


def test_patches_are_found_in_the_code_with_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "stage.py").write_text('import x\nif workflow.patched("2026-12 a"):\n    workflow.deprecate_patch("b")\n')

    found = patches.places(folder)

    assert [(one.patch_id, one.call, one.place) for one in found] == [
        ("2026-12 a", "patched", "workflows/stage.py:2"),
        ("b", "deprecate_patch", "workflows/stage.py:3"),
    ]
