"""Is a told fact read strictly, and does it change exactly one value?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from escalations import facts
from escalations.facts import BadFact, lowers, parsed, with_fact
from escalations.model import Domain, Event, Facts
from tests.domain.casefiles import ORDERED, intake

AT = datetime(2026, 12, 24, 14, 40, tzinfo=UTC)
READ: tuple[tuple[str, str, Any], ...] = (
    ("deaths", "0", 0),
    ("deaths", "007", 7),
    ("units_sold", "10000000000", 10_000_000_000),
    ("media", "4", 4),
    ("child_injured", "true", True),
    ("evading", "false", False),
    ("aware_at", "2026-12-24T15:40:00+01:00", AT),
    ("order_due_at", "2026-12-24T14:40:00Z", AT),
    ("order_withdrawn", "true", True),
    ("csam", "true", True),
    ("breach_assessed", "2026-12-24T15:40:00+01:00", AT),
    ("domain", "MINOR", Domain.MINOR),
)
NOT_READ = (
    ("guilt", "1"),
    ("", "1"),
    ("deaths", ""),
    ("deaths", "-1"),
    ("deaths", "+1"),
    ("deaths", "1.0"),
    ("deaths", "1_000"),
    ("deaths", " 1"),
    ("deaths", "１"),
    ("deaths", "true"),
    ("units_sold", "10000000001"),
    ("units_sold", "0" * 13 + "9" * 13),
    ("units_sold", "9" * 5000),
    ("media", "5"),
    ("velocity", "10"),
    ("child_injured", "True"),
    ("child_injured", "1"),
    ("child_injured", ""),
    ("order_withdrawn", "false"),
    ("order_withdrawn", "yes"),
    ("csam", "1"),
    ("breach_assessed", "true"),
    ("domain", "WORLD"),
    ("aware_at", "2026-12-24"),
    ("aware_at", "2026-12-24T15:40:00"),
    ("aware_at", "yesterday"),
    ("aware_at", "1700000000"),
    ("aware_at", "1999-12-31T23:59:59Z"),
    ("order_due_at", "9999-12-31T23:59:59-14:00"),
)


@pytest.mark.parametrize(("fact", "value", "wanted"), READ)
def test_a_value_of_the_right_form_is_read(fact: str, value: str, wanted: Any) -> None:
    read = parsed(fact, value)

    assert read == wanted
    assert type(read) is type(wanted)


@pytest.mark.parametrize(("fact", "value"), NOT_READ)
def test_a_value_of_another_form_is_refused_with_what_is_allowed(fact: str, value: str) -> None:
    with pytest.raises(BadFact) as refused:
        parsed(fact, value)

    assert str(refused.value)


def test_every_fact_of_the_model_can_be_told() -> None:
    simple = {name: value for name, value in vars_of(Facts()).items() if name not in facts.COMPLEX}
    told = {name: "true" if isinstance(value, bool) else "1" for name, value in simple.items()}

    known = with_all(told)

    assert known == Facts(
        deaths=1, serious_injuries=1, minor_injuries=1, child_injured=True, serious_hazard=True, units_sold=1,
        independent_reports=1, confirmed=True, vulnerable_users=True, media=1, velocity=1, evading=True,
        people_affected=1, sellers_wronged=1,
    )  # fmt: skip


def vars_of(known: Facts) -> dict[str, Any]:
    return {name: getattr(known, name) for name in Facts.__dataclass_fields__}


def with_all(told: dict[str, str]) -> Facts:
    report = intake()
    for fact, value in told.items():
        report = with_fact(report, fact, parsed(fact, value))
    return report.facts


@pytest.mark.parametrize(
    ("fact", "before", "value", "lower"),
    [
        ("deaths", 1, 0, True),
        ("deaths", 1, 1, False),
        ("deaths", 1, 2, False),
        ("child_injured", True, False, True),
        ("child_injured", False, True, False),
        ("units_sold", None, 5, False),
        ("units_sold", 10, 5, True),
        ("confirmed", True, False, True),
    ],
)
def test_only_what_makes_the_case_look_less_bad_lowers_it(fact: str, before: Any, value: Any, lower: bool) -> None:
    changed: dict[str, Any] = {fact: before}
    report = intake(facts=Facts(**changed))

    assert lowers(report, fact, value) is lower


def test_every_mark_can_be_told_and_taking_it_back_lowers_the_case() -> None:
    report = with_all(dict.fromkeys(facts.MARKS, "true"))
    without = with_fact(intake(facts=report), "csam", False)

    assert report.marks == tuple(sorted(facts.MARKS))
    assert lowers(intake(facts=report), "csam", False)
    assert not lowers(intake(), "csam", False)
    assert without.facts.marks == tuple(mark for mark in report.marks if mark != "csam")


def test_an_event_is_told_once_for_each_place_and_its_last_time_counts() -> None:
    report = with_fact(intake(), "breach_assessed", AT, "SG")
    report = with_fact(report, "breach_assessed", AT, "BR")
    later = with_fact(report, "breach_assessed", AT + timedelta(hours=1), "SG")

    assert set(later.facts.events) == {
        Event(kind="breach_assessed", at=AT, place="BR"),
        Event(kind="breach_assessed", at=AT + timedelta(hours=1), place="SG"),
    }


def test_times_and_flags_never_lower_a_case() -> None:
    assert not any(lowers(intake(), fact, AT) for fact in facts.TIMES)
    assert not any(lowers(intake(), fact, True) for fact in facts.FLAGS)


def test_one_fact_replaces_one_value_and_leaves_the_report_alone() -> None:
    report = intake(facts=Facts(deaths=1, media=2))

    after = with_fact(report, "deaths", 3)

    assert after == replace(report, facts=Facts(deaths=3, media=2))
    assert report.facts.deaths == 1


def test_times_go_to_the_report_and_to_its_order() -> None:
    assert with_fact(intake(), "aware_at", AT).aware_at == AT
    moved = with_fact(ORDERED, "order_due_at", AT + timedelta(days=1))
    assert moved.order is not None
    assert moved.order.due_at == AT + timedelta(days=1)


@pytest.mark.parametrize(("fact", "value"), [("order_due_at", AT), ("order_withdrawn", True)])
def test_what_a_report_does_not_have_is_left_as_it_is(fact: str, value: Any) -> None:
    assert with_fact(intake(), fact, value) == intake()
