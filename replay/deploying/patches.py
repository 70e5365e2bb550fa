"""Which old branches do cases still need? Each `workflow.patched(...)` of the code, asked of real histories.

A history is replayed and the SDK is asked what it answered: True, and the run took the new branch (a marker in its
history says so for ever); False, and it took the old one, which must stay until no such run is left. A run that has not
come to the place yet takes the new branch when it does, and needs nothing.
"""

import ast
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.worker import Replayer, WorkflowInstanceDetails

from replay.histories import Recorded, each
from starter.sandbox import Watch, WatchedRunner

MARKER = "core_patch"
CALLS = ("patched", "deprecate_patch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One `workflow.patched` or `workflow.deprecate_patch` in the code. `place` is `file:line`."""

    patch_id: str
    call: str
    place: str


@dataclass(slots=True, kw_only=True)
class Standing:
    """How one patch id stands. Runs are named `workflow id` once each; `open` counts those that still run.

    `old` took the branch from before the patch, `new` the one after it; `marked` have its marker in their history.
    """

    patch_id: str
    places: list[Place] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    old_open: int = 0
    new: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    @property
    def advice(self) -> str:
        """Say what can be done with the code of this patch."""
        if not self.places:
            return "missing: histories have its marker, so they do not replay; put deprecate_patch back"
        if self.old:
            return f"keep: {len(self.old)} runs took the old branch ({self.old_open} of them open)"
        if self.places[0].call == "patched":
            return "deprecate: no run needs the old branch; replace it by workflow.deprecate_patch"
        if self.marked:
            return f"keep: {len(self.marked)} runs have its marker"
        return "delete: no run knows of it"


def places(root: Path) -> list[Place]:
    """Find the patches of the code below `root`, by file and line. Their ids are string constants."""
    found = []
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (call := _named(node)) and (patch_id := _constant(node)):
                place = f"{file.relative_to(root.parent)}:{node.lineno}"
                found.append(Place(patch_id=patch_id, call=call, place=place))
    return found


async def report(
    runs: Iterable[Recorded] | AsyncIterator[Recorded],
    found: Iterable[Place],
    *,
    workflows: Iterable[type],
    converter: DataConverter,
    namespace: str = "default",
    runtime: Runtime | None = None,
) -> list[Standing]:
    """Replay every run and say how each patch id stands, those in the code first."""
    standings: dict[str, Standing] = {}
    for place in found:
        standings.setdefault(place.patch_id, Standing(patch_id=place.patch_id)).places.append(place)
    answers: dict[str, bool] = {}
    runner = WatchedRunner(_overhear(answers))
    replayer = Replayer(
        workflows=list(workflows),
        workflow_runner=runner,
        unsandboxed_workflow_runner=runner,
        namespace=namespace,
        data_converter=converter,
        runtime=runtime,
    )
    async for run in each(runs):
        for patch_id in markers(run.events):
            standings.setdefault(patch_id, Standing(patch_id=patch_id)).marked.append(run.workflow_id)
        if len(run.events) < 2:  # no task of it was done; the replayer would wait for one for ever
            continue
        answers.clear()
        await replayer.replay_workflow(run.history(), raise_on_replay_failure=False)
        for patch_id, new in answers.items():
            _count(standings.setdefault(patch_id, Standing(patch_id=patch_id)), run, new)
    return list(standings.values())


def markers(events: Iterable[HistoryEvent]) -> list[str]:
    """List the patch ids that a history has a marker of."""
    found = []
    for event in events:
        marker = event.marker_recorded_event_attributes
        if marker.marker_name == MARKER and "patch-data" in marker.details:
            found.append(_patch_id(marker.details["patch-data"].payloads[0].data))
    return found


def _overhear(answers: dict[str, bool]) -> Watch:
    """Keep in `answers` what `workflow.patched` answered first, by patch id."""

    def watch(instance: Any, _: WorkflowInstanceDetails) -> None:
        patched = instance.workflow_patch

        def overheard(id: str, *, deprecated: bool, **more: Any) -> bool:
            answer = bool(patched(id, deprecated=deprecated, **more))
            # In a task that is not in the history yet the new branch is taken, and nothing is said by that.
            if not deprecated and (not answer or instance.workflow_is_replaying()):
                answers.setdefault(id, answer)
            return answer

        instance.workflow_patch = overheard

    return watch


def _count(standing: Standing, run: Recorded, new: bool) -> None:
    if new:
        standing.new.append(run.workflow_id)
        return
    standing.old.append(run.workflow_id)
    standing.old_open += not run.closed


def _named(call: ast.Call) -> str:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name if name in CALLS else ""


def _constant(call: ast.Call) -> str:
    given = call.args[0] if call.args else None
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def _patch_id(data: bytes) -> str:
    return str(json.loads(data)["id"])
