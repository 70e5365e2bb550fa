"""Would the real server say the same? The candidate once more, slower: Temporal itself, in virtual time, for a sample.

A local server that is thrown away starts the case now, so its dates are moved to now, in the simulation too. Answers
come from the record: a call that took long is refused once and retried after as long as it took, which costs no time
when time is skipped. Children have clocks of their own there, so in both lives they end at once. Compared are outcome,
stages, gates and clocks with their due times.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.converter import DataConverter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations.casefile import CaseFile
from escalations.messages import Receipt
from escalations.rulebook import Rulebook
from replay.simulation.instance import alone
from replay.simulation.simulator import Simulation
from replay.simulation.traces import Trace
from replay.whatif.effect import Seen, seen
from replay.whatif.life import Desk, Life, beginning, lived
from replay.whatif.other import Other
from replay.whatif.people import Saying, Watcher, addressed, sayings
from replay.whatif.retold import retold
from replay.whatif.second_opinion_hands import QUEUE, Hands, RecordedPrevention, RecordedSweep
from replay.whatif.second_opinion_moved import moved_sayings, moved_trace
from replay.whatif.trial import Bench
from starter import connect
from starter.sealing import SealedPayloadConverter
from starter.stack.parts import DYNAMIC, temporal_binary
from workflows.escalation import Escalation

NEAR = timedelta(minutes=2)
A_MOMENT = timedelta(seconds=1)
NANO = 1_000
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """How the server's life of a case differs from the simulated one, in words; none if it does not."""

    case_id: str
    differences: tuple[str, ...]


@asynccontextmanager
async def server() -> AsyncIterator[WorkflowEnvironment]:
    """Start a server that can skip time, in memory; nothing leaves it and nothing of it stays."""
    extra = [part for value in DYNAMIC for part in ("--dynamic-config-value", value)]
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        data_converter=DataConverter(payload_converter_class=SealedPayloadConverter),
        dev_server_log_level="error",
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_extra_args=extra,
    ) as env:
        await connect.ensure_search_attributes(env.client)
        yield env


