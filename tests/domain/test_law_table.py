"""Does every shipped rule say what its clause says, from its period to its dates, and is there no rule without one?"""

import pytest

import rulebook
from escalations.rules import ClockRule, Counting, Start, Unit
from tests.domain.law_table import CLAUSES, Clause

BOOK = rulebook.load()
SHORT = {
    Unit.HOUR: "h", Unit.CALENDAR_DAY: "d", Unit.WORKING_DAY: "wd", Unit.BUSINESS_DAY: "bd", Unit.MONTH: "m",
}  # fmt: skip
WITHOUT = {Unit.QUALITATIVE: "-", Unit.AS_ORDERED: "order", Unit.STANDING: "always"}


def counted(one: Counting, unit: Unit) -> str:
    """Write one reading as the table writes it."""
    return "".join(
        (
            one.calendar,
            "+sun" if one.weekend == (6,) else "",
            "+roll" if one.roll_forward else "",
            f"+{one.min_working_days}wd" if one.min_working_days else "",
            f"={one.number}{SHORT[unit]}" if one.number else "",
            "=wd" if one.working_days else "",
        )
    )


def clause(rule: ClockRule) -> Clause:
    """Write a shipped rule as a line of the table."""
    number = f"{rule.number}-{rule.most}" if rule.most else str(rule.number)
    return Clause(
        rule=rule.id,
        period=WITHOUT.get(rule.unit) or f"{number}{SHORT[rule.unit]}",
        start=rule.event if rule.starts_at is Start.EVENT else rule.starts_at.value,
        counted="|".join(counted(one, rule.unit) for one in rule.counting),
        unsettled=bool(rule.unsettled),
        paused=bool(rule.suspends_on) and rule.restarts,
        idle=rule.working_time_only,
        since=str(rule.effective_from or "never"),
        until=str(rule.effective_to or ""),
    )


SHIPPED = {(rule.id, str(rule.effective_from or "never")): rule for rule in BOOK.clocks}


@pytest.mark.parametrize("wanted", CLAUSES, ids=lambda one: f"{one.rule}-{one.since}")
def test_a_rule_says_what_its_clause_says(wanted: Clause) -> None:
    assert clause(SHIPPED[wanted.rule, wanted.since]) == wanted


def test_no_rule_is_shipped_without_its_clause_and_none_is_told_twice() -> None:
    told = [(one.rule, one.since) for one in CLAUSES]

    assert len(told) == len(set(told))
    assert set(told) == set(SHIPPED)


@pytest.mark.parametrize("rule", BOOK.clocks, ids=lambda rule: f"{rule.id}-{rule.version}")
def test_day_zero_is_left_out_wherever_days_are_counted(rule: ClockRule) -> None:
    days = rule.unit in (Unit.CALENDAR_DAY, Unit.WORKING_DAY, Unit.BUSINESS_DAY, Unit.MONTH)

    assert not days or (rule.exclude_day_zero and rule.counting)


@pytest.mark.parametrize("rule", BOOK.clocks, ids=lambda rule: f"{rule.id}-{rule.version}")
def test_a_duty_without_a_number_has_a_target_and_no_other_has(rule: ClockRule) -> None:
    assert (rule.internal_target is not None) is (rule.unit is Unit.QUALITATIVE)
