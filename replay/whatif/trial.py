"""What would a rulebook have done to these cases? First whether the simulation can be trusted, then the candidate."""

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.converter import PayloadConverter

from escalations.readings import Calendars
from escalations.rulebook import Rulebook
from replay.simulation.instance import alone
from replay.simulation.simulator import Simulation
from replay.simulation.traces import Trace
from replay.simulation.values import Values
from replay.whatif.alike import loose
from replay.whatif.effect import Effect, Seen, effect, seen, untouched
from replay.whatif.identity import Deviation, deviation
from replay.whatif.life import Desk, Life, beginning, lived
from replay.whatif.other import Other
from replay.whatif.people import Saying, sayings
from replay.whatif.retold import Finder, retold
from replay.whatif.rules import Rules

AS_RECORDED = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One case: its effects, one for each delay of people, or why it is left out."""

    case_id: str
    left_out: Deviation | None = None
    before: Seen | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is needed to try a candidate: how to read records and find kept rulebooks, whose code, which calendars."""

    recorded: PayloadConverter
    find: Finder
    classes: dict[str, type]
    rules: Rules


def bench(recorded: PayloadConverter, find: Finder, classes: Sequence[type], calendars: Calendars) -> Bench:
    """Set up for many cases; what can be kept between them is kept."""
    held: dict[str, Rulebook] = {}

    def found(version: str) -> Rulebook:
        if version not in held:
            held[version] = find(version)
        return held[version]

    named = {one.__name__: one for one in classes}
    return Bench(recorded=recorded, find=found, classes=named, rules=Rules(calendars))


def tried(
    trace: Trace, on: Bench, candidate: Rulebook, delays: Sequence[float] = (1.0,), *, twice: bool = False
) -> Tried:
    """Try a candidate on one case. Never raises for a case that cannot be told again: it is left out, and why.

    `twice` lives the case a second time even where the candidate is known to lead to the same life.
    """
    with alone():
        telling = retold(trace, on.rules, on.find, on.recorded, on.classes, beside=None if twice else candidate)
        left_out = deviation(trace, telling)
        if left_out is not None:
            return Tried(case_id=trace.case_id, left_out=left_out)
        before = seen(telling.life)
        said = sayings(trace, telling.watcher, telling.values)
        told = [(saying.number, saying.message.name or saying.message.kind) for saying in said]
        alike = telling.alike and not loose(trace, telling.life, said, telling.unheard)
        effects = []
        for delay in delays:
            if alike and delay == AS_RECORDED:
                effects.append(untouched(before, telling.life, candidate.version, told))
                continue
            life, other = otherwise(trace, on, candidate, said, telling.values, delay)
            effects.append(effect(before, life, other, told))
        return Tried(case_id=trace.case_id, before=before, effects=tuple(effects))


def otherwise(
    trace: Trace, on: Bench, candidate: Rulebook, said: list[Saying], values: Values, delay: float
) -> tuple[Life, Other]:
    """Live a case under the candidate."""
    desk = Desk(rules=on.rules, values=values)
    other = Other(trace, desk, candidate, said, delay)
    sim = other.sim = Simulation(other, values, on.classes, until=None if trace.closed else trace.ends)
    sim.begin(trace.case_id, beginning(trace.runs[0]))
    other.spoken(sim)
    return lived(sim, trace, desk, other.over), other
