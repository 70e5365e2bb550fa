"""Is the right person called, as loudly as the harm asks for, and again in time?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from escalations import waking
from escalations.consensus import Outcome
from escalations.model import Action
from escalations.rosters import OnDuty
from tests.domain.casefiles import HOUR, NOW, OPENED, PLAN, casefile, clock, gate

ASK = (("sam.safety", "PSAF, on shift at dublin"),)
SECOND = timedelta(seconds=1)
KNOWN = replace(PLAN, page=True, on_duty=OnDuty(at=NOW, ask=ASK))
ACTION = Action(
    id="A-1", title="check imports", owner="CAT", strength="strong", due=timedelta(days=40), verifier_role="PSAF"
)


@pytest.mark.parametrize(("priority", "loud"), [(0, True), (1, True), (2, False), (4, False)])
def test_a_call_wakes_people_up_to_priority_one(priority: int, loud: bool) -> None:
    assert waking.urgent(replace(PLAN, priority=priority)) is loud


def test_a_call_before_triage_wakes_people() -> None:
    assert waking.urgent(None)


@pytest.mark.parametrize(
    ("role", "level", "after", "named"),
    [
        pytest.param("", 0, 5 * 60 * SECOND, ASK, id="the-owner-within-five-minutes"),
        pytest.param("PSAF", 0, HOUR * 0, ASK, id="the-owner-by-name"),
        pytest.param("", 0, 5 * 60 * SECOND + SECOND, None, id="a-moment-later-policy-is-asked"),
        pytest.param("LEG", 0, SECOND, None, id="another-role"),
        pytest.param("", 1, SECOND, None, id="a-level-of-the-ladder"),
    ],
)
def test_a_plan_names_its_owner_only_and_only_while_it_is_fresh(
    role: str, level: int, after: timedelta, named: tuple[tuple[str, str], ...] | None
) -> None:
    assert waking.named(KNOWN, role, level, NOW + after) == named


def test_a_plan_that_wakes_nobody_is_never_asked_whom_to_call() -> None:
    assert waking.named(replace(KNOWN, page=False), "", 0, NOW) is None


def test_a_plan_of_before_rosters_had_hours_names_nobody() -> None:
    assert waking.named(PLAN, "", 0, NOW) == ()


def test_only_questions_about_the_same_thing_that_ended_by_default_count_as_unanswered() -> None:
    missed, voted, still_open = gate(1), gate(2, over=True), gate(3)
    default = Outcome(gate=missed.gate.id, option="hide", how="default", at=NOW)
    other = replace(missed, gate=replace(missed.gate, digest="o" * 64), outcome=default)
    file = casefile(gates=[replace(missed, outcome=default), voted, still_open, other])

    assert waking.unanswered(file, "d" * 64) == 1


def test_the_owner_of_a_case_that_cannot_close_is_called_when_something_is_due() -> None:
    file = casefile(gates=[], clocks=[clock("SLOW", due_operational=NOW + 72 * HOUR)])

    assert waking.still_open_at(file, NOW) == NOW + 72 * HOUR


def test_the_owner_of_a_case_that_cannot_close_is_called_once_a_day_at_most() -> None:
    assert waking.still_open_at(casefile(), NOW) == NOW + 24 * HOUR


def test_a_corrective_action_to_be_done_again_gets_a_quarter_of_its_time() -> None:
    assert waking.action_due_at(ACTION, OPENED, OPENED) == OPENED + ACTION.due
    late = OPENED + timedelta(days=60)
    assert waking.action_due_at(ACTION, OPENED, late) == late + timedelta(days=10)
