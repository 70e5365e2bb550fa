"""May this code go live? Every history is lived again: the same commands, arguments, timers, answers and results.

A history without a completed task has nothing to compare: its first task is tried, and it is reported as
`not_started` unless the code raises.
"""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from temporalio.api.enums.v1 import EventType
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.runtime import Runtime
from temporalio.worker import Replayer

from replay import facts
from replay.compare import Difference, differences
from replay.histories import Recorded
from replay.runner import WatchedRunner
from replay.tape import Tape, taped
from starter.sealing import UNREADABLE

_EVENT_ID = re.compile(r"HistoryEvent\(id: (\d+)")
# Core records these when it sees fit, so their place in the order of events says nothing.
_UNORDERED = frozenset({"local activity", "update", "update answer"})


class Verdict(StrEnum):
    """How a history compares with today's code. Only the first two let a deploy pass."""

    SAME = "same"
    NOT_STARTED = "not_started"
    DIFFERENT = "different"
    NONDETERMINISTIC = "nondeterministic"
    BROKEN = "broken"
    UNREADABLE = "unreadable"
    UNKNOWN_TYPE = "unknown_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The verdict on one run, with the reasons in the order of its events."""

    workflow_id: str
    run_id: str
    workflow_type: str
    origin: str
    events: int
    verdict: Verdict
    detail: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether this run can live on with today's code."""
        return self.verdict in (Verdict.SAME, Verdict.NOT_STARTED)


async def check(
    runs: Iterable[Recorded] | AsyncIterator[Recorded],
    *,
    workflows: Sequence[type],
    converter: DataConverter,
    namespace: str = "default",
    runtime: Runtime | None = None,
) -> AsyncIterator[Checked]:
    """Replay every run and compare. Never raises for a history that does not fit: that is a verdict."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        checker = _Checker(workflows, converter, namespace, runtime, executor)
        async for run in _each(runs):
            yield await checker.verdict(run)


class _Checker:
    """Holds the code under test and the keys for many histories."""

    def __init__(
        self,
        workflows: Sequence[type],
        converter: DataConverter,
        namespace: str,
        runtime: Runtime | None,
        executor: ThreadPoolExecutor,
    ) -> None:
        self._executor = executor
        self._runtime = runtime
        self._converter = converter
        self._namespace = namespace
        self._workflows = list(workflows)
        self._types = {type_name(each) for each in workflows}

    async def verdict(self, run: Recorded) -> Checked:
        """Judge one run."""
        if run.workflow_type not in self._types:
            return _checked(run, Verdict.UNKNOWN_TYPE, f"this code has no workflow type {run.workflow_type}")
        if reason := await closed_door(run, self._converter, self._namespace):
            return _checked(run, Verdict.UNREADABLE, reason)
        # A lone first event has no task to replay; the replayer would wait for one for ever.
        if len(run.events) < 2:
            return _checked(run, Verdict.NOT_STARTED, _UNTOUCHED)
        tapes: list[Tape] = []
        runner = WatchedRunner(lambda instance, det: tapes.append(taped(instance, det)))
        failure = await self._replayed(run, runner)
        return await self._judged(run, tapes[-1] if tapes else Tape(), failure)

    async def _replayed(self, run: Recorded, runner: WatchedRunner) -> Exception | None:
        replayer = Replayer(
            workflows=self._workflows,
            workflow_runner=runner,
            unsandboxed_workflow_runner=runner,
            namespace=self._namespace,
            data_converter=self._converter,
            runtime=self._runtime,
            workflow_task_executor=self._executor,
        )
        result = await replayer.replay_workflow(run.history(), raise_on_replay_failure=False)
        return result.replay_failure

    async def _judged(self, run: Recorded, tape: Tape, failure: Exception | None) -> Checked:
        if tape.failed_with:
            where = f" at {tape.failed_at}" if tape.failed_at else ""
            reached = f"event {tape.reached}: the code raised {tape.failed_with}{where}"
            return _checked(run, Verdict.BROKEN, reached)
        found = await differences(run, tape, self._converter, self._namespace)
        if failure is not None:
            return _checked(run, Verdict.NONDETERMINISTIC, "", _reasons(run, tape, failure, found))
        if not any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in run.events):
            return _checked(run, Verdict.NOT_STARTED, _UNTOUCHED)
        return _checked(run, Verdict.DIFFERENT if found else Verdict.SAME, "", found)


async def closed_door(run: Recorded, converter: DataConverter, namespace: str) -> str:
    """Say why the start of a run cannot be opened with these keys, or ""."""
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=run.workflow_id)
    codec = converter.with_context(context).payload_codec
    if codec is None or not run.input:
        return ""
    for payload in await codec.decode(run.input):
        if payload.metadata.get("encoding") == UNREADABLE:
            return _CLOSED_DOORS.get(payload.data.decode(), _CLOSED_DOORS["forged"])
    return ""


_UNTOUCHED = "no task of it has been completed yet"
_CLOSED_DOORS = {
    "unknown_key": "this key ring does not hold the key that sealed it; use the ring it was recorded with",
    "plaintext": "its payloads are not sealed, so seawall did not write them",
    "other_case": "its payloads belong to another case",
    "forged": "its payloads do not open: another namespace, or changed since",
    "malformed": "its payloads are damaged",
}


def _reasons(run: Recorded, tape: Tape, failure: Exception, found: list[Difference]) -> list[Difference]:
    """Name the first divergence. After it nothing compares, so the rest is left out."""
    named = _EVENT_ID.search(str(failure))
    event_id = int(named.group(1)) if named else 0
    if event_id:
        early = [each for each in found if each.event_id <= event_id]
        if early:
            return early[:1]
        if turned := _turned(run, tape, event_id):
            return [turned]
    if found:
        return found[:1]
    last = next((given.place for given in reversed(tape.commands) if given.place), "")
    return [Difference(event_id=event_id, what="the order of acts", recorded="one", now="another", place=last)]


def _turned(run: Recorded, tape: Tape, event_id: int) -> Difference | None:
    """Find what the code commands where the history has something else: the first act that is not recorded before."""
    acts = facts.of_events(run.events)
    here = next((said for said in acts if said.event_id >= event_id and said.kind not in _UNORDERED), None)
    before = {(said.kind, said.key) for said in acts if said.event_id < event_id}
    for said in facts.of_tape(tape):
        if said.kind in _UNORDERED or (said.kind, said.key) in before:
            continue
        if here is not None and (said.kind, said.key) == (here.kind, here.key):
            return None
        what = here.name if here is not None else f"after event {event_id}"
        return Difference(
            event_id=event_id, what=what, recorded="done here", now=f"{said.name} first", place=said.place
        )
    return None


def _checked(run: Recorded, verdict: Verdict, detail: str, found: Sequence[Difference] = ()) -> Checked:
    return Checked(
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        workflow_type=run.workflow_type,
        origin=run.origin,
        events=len(run.events),
        verdict=verdict,
        detail=detail,
        differences=tuple(found),
    )


def type_name(workflow: type) -> str:
    definition = getattr(workflow, "__temporal_workflow_definition", None)
    return str(getattr(definition, "name", None) or workflow.__name__)


async def _each(runs: Iterable[Recorded] | AsyncIterator[Recorded]) -> AsyncIterator[Recorded]:
    if isinstance(runs, AsyncIterator):
        async for run in runs:
            yield run
    else:
        for run in runs:
            yield run
