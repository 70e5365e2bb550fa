"""How does a case live under another rulebook? Its facts, people and outside world as recorded, the rules not.

Answers are found by what was asked, then by what it was about and in which order; they take as long as they took.
"""

from dataclasses import replace
from datetime import timedelta

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.child_workflow import ChildWorkflowResult

from escalations.casefile import CaseFile, Opening
from escalations.clocks import ClockStatus, wanted_at
from escalations.enforcement import SweepOrder, Swept
from escalations.rulebook import Rulebook
from replay.simulation.simulator import Simulation
from replay.simulation.traces import Answer, Trace
from replay.simulation.world import Beginning, Birth, Call, Coming, Living
from replay.whatif.assumed import SECOND, Unassumable, assumed, subject
from replay.whatif.life import RECORD, Desk, beginning, file_of
from replay.whatif.people import Saying, Watcher, addressed
from replay.whatif.rules import Whichever

SOON = 10_000_000
HOPELESS = int(timedelta(days=400).total_seconds()) * SECOND


class Other:
    """The world around a case that follows the candidate."""

    def __init__(self, trace: Trace, desk: Desk, book: Rulebook, said: list[Saying], delay: float) -> None:
        self.sim: Simulation | None = None
        self.watcher = Watcher()
        self.misses: list[str] = []
        self.unheard_of: set[str] = set()
        self.spoken_at: dict[str, int] = {}
        self.values = desk.values
        self.waiting = {saying.number: saying for saying in said if saying.anchor is not None}
        self._trace, self._desk, self._book, self._delay = trace, desk, Whichever(book), delay
        self._pools: dict[tuple[str, str], list[Answer]] = {}
        for answer in sorted(trace.answers, key=lambda one: one.asked or 0):
            self._pools.setdefault((answer.kind, answer.type), []).append(answer)
        self._begin(said)

    def _begin(self, said: list[Saying]) -> None:
        self._at_fixed_times = [saying for saying in said if saying.anchor is None]

    def spoken(self, sim: Simulation) -> None:
        """Let everything be said that answers nothing the case asks."""
        for saying in self._at_fixed_times:
            self._say(sim, self._trace.began + saying.after, saying, None)

    def _say(self, sim: Simulation, at: int, saying: Saying, file: CaseFile | None) -> None:
        message = addressed(saying, file, self.watcher, self.values) if file else saying.message
        self.spoken_at[saying.number] = at
        sim.say(at, self._trace.case_id, message, saying.number)

    @property
    def unused(self) -> list[str]:
        """List the types of recorded calls that were never made."""
        return sorted(
            answer.type
            for (kind, name), pool in self._pools.items()
            for answer in pool
            if kind != "local" and name not in self._desk.rules.questions
        )

    # answers

    def answer(self, living: Living, call: Call) -> Coming | None:
        """Answer an activity: policy by the candidate, the casebook in memory, the rest from the record."""
        if call.type == RECORD or self._desk.rules_on(call):
            took = self._took(call)
            ruled = call.type != RECORD
            resolution = self._desk.ruled(call, self._book) if ruled else self._desk.recorded(call)
            return Coming(at=call.at + took, resolution=resolution)
        found = self._found(call)
        if found is None:
            self.misses.append(call.type)
        if found is None or found.resolution is None or found.took is None:
            return self._assumed(call)
        return Coming(at=call.at + found.took, resolution=found.resolution)

    def _took(self, call: Call) -> int:
        pool = self._pools.get((call.kind, call.type))
        took = pool.pop(0).took if pool else None
        return SOON if took is None else took

    def _found(self, call: Call) -> Answer | None:
        """Take the recorded answer to the same question, else the next one about the same matter."""
        pool = self._pools.get((call.kind, call.type), [])
        if call.kind == "local":
            return pool.pop(0) if pool else None
        asked = self.values.value(call.arguments[0]) if call.arguments else None
        told = [self.values.value(one.input[0], type(asked)) if one.input else None for one in pool]
        place = next((place for place, one in enumerate(told) if one == asked), None)
        if place is None:
            about = subject(asked)
            place = next((place for place, one in enumerate(told) if subject(one) == about), None)
        return pool.pop(place) if place is not None else None

    def _assumed(self, call: Call) -> Coming | None:
        asked = self.values.value(call.arguments[0]) if call.arguments else None
        try:
            value = self._again(call.type) or assumed(call.type, asked, call.at + SECOND)
        except Unassumable:
            return None
        answer = ActivityResolution()
        answer.completed.result.CopyFrom(value if isinstance(value, Payload) else self.values.payload(value))
        return Coming(at=call.at + SECOND, resolution=answer)

    def _again(self, name: str) -> Payload | None:
        """A search that was not recorded finds what the last one found."""
        if name != "find_listings":
            return None
        found = [
            answer.resolution.completed.result
            for answer in self._trace.answers
            if answer.type == name and answer.resolution is not None and answer.resolution.HasField("completed")
        ]
        return found[-1] if found else None

    def birth(self, living: Living, call: Call) -> Birth | None:
        """Begin a child: as recorded, else a sweep lives its own life, and what outlives the case is left alone."""
        found = self._found(call)
        if found is not None and found.begun is not None and found.asked is not None:
            begun = call.at + found.begun - found.asked
            end = self._end(call, found)
            return Birth(at=begun, run_id=found.child_run, refused=found.refused, end=end)
        self.misses.append(call.type)
        order = self.values.value(call.arguments[0]) if call.arguments else None
        return Birth(at=call.at + SOON, virtual=isinstance(order, SweepOrder) and order.mode != "watch")

    def _end(self, call: Call, found: Answer) -> Coming | None:
        if found.child is None or found.took is None:
            return None
        child, order = found.child, self.values.value(call.arguments[0]) if call.arguments else None
        if isinstance(order, SweepOrder) and child.HasField("completed"):
            swept = self.values.value(child.completed.result, Swept)
            if swept.order != order.number:
                child = ChildWorkflowResult()
                child.completed.result.CopyFrom(self.values.payload(replace(swept, order=order.number)))
        return Coming(at=call.at + found.took, child=child)

    def passed_on(self, living: Living, call: Call) -> Coming | None:
        """Carry a signal: answered as recorded, else it arrived."""
        found = next(iter(self._pools.get(("signal", call.type), [])), None)
        if found is None:
            return Coming(at=call.at + SOON)
        self._pools["signal", call.type].remove(found)
        return Coming(at=call.at + (SOON if found.took is None else found.took), failure=found.failure)

    def rings(self, living: Living, key: str, lasts: int, at: int) -> int:
        """Ring in time, and as late as it did where the record has the same timer."""
        run = self._trace.runs[living.number] if living.number < len(self._trace.runs) else None
        recorded = run.timers.get(key) if run is not None and living.workflow_id == self._trace.case_id else None
        if recorded is None or recorded.lasts != lasts or recorded.seen is None:
            return at + lasts
        return recorded.seen if recorded.seen >= at + lasts else at + lasts

    # runs

    def goes_on(self, living: Living, payloads: tuple[Payload, ...], at: int) -> Beginning | None:
        """Begin the next run with what this one hands over."""
        follows = self._trace.runs[living.number + 1] if living.number + 1 < len(self._trace.runs) else None
        long_since = follows.long_since if follows is not None else None
        return replace(living.begun, at=at, started=at, input=payloads, long_since=long_since)

    def lived(self, living: Living, at: int) -> None:
        """Let people answer what the case has just asked, and reopen it where it was reopened."""
        if living.workflow_id != self._trace.case_id or self.sim is None:
            return
        file = file_of(living)
        if file is not None:
            for anchor in self.watcher.look(file, at):
                self._answered(self.sim, anchor, file, at)
        if living.ended == "completed":
            self._reopened(self.sim, living, file, at)

    def _answered(self, sim: Simulation, anchor: tuple[str, str, int], file: CaseFile, at: int) -> None:
        for number in [number for number, saying in self.waiting.items() if saying.anchor == anchor]:
            saying = self.waiting.pop(number)
            after = saying.after  # never through a float when nothing is scaled: that holds 53 bits, some 104 days
            if saying.scaled and self._delay != 1.0:
                after = round(after * self._delay)
            self._say(sim, max(at, at + after), saying, file)

    def _reopened(self, sim: Simulation, living: Living, file: CaseFile | None, at: int) -> None:
        later = [run for run in self._trace.runs[living.number + 1 :] if not run.continued]
        if not later:
            return
        run = later[0]
        opening = replace(self.values.value(run.input[0], Opening), file=file)
        begun = replace(beginning(run), at=max(run.begun, at), input=(self.values.payload(opening),))
        sim.begin(living.workflow_id, begun)

    def unheard(self, number: str) -> None:
        """Note what came after the end."""
        self.unheard_of.add(number)

    def over(self) -> bool:
        """Say whether nothing is left but a case that waits for people who will not come."""
        due = self.sim.next_alarm() if self.sim is not None else None
        if due is None or due <= self._trace.ends:
            return False
        living = self.sim.live(self._trace.case_id) if self.sim is not None else None
        file = file_of(living) if living is not None else None
        return due > min(self._horizon(file), self._trace.ends + HOPELESS)

    def _horizon(self, file: CaseFile | None) -> int:
        times = [] if file is None else [card.gate.due_at for card in file.gates if card.outcome is None]
        running = [] if file is None else [clock for clock in file.clocks if clock.status is ClockStatus.RUNNING]
        times += [at for clock in running if (at := wanted_at(clock)) is not None]
        return max((int(at.timestamp() * 1e9) + SECOND for at in times), default=0)
