"""How bad is it, how urgent, and what comes first? Levels, weights and floors are data; doubt goes up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from escalations.clocks import Clock, nearest_binding
from escalations.conditions import Condition, Situation
from escalations.model import Severity, Targets

TOP_LEVEL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level of an input, 0 to 4, in words; it holds when its condition does."""

    level: int
    why: str
    when: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One of the things that make a case bad. `levels` from the worst down; `otherwise` is taken when none holds."""

    name: str
    weight: int
    levels: tuple[Level, ...]
    otherwise: int
    otherwise_why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A band that is never undercut while its condition holds."""

    band: int
    why: str
    when: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """An internal target: within `span`, or every `span`; None when only words say it.

    `business` time is the owning desk's, else it is elapsed. A repeated one becomes `slower` when `slower_after` has
    passed. `after` names what it runs from, empty for the report.
    """

    span: timedelta | None
    business: bool = False
    said: str = ""
    slower_after: timedelta | None = None
    slower: timedelta | None = None
    after: str = ""

    def in_words(self) -> str:
        """Say the target and whether it is elapsed or business time."""
        if self.span is None:
            return self.said
        kind = "business" if self.business else "elapsed"
        parts = [f"{_span(self.span)} {kind}"]
        if self.slower_after and self.slower:
            parts.append(f"after {_span(self.slower_after)} every {_span(self.slower)}")
        parts += [f"from {self.after}"] if self.after else []
        parts += [self.said] if self.said else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Every internal target of one priority (domain part 2.3)."""

    acknowledge: Pace
    triage: Pace
    contain: Pace
    decide: Pace
    internal_update: Pace
    executive_update: Pace
    ratify: Pace
    root_cause: Pace
    root_cause_meeting: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRules:
    """The scale. `bands` are the least scores of P0 to P3, `urgency` the most time left of U0 to U3, both inclusive.

    `targets` are what cases work to, by priority; `responses` say all of them, and in which kind of time.
    """

    inputs: tuple[Input, ...]
    bands: tuple[Decimal, ...]
    floors: tuple[Floor, ...]
    urgency: tuple[timedelta, ...]
    targets: tuple[Targets, ...]
    responses: tuple[Response, ...] = ()


def scored(rules: SeverityRules, situation: Situation) -> Severity:
    """Score what is known: sum of weight × level / 4, at most 100, then the band, then the worst floor that holds."""
    found = tuple((one, *_level(one, situation)) for one in rules.inputs)
    steps = [
        f"{one.name} {level}/{TOP_LEVEL} × {one.weight} = {_points(one.weight, level)}: {why}"
        for one, level, why in found
        if level
    ]
    severity = judged(rules, tuple(level for _, level, _ in found))
    steps.extend(severity.steps)
    holding = [floor for floor in rules.floors if floor.when.holds(situation)]
    floor = min(holding, key=lambda floor: floor.band, default=None)
    if floor is None:
        return Severity(band=severity.band, score=severity.score, steps=tuple(steps))
    steps.append(f"floor P{floor.band}: {floor.why}")
    return Severity(band=min(severity.band, floor.band), score=severity.score, steps=tuple(steps), floor=floor.band)


def levels(rules: SeverityRules, situation: Situation) -> tuple[int, ...]:
    """Find the level of each input, in the order of the rules."""
    return tuple(_level(one, situation)[0] for one in rules.inputs)


def judged(rules: SeverityRules, levels: tuple[int, ...]) -> Severity:
    """Score given levels, one for each input in order, without floors."""
    pairs = zip(rules.inputs, levels, strict=True)
    score = Decimal(sum(one.weight * level for one, level in pairs)) / TOP_LEVEL
    band = next((band for band, least in enumerate(rules.bands) if score >= least), len(rules.bands))
    limit = f"{rules.bands[band]} or more" if band < len(rules.bands) else f"less than {rules.bands[-1]}"
    text = _plain(score)
    return Severity(band=band, score=text, steps=(f"score {text} of 100 → P{band} ({limit})",))


def urgency(rules: SeverityRules, clocks: tuple[Clock, ...], now: datetime) -> tuple[int, str]:
    """Grade the time left to the nearest binding due time, 0 to 4, and say why. A due time that has passed is U0."""
    nearest = nearest_binding(clocks)
    lowest = len(rules.urgency)
    if nearest is None or nearest.due_operational is None:
        return lowest, f"U{lowest}: no clock with a number binds"
    left = nearest.due_operational - now
    grade = next((grade for grade, most in enumerate(rules.urgency) if left <= most), lowest)
    return grade, f"U{grade}: {nearest.rule} is due in {_hours(left)}"


def priority(band: int, grade: int) -> int:
    """Take the worse of severity and urgency: they are different axes, and neither hides the other."""
    return min(band, grade)


def _level(one: Input, situation: Situation) -> tuple[int, str]:
    for level in one.levels:
        if level.when.holds(situation):
            return level.level, level.why
    return one.otherwise, one.otherwise_why


def _points(weight: int, level: int) -> str:
    return _plain(Decimal(weight * level) / TOP_LEVEL)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes >= length and minutes % length == 0:
            return f"{minutes // length} {unit}"
    return f"{minutes} min"


def _hours(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 0 else "the past"