async def opinions(
    env: WorkflowEnvironment, traces: Sequence[Trace], on: Bench, candidate: Rulebook, delay: float = 1.0
) -> list[Opinion]:
    """Let the server live cases under the candidate, one after the other."""
    hands = Hands(on.rules.calendars, candidate)
    worker = Worker(
        env.client,
        task_queue=QUEUE,
        workflows=[Escalation, RecordedSweep, RecordedPrevention],
        activities=hands.activities(),
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        return [await _opinion(env, hands, trace, on, candidate, delay) for trace in traces]


async def _opinion(
    env: WorkflowEnvironment, hands: Hands, trace: Trace, on: Bench, candidate: Rulebook, delay: float
) -> Opinion:
    with alone():
        telling = retold(trace, on.rules, on.find, on.recorded, on.classes)
        said = sayings(trace, telling.watcher, telling.values)
    by = timedelta(microseconds=(_now() - trace.began) // NANO)
    later, told = moved_trace(trace, telling.values, by), moved_sayings(said, telling.values, by)
    desk = Desk(rules=on.rules, values=telling.values)
    with alone():
        other, life = _simulated(later, desk, candidate, told, delay, on)
    before = seen(life)
    hands.expect(later, Other(later, desk, candidate, told, delay))
    file = await _on_the_server(env, later, told, other, life, telling.values)
    after = seen(_life(later, file, hands))
    return Opinion(case_id=trace.case_id, differences=tuple(differences(before, after)))


def _simulated(
    trace: Trace, desk: Desk, candidate: Rulebook, told: list[Saying], delay: float, on: Bench
) -> tuple[Other, Life]:
    other = Other(trace, desk, candidate, told, delay)
    sim = other.sim = Simulation(other, desk.values, on.classes, until=None if trace.closed else trace.ends)
    sim.begin(trace.case_id, beginning(trace.runs[0]))
    other.spoken(sim)
    return other, lived(sim, trace, desk, other.over)


def _now() -> int:
    return int(datetime.now().astimezone().timestamp() * 1_000_000) * NANO


def _life(trace: Trace, file: CaseFile, hands: Hands) -> Life:
    return Life(
        case_id=trace.case_id,
        runs=[],
        file=file,
        entries=hands.entries.get(trace.case_id, []),
        ended_at=trace.ends,
    )


async def _on_the_server(
    env: WorkflowEnvironment, trace: Trace, told: list[Saying], other: Other, life: Life, values: Any
) -> CaseFile:
    opening = values.value(trace.runs[0].input[0])
    with env.with_time_skipping_disabled():
        handle = await env.client.start_workflow(Escalation.run, opening, id=trace.case_id, task_queue=QUEUE)
    by_number = {saying.number: saying for saying in told}
    started = (await handle.describe()).start_time
    for number, at in sorted(other.spoken_at.items(), key=lambda one: (one[1], int(one[0]))):
        if not await _until(env, handle, started + timedelta(microseconds=(at - trace.began) // NANO)):
            break
        await _spoken(handle, by_number[number], values)
    await _until(env, handle, started + timedelta(microseconds=(life.ended_at - trace.began) // NANO) + NEAR)
    return await _file(handle)


async def _until(env: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], at: datetime) -> bool:
    """Let time pass; False when the workflow ended first."""
    try:
        left = at - await env.get_current_time(handle)
        return left <= A_MOMENT or await env.fast_forward(handle, left)
    except RPCError:
        return False


async def _spoken(handle: WorkflowHandle[Any, Any], saying: Saying, values: Any) -> None:
    """Say it. What the case refuses is refused in the simulation too, or shows as a difference."""
    said = saying.said
    if saying.anchor is not None and saying.anchor[0] == "gate":
        file, watcher = await _file(handle), Watcher()
        watcher.look(file, 0)
        message = addressed(saying, file, watcher, values)
        said = values.value(message.payloads[0], type(said))
    with contextlib.suppress(WorkflowUpdateFailedError, RPCError):
        if saying.message.kind == "signal":
            await handle.signal(saying.message.name, said)
        elif saying.message.kind == "update":
            await handle.execute_update(
                saying.message.name, said, id=f"o-{saying.number}", result_type=Receipt, rpc_timeout=PATIENCE
            )


async def _file(handle: WorkflowHandle[Any, Any]) -> CaseFile:
    for _ in range(30):
        with contextlib.suppress(RPCError):
            file: CaseFile = await handle.query("file", result_type=CaseFile, rpc_timeout=timedelta(seconds=10))
            return file
        await asyncio.sleep(0.1)
    raise RuntimeError(f"{handle.id} does not answer")


def differences(simulated: Seen, served: Seen) -> Iterator[str]:
    """Say where two lives differ; times that are near each other are the same."""
    if simulated.outcome != served.outcome:
        yield f"outcome {simulated.outcome or 'none'} in the simulation, {served.outcome or 'none'} on the server"
    if (simulated.closed_at is None) != (served.closed_at is None):
        yield f"closed: {simulated.closed_at is not None} in the simulation, {served.closed_at is not None} there"
    yield from _stages(simulated, served)
    yield from _clocks(simulated, served)
    yield from _gates(simulated, served)


def _stages(simulated: Seen, served: Seen) -> Iterator[str]:
    names, others = [name for name, _ in simulated.stages], [name for name, _ in served.stages]
    if names != others:
        yield f"stages {', '.join(names)} in the simulation, {', '.join(others)} on the server"
        return
    for (name, at), (_, other) in zip(simulated.stages, served.stages, strict=True):
        if _far(at, other):
            yield f"stage {name} at {at:%Y-%m-%d %H:%M:%S} in the simulation, {other:%Y-%m-%d %H:%M:%S} on the server"


def _clocks(simulated: Seen, served: Seen) -> Iterator[str]:
    mine, theirs = ({clock.rule: clock for clock in one.clocks} for one in (simulated, served))
    for rule in sorted(mine.keys() | theirs.keys()):
        clock, other = mine.get(rule), theirs.get(rule)
        if clock is None or other is None:
            yield f"clock {rule} only {'on the server' if clock is None else 'in the simulation'}"
        elif clock.status != other.status or _far(clock.due_at, other.due_at):
            yield f"clock {rule}: {clock.status}, due {clock.due_at} in the simulation, {other.status}, {other.due_at}"


def _gates(simulated: Seen, served: Seen) -> Iterator[str]:
    mine, theirs = ({gate.name: gate for gate in one.gates} for one in (simulated, served))
    for name in sorted(mine.keys() | theirs.keys()):
        gate, other = mine.get(name), theirs.get(name)
        if gate is None or other is None:
            yield f"gate {name} only {'on the server' if gate is None else 'in the simulation'}"
        elif (gate.option, gate.how) != (other.option, other.how) or _far(gate.due_at, other.due_at):
            yield f"gate {name}: {gate.option} by {gate.how}, due {gate.due_at} in the simulation, {other.option} by"


def _far(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) > NEAR
