"""What must three changes of a rulebook lead to? Computed from votes, times and levels of the recorded life alone.

Nothing here asks a policy or lives a case: each answer follows from what the unchanged case did (`Case.life`), from
when people spoke, and from one number of the change. What-if and its benchmark are held against it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import rulebook
from escalations.clocks import Clock, ClockStatus
from escalations.consensus import GateKind
from escalations.messages import Decide
from escalations.playbooks import GateRule, Panel
from escalations.rulebook import Rulebook
from escalations.rules import ClockRule, Unit
from replay.simulation.traces import Trace
from replay.simulation.values import Values
from replay.whatif.effect import Effect
from replay.whatif.life import Life

HARM = re.compile(r"harm (\d)/4")


def unhurried(book: Rulebook) -> Rulebook:
    """No question ends before a clock is due, no clock makes a case urgent: then a clock moves nothing but itself."""
    return replace(
        book,
        severity=replace(book.severity, urgency=tuple(timedelta(0) for _ in book.severity.urgency)),
        playbooks=tuple(
            replace(one, gates=tuple(replace(gate, before_clocks=False) for gate in one.gates))
            for one in book.playbooks
        ),
    )


BOOK = unhurried(rulebook.load())


@dataclass(frozen=True)
class Case:
    trace: Trace
    life: Life
    values: Values


# A lower quorum: the gate is decided by its first vote


def alone_suffices(book: Rulebook) -> Rulebook:
    def eased(panel: Panel) -> Panel:
        return replace(panel, quorum=1, seats=tuple(replace(seat, required=False) for seat in panel.seats))

    def changed(gate: GateRule) -> GateRule:
        if gate.kind is not GateKind.LEGAL_REVIEW:
            return gate
        return replace(gate, panel=eased(gate.panel), tiers=tuple((tier, eased(panel)) for tier, panel in gate.tiers))

    books = tuple(replace(one, gates=tuple(changed(gate) for gate in one.gates)) for one in book.playbooks)
    return replace(book, playbooks=books)


def first_vote(case: Case) -> datetime | None:
    """When the first vote in favour was heard at the first legal review, from the messages alone."""
    file = case.life.file
    assert file is not None
    first = next((card.gate for card in file.gates if card.gate.kind is GateKind.LEGAL_REVIEW), None)
    for message in case.trace.messages:
        if message.name == "decide" and first is not None:
            vote: Decide = case.values.value(message.payloads[0], Decide)
            if vote.gate == first.id and vote.stance == "approve":
                return datetime.fromtimestamp(message.seen / 1e9, UTC)
    return None


# Shorter periods: whoever met the clock after the new end has missed it now


def shortened(book: Rulebook) -> Rulebook:
    """Give every duty that counts hours a twelfth of them."""
    return replace(
        book,
        clocks=tuple(
            replace(rule, number=max(1, rule.number // 12), margin=timedelta(0)) if rule.unit is Unit.HOUR else rule
            for rule in book.clocks
        ),
    )


def lost(case: Case) -> set[str]:
    """Name the clocks that are missed when a twelfth of their hours is left, from when they began and were met."""
    file = case.life.file
    assert file is not None
    return {clock.rule for clock in file.clocks if _would_be_missed(clock)}


def _would_be_missed(clock: Clock) -> bool:
    rule = _hours(clock)
    if rule is None or clock.status is not ClockStatus.MET or clock.met_at is None or not _elapsed(clock, rule):
        return False
    return clock.met_at > clock.t0 + timedelta(hours=max(1, rule.number // 12))


def otherwise_counted(case: Case) -> set[str]:
    """Name the clocks of hours that are due at another time than so many hours after they began: over a weekend, say.

    When a twelfth of their hours ends is not computed here.
    """
    file = case.life.file
    assert file is not None
    return {clock.rule for clock in file.clocks if (rule := _hours(clock)) and not _elapsed(clock, rule)}


def _hours(clock: Clock) -> ClockRule | None:
    rule = next((one for one in BOOK.clocks if one.id == clock.rule.partition("#")[0]), None)
    return rule if rule is not None and rule.unit is Unit.HOUR else None


def _elapsed(clock: Clock, rule: ClockRule) -> bool:
    return clock.due_operational == clock.t0 + timedelta(hours=rule.number)


# A heavier weight: more cases are P0


def heavier(book: Rulebook) -> Rulebook:
    inputs = tuple(replace(one, weight=one.weight + 40) if one.name == "harm" else one for one in book.severity.inputs)
    return replace(book, severity=replace(book.severity, inputs=inputs))


def band(case: Case) -> int | None:
    """Score the case with the heavier weight, from the levels that its plan explains; None if facts came later."""
    file = case.life.file
    if file is None or file.plan is None or any(one.name in ("learn", "report") for one in case.trace.messages):
        return None
    plan = file.plan
    level = next((int(found[1]) for step in plan.severity.steps if (found := HARM.match(step))), 0)
    score = Decimal(plan.severity.score) + Decimal(level * 40) / 4
    worst = next((place for place, least in enumerate(BOOK.severity.bands) if score >= least), 4)
    return min(worst, plan.urgency, 4 if plan.severity.floor is None else plan.severity.floor)


# All three, as they are held against what-if


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change: the candidate, what it must lead to, and where what-if says so. None is not compared."""

    name: str
    candidate: Rulebook
    expected: Callable[[Case], Any]
    found: Callable[[Case, Effect], Any]

    def differs(self, case: Case, effect: Effect) -> bool | None:
        """Say whether what-if found something else than what was computed; None where the two are not compared."""
        expected = self.expected(case)
        found = None if expected is None else self.found(case, effect)
        return None if found is None else expected != found


def _first_decided(_case: Case, effect: Effect) -> Any:
    gate = next((one for one in effect.after.gates if one.name == "legal_review 1"), None)
    if gate is None:
        return "never asked"
    return gate.decided_at if gate.how == "quorum" else f"decided by {gate.how}"


def _missed_now(case: Case, effect: Effect) -> set[str] | None:
    if {"gates", "priority"} & set(effect.changes):
        return None  # contained first now: other questions, so other times
    before = {clock.rule for clock in effect.before.clocks if clock.status == "missed"}
    return {clock.rule for clock in effect.after.clocks if clock.status == "missed"} - before - otherwise_counted(case)


def _named(book: Rulebook) -> Rulebook:
    return replace(book, version="2026.11-candidate")


QUORUM = Change(
    name="a quorum of one", candidate=_named(alone_suffices(BOOK)), expected=first_vote, found=_first_decided
)
HOURS = Change(name="a twelfth of the hours", candidate=_named(shortened(BOOK)), expected=lost, found=_missed_now)
WEIGHT = Change(
    name="a heavier weight", candidate=_named(heavier(BOOK)), expected=band, found=lambda _case, one: one.after.priority
)
CHANGES = (QUORUM, HOURS, WEIGHT)
