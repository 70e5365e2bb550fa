"""Does what-if find what three changes of a rulebook must lead to? Computed beside it, from votes, times and levels.

The cases are generated (`generated.py`). A thousand of them are tried by `benchmarks/replay.py what-if`; the suite
takes the first few.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import rulebook
from escalations.clocks import Clock, ClockStatus
from escalations.consensus import GateKind
from escalations.messages import Decide
from escalations.playbooks import GateRule, Panel
from escalations.rulebook import Rulebook
from escalations.rules import Unit
from replay import reading
from replay.simulation.instance import alone
from replay.simulation.traces import Trace
from replay.simulation.values import Values
from replay.whatif import trial
from replay.whatif.effect import Effect
from replay.whatif.life import Life
from replay.whatif.rules import Rules
from rulebook.calendars import Calendars
from tests.replay.generated import generated

CASES = 30
CLASSES = {one.__name__: one for one in reading.workflows()}
RULES = Rules(Calendars())


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


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    with alone():
        return [Case(*generated(number, RULES, BOOK, CLASSES)) for number in range(CASES)]


def tried(case: Case, candidate: Rulebook) -> Effect:
    on = trial.Bench(recorded=case.values, find=lambda _version: BOOK, classes=CLASSES, rules=RULES)
    told = trial.tried(case.trace, on, replace(candidate, version="2026.11-candidate"))
    assert told.left_out is None, told.left_out.line()
    return told.effects[0]


def test_the_cases_are_varied(cases: list[Case]) -> None:
    files = [case.life.file for case in cases if case.life.file is not None]
    outcomes = {card.outcome.how for file in files for card in file.gates if card.outcome}

    assert {"quorum", "default"} <= outcomes
    assert len({file.plan.domain for file in files if file.plan}) >= 8
    assert {file.plan.priority for file in files if file.plan} >= {0, 1, 2}
    assert len({file.ruling for file in files}) >= 3
    assert {clock.status for file in files for clock in file.clocks} >= {ClockStatus.MET, ClockStatus.WITHDRAWN}


def test_the_same_rules_tell_every_generated_case_again_and_change_nothing(cases: list[Case]) -> None:
    changed = {case.trace.case_id: tried(case, BOOK) for case in cases}

    assert {case: (one.changes, one.misses) for case, one in changed.items() if one.changes or one.misses} == {}


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


def test_a_quorum_of_one_decides_at_the_time_of_the_first_vote(cases: list[Case]) -> None:
    expected = {case.trace.case_id: at for case in cases if (at := first_vote(case)) is not None}
    found = {}
    for case in cases:
        if case.trace.case_id in expected:
            gate = next(one for one in tried(case, alone_suffices(BOOK)).after.gates if one.name == "legal_review 1")
            assert (gate.how, gate.decided_at is not None) == ("quorum", True)
            found[case.trace.case_id] = gate.decided_at

    assert len(expected) >= CASES // 3
    assert found == expected


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
    rule = next((one for one in BOOK.clocks if one.id == clock.rule.partition("#")[0]), None)
    if rule is None or rule.unit is not Unit.HOUR or clock.status is not ClockStatus.MET or clock.met_at is None:
        return False
    hours = timedelta(hours=max(1, rule.number // 12))
    return clock.due_operational == clock.t0 + timedelta(hours=rule.number) and clock.met_at > clock.t0 + hours


def test_a_twelfth_of_the_hours_is_missed_by_exactly_those_who_took_longer(cases: list[Case]) -> None:
    compared, missed = 0, 0
    for case in cases:
        found = tried(case, shortened(BOOK))
        if {"gates", "priority"} & set(found.changes):
            continue  # contained first now: other questions, so other times
        compared += 1
        before = {clock.rule for clock in found.before.clocks if clock.status == "missed"}
        after = {clock.rule for clock in found.after.clocks if clock.status == "missed"}
        assert after - before == lost(case), case.trace.case_id
        missed += len(after - before)

    assert compared >= CASES // 2
    assert missed >= 3


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


HARM = re.compile(r"harm (\d)/4")


def test_a_heavier_weight_makes_p0_of_exactly_those_whose_score_reaches_it(cases: list[Case]) -> None:
    expected = {case.trace.case_id: worst for case in cases if (worst := band(case)) is not None}
    found = {
        case.trace.case_id: tried(case, heavier(BOOK)).after.priority
        for case in cases
        if case.trace.case_id in expected
    }

    assert found == expected
    before = {
        case.trace.case_id: case.life.file.plan.priority for case in cases if case.life.file and case.life.file.plan
    }
    newly = [case for case, priority in found.items() if priority == 0 and before[case] != 0]
    assert len(newly) >= 3
