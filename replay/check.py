"""May this code go live? Every history is lived again: the same commands, arguments, timers, answers and results.

Where states were kept with a history, the code must also stand after each task as it stood then. One replayer lives all
histories, one after the other. A history without a completed task has nothing to compare: its first task is tried, and
it is reported as `not_started` unless the code raises.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.converter import (
    DataConverter,
)
from temporalio.runtime import Runtime
from temporalio.worker import Replayer

from replay import facts, frames, meant, newer, states, stranded
from replay.compare import ANYTIME, Compared, Unreadable, compared, given
from replay.differences import Difference
from replay.drift import Drift
from replay.histories import Recorded, each
from replay.meant import Meanings
from replay.opening import closed_door, opening, why
from replay.states import Kept
from replay.stranded import Stranded
from replay.tape import Tape, taped
from starter.sandbox import WatchedRunner

_EVENT_ID = re.compile(r"HistoryEvent\(id: (\d+)")


class Verdict(StrEnum):
    """How a run compares with today's code. The first three let a deploy pass; the last three are no judgement."""

    SAME = "same"
    MEANT = "meant"
    NOT_STARTED = "not_started"
    DIFFERS = "differs"
    BREAKS = "breaks"
    UNREADABLE = "unreadable"
    UNKNOWN_TYPE = "unknown_type"
    NEWER = "newer"


