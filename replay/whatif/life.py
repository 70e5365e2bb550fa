"""How does one case live once more? A simulation of its own code, ended where its record ends, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio.bridge.proto.activity_result import ActivityResolution

from activities.casebook import Written
from escalations.casefile import CaseFile, Opening
from escalations.record import Batch, Entry
from escalations.rulebook import Rulebooks
from replay.simulation.simulator import Simulation
from replay.simulation.traces import Run, Trace
from replay.simulation.values import Values
from replay.simulation.world import Beginning, Call, Halted, Living
from replay.whatif.rules import Rules

RECORD = "record"
MOST_ENTRIES, MOST_TASKS = 20_000, 100_000  # of one life; one that waits for a year, asked every hour, has 20,000 tasks
MOST_RUNS = 1_000


@dataclass(slots=True, kw_only=True)
class Life:
    """One life of a case. `file` is what the case knew at the end; `halted` says why it went no further."""

    case_id: str
    runs: list[Living]
    file: CaseFile | None
    entries: list[Entry]
    ended_at: int
    halted: str = ""


@dataclass(slots=True, kw_only=True)
class Desk:
    """What every simulated case finds: a casebook in memory, and somebody who answers for the rules."""

    rules: Rules
    values: Values
    entries: list[Entry] = field(default_factory=list)

    def recorded(self, call: Call) -> ActivityResolution:
        """Write entries down and say which is the last."""
        batch: Batch = self.values.value(call.arguments[0], Batch)
        self.entries.extend(batch.entries)
        answer = ActivityResolution()
        last = batch.entries[-1].seq if batch.entries else 0
        answer.completed.result.CopyFrom(self.values.payload(Written(seq=last)))
        return answer

    def ruled(self, call: Call, books: Rulebooks) -> ActivityResolution:
        """Answer a question of policy."""
        request = self.values.value(call.arguments[0], self.rules.questions[call.type].asked)
        return self.rules.answer(call.type, request, books, self.values)

    def rules_on(self, call: Call) -> bool:
        """Say whether policy answers a call."""
        return call.type in self.rules.questions


def beginning(run: Run) -> Beginning:
    """Begin a run as its record says."""
    return Beginning(
        at=run.begun,
        run_id=run.run_id,
        type=run.type,
        input=run.input,
        started=run.started,
        search_attributes=run.search_attributes,
        patches=run.patches,
        flags=run.flags,
        long_since=run.long_since,
    )


def lived(sim: Simulation, trace: Trace, desk: Desk, over: Callable[[], bool] = lambda: False) -> Life:
    """Let a simulation run to its end, or until it is `over`, and keep what came of it."""
    halted = ""
    try:
        while sim.step():
            if over():
                break
            if len(desk.entries) > MOST_ENTRIES or sim.runs[-1].tasks > MOST_TASKS or len(sim.runs) > MOST_RUNS:
                raise Halted("it goes on without an end")
        found = [living for living in sim.runs if living.workflow_id == trace.case_id]
    except Halted as why:
        halted, found = str(why), [living for living in sim.runs if living.workflow_id == trace.case_id]
    file = file_of(found[-1]) if found else None
    sim.evict()
    return Life(case_id=trace.case_id, runs=found, file=file, entries=desk.entries, ended_at=sim.now, halted=halted)


def file_of(living: Living) -> CaseFile | None:
    """Look into a case."""
    case: Any = getattr(living.object, "case", None)
    return case.file if case is not None else None


MUTABLE = frozenset({Opening})
