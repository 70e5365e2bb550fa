"""Does what-if find what three changes of a rulebook must lead to? Computed beside it, from votes, times and levels.

The cases are generated (`generated.py`), the answers computed by `known_changes.py`. A thousand of them are tried by
`python -m benchmarks.whatif`; the suite takes the first few.
"""

from dataclasses import replace

import pytest

from escalations.clocks import ClockStatus
from replay import reading
from replay.simulation.instance import alone
from replay.whatif import trial
from replay.whatif.effect import Effect
from replay.whatif.rules import Rules
from rulebook.calendars import Calendars
from tests.replay.generated import generated
from tests.replay.known_changes import BOOK, HOURS, QUORUM, WEIGHT, Case, Change, otherwise_counted

CASES = 30
CLASSES = {one.__name__: one for one in reading.workflows()}
RULES = Rules(Calendars())
SAME = replace(BOOK, version="2026.11-candidate")


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    with alone():
        return [Case(*generated(number, RULES, BOOK, CLASSES)) for number in range(CASES)]


def tried(case: Case, change: Change | None = None) -> Effect:
    on = trial.Bench(recorded=case.values, find=lambda _version: BOOK, classes=CLASSES, rules=RULES)
    told = trial.tried(case.trace, on, change.candidate if change else SAME)
    assert told.left_out is None, told.left_out.line()
    return told.effects[0]


def compared(cases: list[Case], change: Change) -> tuple[dict[str, Effect], dict[str, bool]]:
    """Try a change on every case; say for each that can be compared whether what-if says what was computed."""
    effects = {case.trace.case_id: tried(case, change) for case in cases}
    judged = {case.trace.case_id: change.differs(case, effects[case.trace.case_id]) for case in cases}
    return effects, {case_id: not differs for case_id, differs in judged.items() if differs is not None}


def test_the_cases_are_varied(cases: list[Case]) -> None:
    files = [case.life.file for case in cases if case.life.file is not None]
    outcomes = {card.outcome.how for file in files for card in file.gates if card.outcome}

    assert {"quorum", "default"} <= outcomes
    assert len({file.plan.domain for file in files if file.plan}) >= 8
    assert {file.plan.priority for file in files if file.plan} >= {0, 1, 2}
    assert len({file.ruling for file in files}) >= 3
    assert {clock.status for file in files for clock in file.clocks} >= {ClockStatus.MET, ClockStatus.WITHDRAWN}


def test_the_same_rules_tell_every_generated_case_again_and_change_nothing(cases: list[Case]) -> None:
    changed = {case.trace.case_id: tried(case) for case in cases}

    assert {case: (one.changes, one.misses) for case, one in changed.items() if one.changes or one.misses} == {}


def test_a_quorum_of_one_decides_at_the_time_of_the_first_vote(cases: list[Case]) -> None:
    _, right = compared(cases, QUORUM)

    assert len(right) >= CASES // 3
    assert [case_id for case_id, so in right.items() if not so] == []


def test_a_twelfth_of_the_hours_is_missed_by_exactly_those_who_took_longer(cases: list[Case]) -> None:
    _, right = compared(cases, HOURS)

    assert len(right) >= CASES // 2
    assert [case_id for case_id, so in right.items() if not so] == []
    assert sum(len(HOURS.expected(case)) for case in cases if case.trace.case_id in right) >= 3


def test_an_hour_that_is_counted_over_a_weekend_is_computed_by_nobody_and_compared_with_nothing() -> None:
    with alone():
        case = Case(*generated(850, RULES, BOOK, CLASSES))

    effect = tried(case, HOURS)

    assert otherwise_counted(case) == {"US-CPSA-15b"}
    assert "US-CPSA-15b" in {clock.rule for clock in effect.after.clocks if clock.status == "missed"}
    assert HOURS.differs(case, effect) is False


def test_a_heavier_weight_makes_p0_of_exactly_those_whose_score_reaches_it(cases: list[Case]) -> None:
    effects, right = compared(cases, WEIGHT)

    assert len(right) >= CASES // 2
    assert [case_id for case_id, so in right.items() if not so] == []
    newly = [one for one in effects.values() if one.after.priority == 0 and one.before.priority != 0]
    assert len(newly) >= 3
