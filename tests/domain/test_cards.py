"""Does the card show people the case as it stands, before triage, in the middle and at the end?"""

from dataclasses import replace
from datetime import timedelta

from escalations.cards import card, next_due
from escalations.clocks import ClockStatus
from escalations.model import Action, Domain, RootCause
from escalations.record import Wait
from tests.domain.casefiles import HOUR, MANIFEST, NOW, OPENED, casefile, clock, gate, intake

WAIT = Wait(owner="OPS", reason="search failed", until=OPENED + 3 * HOUR, then="try again")


def test_the_card_of_a_case_shows_its_plan_and_what_is_open() -> None:
    file = casefile()

    drawn = card(file, (WAIT,), NOW)

    assert (drawn.case_id, drawn.seq, drawn.title, drawn.updated_at) == (file.case_id, 12, "Recall of a heater", NOW)
    assert (drawn.domain, drawn.severity, drawn.urgency, drawn.priority) == (Domain.PSAFE, 2, 3, 2)
    assert (drawn.score, drawn.reasons) == ("43.75", ("harm 2/4", "priority 2"))
    assert (drawn.rulebook, drawn.playbook) == ("2026.11", "psafe/1")
    assert (drawn.waiting, drawn.manifest) == ((WAIT,), MANIFEST)
    assert drawn.gates == tuple(file.gates)
    assert any("TCO is running" in item for item in drawn.open_items)


def test_the_card_before_triage_shows_the_report_alone() -> None:
    drawn = card(casefile(plan=None, clocks=[], gates=[], tasks=[], manifest=None, orders=[]), (), NOW)

    assert (drawn.domain, drawn.severity, drawn.priority, drawn.rulebook) == (None, None, None, "")
    assert (drawn.source, drawn.source_ref) == ("cpsc", "24001")
    assert drawn.next_due_at is None


def test_the_card_of_a_closed_case_owes_nothing_to_anybody() -> None:
    drawn = card(casefile(closed_at=NOW), (WAIT,), NOW)

    assert drawn.closed_at == NOW
    assert drawn.next_due_at is None
    assert drawn.open_items == ()


def test_jurisdictions_of_all_reports_are_shown_once_in_order() -> None:
    file = casefile(intakes=[intake(), intake("2", jurisdictions=("EU", "US")), intake("3", jurisdictions=("AU",))])

    assert card(file, (), NOW).jurisdictions == ("AU", "EU", "US")


def test_the_actions_of_the_root_cause_are_on_the_card() -> None:
    action = Action(id="a", title="t", owner="o", strength="s", due=timedelta(days=1), verifier_role="PSAF")
    file = casefile(root_cause=RootCause(summary="s", factors=("DET-1",), author="sam.safety", actions=(action,)))

    assert card(file, (), NOW).actions == (action,)


def test_a_card_does_not_change_when_the_file_does() -> None:
    file = casefile()
    drawn = card(file, (), NOW)
    before = replace(drawn)

    file.clocks.clear()
    file.gates.clear()
    file.tasks.clear()

    assert drawn == before


def test_the_next_due_time_is_the_earliest_of_clocks_gates_and_waits() -> None:
    at = OPENED + 24 * HOUR
    running = casefile(clocks=[clock("A", due_operational=at)], gates=[])

    assert next_due(running) == at
    assert next_due(casefile(clocks=[clock("A")], gates=[gate(1)])) == OPENED + 8 * HOUR
    assert next_due(running, (WAIT,)) == WAIT.until


def test_a_duty_without_a_number_is_due_at_its_internal_target() -> None:
    qualitative = clock("A", due_operational=None, internal_target=OPENED + 2 * HOUR)

    assert next_due(casefile(clocks=[qualitative], gates=[])) == OPENED + 2 * HOUR


def test_what_has_ended_is_due_no_more() -> None:
    ended = [clock("A", status) for status in ClockStatus if status is not ClockStatus.RUNNING]

    assert next_due(casefile(clocks=ended, gates=[gate(1, over=True)])) is None
