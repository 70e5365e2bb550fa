"""Do the six assertions that hold across all scenarios hold for the shipped rulebook?

Here is what can be shown without a server. The rest of 3 (proof of sending) and 6 (a manifest run twice, the kill
switch, reversal) is shown on one: tests/activities/test_marketplace.py, tests/workflows/test_sweep.py, test_paths.py.
"""

from dataclasses import is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest

from escalations import clocks, closing
from escalations.clocks import ClockStatus, last_call
from escalations.consensus import GateKind, Vote
from escalations.enforcement import Manifest
from escalations.messages import Said
from escalations.model import Finding, Intake, Milestone, RootCause
from escalations.notices import Notice, Recipient
from escalations.plans import NoticesRequest, Plan
from tests.domain.casefiles import NOW, casefile, clock, gate, task
from tests.domain.scenarios import BOOK, S1, S1_NOW, S3, S3_NOW, S4, S4_NOW, S8, asked, at, found, planned

SCENARIOS = (
    pytest.param(S1, S1_NOW, id="S1"),
    pytest.param(S3, S3_NOW, id="S3"),
    pytest.param(S4, S4_NOW, id="S4"),
    pytest.param(S8, "2026-11-16T13:00Z", id="S8"),
)
UNSENT = Notice(
    recipient=Recipient.SELLERS, template="seller_statement", meets=Milestone.SELLERS_INFORMED, duty="DSA art. 17"
)
SETTLED = {
    "clocks": [clock("HOUSE-1", ClockStatus.MET)],
    "gates": [gate(1, over=True)],
    "tasks": [task(done_at=NOW)],
    "root_cause_approved": True,
}


@pytest.mark.parametrize(
    "owed",
    [
        pytest.param({"clocks": [clock("TCO")]}, id="a-running-clock"),
        pytest.param({"emergency": True, "ratified": False}, id="an-unratified-emergency-act"),
        pytest.param({"notices": [UNSENT]}, id="an-unsent-mandatory-notice"),
        pytest.param({"root_cause_approved": False}, id="an-open-root-cause"),
    ],
)
def test_1_no_case_closes_with_anything_owed(owed: dict[str, object]) -> None:
    assert closing.open_items(casefile(**SETTLED)) == ()
    assert closing.open_items(casefile(**{**SETTLED, **owed})) != ()


@pytest.mark.parametrize(("intakes", "now"), SCENARIOS)
def test_2_the_same_reports_always_give_the_same_due_times_and_name_what_they_were_counted_with(
    intakes: tuple[Intake, ...], now: str
) -> None:
    first, again = planned(*intakes, now=now), planned(*intakes, now=now)

    assert first.clocks == again.clocks
    for one in first.clocks:
        counted = next(
            rule.counting for rule in BOOK.clocks if (rule.id, rule.version) == (_base(one.rule), one.version)
        )
        assert bool(one.pinned) is bool(counted and one.due_operational)
        assert not one.pinned or ("holidays " in one.pinned and "tzdata " in one.pinned)


@pytest.mark.parametrize("playbook", BOOK.playbooks, ids=lambda playbook: playbook.id)
def test_3_nothing_leaves_the_house_by_the_word_of_one_person_at_any_level(playbook) -> None:  # type: ignore[no-untyped-def]
    rule = playbook.gate(GateKind.RESPONSE)
    panels = (rule.panel, *rule.ladder, *(panel for _, panel in (*rule.tiers, *rule.emergency)))

    assert [panel.quorum for panel in panels if panel.quorum < 2] == []


def test_3_whoever_drafts_a_letter_is_shown_neither_advice_nor_votes_nor_analysis() -> None:
    shown = within(NoticesRequest)

    assert {Plan, Intake, Manifest} <= shown
    assert not shown & {Finding, Vote, RootCause, Said}


def within(kind: Any) -> set[Any]:
    """List every dataclass that a value of this kind can hold, however deep."""
    found: set[Any] = set()
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if is_dataclass(one) and one not in found:
            found.add(one)
            waiting += get_type_hints(one).values()
    return found


@pytest.mark.parametrize("kind", list(GateKind))
@pytest.mark.parametrize(("intakes", "now"), SCENARIOS)
def test_4_every_default_can_be_undone_and_comes_before_the_nearest_due_time_less_its_margin(
    intakes: tuple[Intake, ...], now: str, kind: GateKind
) -> None:
    plan = planned(*intakes, now=now)
    rule = BOOK.playbook(plan.domain).gate(kind)

    drafted = asked(kind, plan, now, found(41, 7, "DE"))
    default = next(option for option in drafted.options if option.key == drafted.default)
    call = last_call(plan.clocks)

    assert default.reversible
    assert not default.external
    if rule.before_clocks and call is not None:
        assert drafted.due_at <= max(call[0], at(now) + rule.minimum)


@pytest.mark.parametrize(("intakes", "now"), SCENARIOS)
def test_5_a_merge_and_its_undoing_give_each_case_its_clocks_back(intakes: tuple[Intake, ...], now: str) -> None:
    first, *others = (planned(one, now=now).clocks for one in intakes)
    merged = first
    for number, theirs in enumerate(others):
        merged = clocks.joined(merged, theirs, f"ESC-{number}")

    for number, theirs in reversed(list(enumerate(others))):
        merged, back = clocks.parted(merged, f"ESC-{number}")
        assert back == theirs

    assert merged == first


def _base(rule: str) -> str:
    return rule.partition("#")[0]


def test_2_a_due_time_is_counted_from_frozen_values_and_not_from_today() -> None:
    plan = planned(*S1, now=S1_NOW)
    later = planned(*S1, now="2027-06-01T00:00Z", clocks=plan.clocks)

    assert [replace(one, reason="") for one in later.clocks] == [replace(one, reason="") for one in plan.clocks]