PASSES = frozenset({Verdict.SAME, Verdict.MEANT, Verdict.NOT_STARTED})
FAILS = frozenset({Verdict.DIFFERS, Verdict.BREAKS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The verdict on one run, with the reasons in the order of its events.

    `meant` holds the places of the meant differences that it has, `stranded` whose open case it is when it fails.
    `words` are differences in words that Temporal's UI shows, which no case lives by. `states` counts those that were
    compared.
    """

    workflow_id: str
    run_id: str
    workflow_type: str
    origin: str
    events: int
    verdict: Verdict
    detail: str = ""
    differences: tuple[Difference, ...] = ()
    meant: tuple[int, ...] = ()
    words: tuple[Difference, ...] = ()
    states: int = 0
    stranded: Stranded | None = None

    @property
    def passes(self) -> bool:
        """Whether this run can live on with today's code."""
        return self.verdict in PASSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to compare: whether values are shown, and which differences are meant."""

    values: bool = False
    meanings: Meanings = meant.NONE


_AS_USUAL = Wanted()


async def check(
    runs: Iterable[Recorded] | AsyncIterator[Recorded],
    *,
    workflows: Sequence[type],
    converter: DataConverter,
    namespace: str = "default",
    runtime: Runtime | None = None,
    wanted: Wanted = _AS_USUAL,
    watched: Callable[[Tape], None] = lambda _: None,
) -> AsyncIterator[Checked]:
    """Replay every run and compare, in order. Never raises for a history that does not fit: that is a verdict.

    `watched` is shown the tape of each run as soon as its first task is lived.
    """
    answers: asyncio.Queue[Checked | None] = asyncio.Queue()
    judge = _Judge(workflows, converter, namespace, wanted, watched)

    async def judging() -> None:
        replayer = Replayer(
            workflows=list(workflows),
            workflow_runner=(runner := WatchedRunner(judge.watch)),
            unsandboxed_workflow_runner=runner,
            namespace=namespace,
            data_converter=opening(converter),
            runtime=runtime,
            # Lived where it is asked for: no thread between, and no limit of two seconds that a busy machine breaks.
            debug_mode=True,
        )
        try:
            async with replayer.workflow_replay_iterator(judge.lived(runs, answers.put_nowait)) as results:
                async for result in results:
                    answers.put_nowait(await judge.verdict(result.replay_failure))
        finally:
            answers.put_nowait(None)

    work = asyncio.create_task(judging())
    try:
        while (answer := await answers.get()) is not None:
            yield answer
        await work
    finally:
        await _ended(work)


async def _ended(work: "asyncio.Task[None]") -> None:
    """Stop judging when nobody wants to hear any more."""
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await work


class _Judge:
    """Holds the code under test and the keys for many runs, and the tape of the run that is lived now."""

    def __init__(
        self,
        workflows: Sequence[type],
        converter: DataConverter,
        namespace: str,
        wanted: Wanted,
        watched: Callable[[Tape], None],
    ) -> None:
        self._converter = converter
        self._namespace = namespace
        self._wanted = wanted
        self._watched = watched
        self._workflows = workflows
        self._types = {type_name(each) for each in workflows}
        self._tape = Tape()
        self._run: Recorded | None = None
        self._kept: Kept | None = None
        self._drift: Drift | None = None

    def watch(self, instance: Any, det: Any) -> None:
        """Tape an instance from its first activation on."""
        drift = Drift(self._kept) if self._kept is not None else None
        if drift is not None:
            tape = frames.watched(instance, det, lambda frame: drift.see(frame, tape))
        else:
            tape = taped(instance, det)
        # A task that failed is tried again, with an instance of its own: the first failure is the verdict.
        if not (self._tape.restless or self._tape.failed_with):
            self._tape, self._drift = tape, drift
            self._watched(tape)

    async def lived(
        self,
        runs: Iterable[Recorded] | AsyncIterator[Recorded],
        answer: Callable[[Checked], None],
    ) -> AsyncIterator[WorkflowHistory]:
        """Hand the runs to the replayer, except those that cannot be lived at all: they get their `answer` at once."""
        async for run in each(runs):
            if unfit := await self._unfit(run):
                answer(unfit)
                continue
            try:
                self._kept = await states.opened(run, self._converter, self._namespace)
            except states.Unreadable as closed:
                answer(_checked(run, Verdict.UNREADABLE, f"the states beside it {closed}; export it again"))
                continue
            self._run, self._tape, self._drift = run, Tape(), None
            yield run.history()

    async def verdict(self, failure: Exception | None) -> Checked:
        """Judge the run that was lived last."""
        run, tape = self._run, self._tape
        assert run is not None
        found = await self._judged(run, tape, failure)
        if found.verdict in FAILS and not run.closed:
            return replace(found, stranded=stranded.of(run, tape))
        return found

    async def _unfit(self, run: Recorded) -> Checked | None:
        if run.workflow_type not in self._types:
            return _checked(run, Verdict.UNKNOWN_TYPE, f"this code has no workflow type {run.workflow_type}")
        if reason := await closed_door(run, self._converter, self._namespace):
            return _checked(run, Verdict.UNREADABLE, reason)
        # Without a task there is nothing to replay; the replayer would wait for one for ever.
        if not any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED for event in run.events):
            return _checked(run, Verdict.NOT_STARTED, _UNTOUCHED)
        return None

    async def _judged(self, run: Recorded, tape: Tape, failure: Exception | None) -> Checked:
        if failure is not None and (reason := newer.reason(run, tape, self._workflows)):
            return _checked(run, Verdict.NEWER, reason)
        if tape.unreadable:
            return _checked(run, Verdict.UNREADABLE, f"after event {tape.reached}: {why(tape.unreadable)}")
        if tape.restless:
            return _checked(run, Verdict.BREAKS, f"event {tape.reached}: the code does not come to rest")
        if tape.failed_with:
            where = f" at {tape.failed_at}" if tape.failed_at else ""
            reached = f"event {tape.reached}: the code raised {tape.failed_with}{where}"
            return _checked(run, Verdict.BREAKS, reached)
        try:
            found = await compared(
                run,
                tape,
                self._converter,
                self._namespace,
                shown=self._wanted.values,
                meanings=self._wanted.meanings if failure is None else meant.NONE,
                states=self._drift.found() if self._drift is not None and failure is None else (),
            )
        except Unreadable as closed:
            return _checked(run, Verdict.UNREADABLE, f"event {closed.event_id}: {why(str(closed))}")
        if failure is not None:
            return _checked(run, Verdict.BREAKS, "", _reasons(run, tape, failure, found.differences))
        return replace(_weighed(run, found), words=found.words, states=self._drift.seen if self._drift else 0)


def _weighed(run: Recorded, found: Compared) -> Checked:
    if found.differences:
        return replace(_checked(run, Verdict.DIFFERS, "", found.differences), meant=found.meant)
    if found.meant:
        return replace(_checked(run, Verdict.MEANT, f"{len(found.meant)} differences are meant"), meant=found.meant)
    if not any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in run.events):
        return _checked(run, Verdict.NOT_STARTED, _UNTOUCHED)
    return _checked(run, Verdict.SAME, "")


_UNTOUCHED = "no task of it has been completed yet"


def _reasons(run: Recorded, tape: Tape, failure: Exception, found: Sequence[Difference]) -> Sequence[Difference]:
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
    return [Difference(event_id=event_id, kind="the order of acts", recorded="one", now="another", place=last)]


def _turned(run: Recorded, tape: Tape, event_id: int) -> Difference | None:
    """Find what the code commands where the history has something else: the first act that is not recorded before."""
    acts = facts.of_events(run.events).acts
    here = next((said for said in acts if said.event_id >= event_id and said.kind not in ANYTIME), None)
    before = {(said.kind, said.key) for said in acts if said.event_id < event_id}
    for said in facts.of_tape(tape, given(run)):
        if said.kind in ANYTIME or (said.kind, said.key) in before:
            continue
        if here is not None and (said.kind, said.key) == (here.kind, here.key):
            return None
        kind, name = (here.kind, here.name) if here is not None else (f"after event {event_id}", "")
        first = f"{said.kind} {said.name} first".replace("  ", " ")
        return Difference(event_id=event_id, kind=kind, name=name, recorded="done here", now=first, place=said.place)
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
