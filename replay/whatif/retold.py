"""What answers when a recorded story is told again? The record, exactly; only the rules are asked anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.converter import PayloadConverter

from escalations.rulebook import Rulebook, UnknownRulebook
from replay.simulation.simulator import Simulation
from replay.simulation.traces import Answer, Trace
from replay.simulation.values import Values
from replay.simulation.world import Beginning, Birth, Call, Coming, Halted, Living
from replay.whatif.alike import Alike
from replay.whatif.life import MUTABLE, RECORD, Desk, Life, beginning, file_of, lived
from replay.whatif.people import Watcher
from replay.whatif.rules import Rules, Whichever

Finder = Callable[[str], Rulebook]


class Retold:
    """The world as it was. Every answer comes when it was seen; it learns when each was asked for.

    `anew` asks the rules again; without it their recorded answers are taken too, which tries the simulator alone.
    `alike` hears every question that is asked anew, and its answer.
    """

    def __init__(
        self, trace: Trace, desk: Desk, versions: "Versions", *, anew: bool = True, alike: Alike | None = None
    ) -> None:
        self.trace = trace
        self.sim: Simulation | None = None
        self.watcher = Watcher()
        self.ruled: list[tuple[Answer, ActivityResolution]] = []
        self.unheard_of: list[str] = []
        self._alike = alike
        self._desk = desk
        self._versions = versions
        self._anew = anew
        self._answers = {(answer.run, answer.kind, answer.key): answer for answer in trace.answers}

    def _found(self, living: Living, call: Call) -> Answer | None:
        answer = self._answers.get((living.number, call.kind, call.key))
        if answer is None or answer.type != call.type:
            return None
        answer.asked = call.at
        return answer

    def answer(self, living: Living, call: Call) -> Coming | None:
        """Answer an activity as recorded; a question of policy and the casebook are answered anew."""
        found = self._found(living, call)
        if found is None or found.resolution is None or found.seen is None:
            if call.type == RECORD:
                self._desk.recorded(call)  # written, though its answer was not seen before the record ends
            return None
        resolution = found.resolution
        if not resolution.HasField("backoff"):
            if call.type == RECORD and resolution.HasField("completed"):
                resolution = self._desk.recorded(call)
            elif self._anew and self._desk.rules_on(call):
                resolution = self._ruled(found, call)
        return Coming(at=found.seen, resolution=resolution)

    def _ruled(self, found: Answer, call: Call) -> ActivityResolution:
        books = self._versions.of_answer(found, call, self._desk)
        resolution = self._desk.ruled(call, books)
        self.ruled.append((found, resolution))
        if self._alike is not None:
            self._alike.hear(call, books.current, resolution)
        return resolution

    def birth(self, living: Living, call: Call) -> Birth | None:
        """Begin a child as recorded."""
        found = self._found(living, call)
        if found is None or found.begun is None:
            return None
        end = Coming(at=found.seen, child=found.child) if found.seen is not None and found.child is not None else None
        return Birth(at=found.begun, run_id=found.child_run, refused=found.refused, end=end)

    def passed_on(self, living: Living, call: Call) -> Coming | None:
        """Answer a signal as recorded."""
        found = self._found(living, call)
        return None if found is None or found.seen is None else Coming(at=found.seen, failure=found.failure)

    def rings(self, living: Living, key: str, lasts: int, at: int) -> int:
        """Ring when it was seen; what was not seen rings after the end of the record."""
        recorded = self.trace.runs[living.number].timers.get(key)
        if recorded is None or recorded.lasts != lasts:
            return at + lasts
        return recorded.seen if recorded.seen is not None else max(at + lasts, self.trace.ends + 1)

    def goes_on(self, living: Living, payloads: tuple[Payload, ...], at: int) -> Beginning | None:
        """Begin the next run with what this one hands over."""
        follows = living.number + 1
        if follows >= len(self.trace.runs):
            return None
        return replace(beginning(self.trace.runs[follows]), input=payloads)

    def lived(self, living: Living, at: int) -> None:
        """Note what the case asks, and begin a run that was opened anew after this one ended."""
        file = file_of(living)
        if file is not None:
            self.watcher.look(file, at)
        follows = living.number + 1
        if living.ended == "completed" and follows < len(self.trace.runs) and self.sim is not None:
            self.sim.begin(living.workflow_id, beginning(self.trace.runs[follows]))

    def unheard(self, number: str) -> None:
        """Note it: nothing that was taken goes unheard when the story is the same."""
        self.unheard_of.append(number)


class Versions:
    """Finds the rulebook that an answer was given under."""

    def __init__(self, find: Finder, rules: Rules) -> None:
        self._find = find
        self._rules = rules

    def of_answer(self, answer: Answer, call: Call, desk: Desk) -> Whichever:
        """Find the rulebook of a recorded answer: it says which, or its question. Raises Halted for one not kept."""
        question = self._rules.questions[answer.type]
        if answer.resolution is not None and answer.resolution.HasField("completed"):
            told = desk.values.value(answer.resolution.completed.result, question.answered)
            if version := getattr(told, "rulebook", ""):
                return self.named(version)
        asked = desk.values.value(call.arguments[0], question.asked)
        return self.named(getattr(asked, "rulebook", "") or getattr(getattr(asked, "plan", None), "rulebook", ""))

    def named(self, version: str) -> Whichever:
        """Find a version."""
        try:
            return Whichever(self._find(version))
        except UnknownRulebook as gone:
            raise Halted(str(gone)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A story told again: the life it was, each question of policy with its new answer, the values they name.

    `watcher` knows what the case asked of people, and when; `unheard` numbers what was said to nobody. `alike` is
    whether the candidate, if one was asked beside, gave every answer that the case got.
    """

    life: Life
    watcher: Watcher
    ruled: tuple[tuple[Answer, ActivityResolution], ...]
    values: Values
    unheard: tuple[str, ...] = ()
    alike: bool = False


def retold(
    trace: Trace,
    rules: Rules,
    find: Finder,
    recorded: PayloadConverter,
    classes: dict[str, type],
    *,
    anew: bool = True,
    beside: Rulebook | None = None,
) -> Telling:
    """Tell the recorded story of a case again, under the rules it had. `beside` is a candidate to be asked as well."""
    values = Values(recorded, MUTABLE)
    desk = Desk(rules=rules, values=values)
    alike = Alike(desk, beside) if beside is not None else None
    world = Retold(trace, desk, Versions(find, rules), anew=anew, alike=alike)
    sim = world.sim = Simulation(world, values, classes, until=trace.ends)
    sim.begin(trace.case_id, beginning(trace.runs[0]))
    for place, said in enumerate(trace.messages):
        sim.say(said.seen, trace.case_id, said, str(place))
    life = lived(sim, trace, desk)
    return Telling(
        life=life,
        watcher=world.watcher,
        ruled=tuple(world.ruled),
        values=values,
        unheard=tuple(world.unheard_of),
        alike=alike is not None and alike.holds,
    )
