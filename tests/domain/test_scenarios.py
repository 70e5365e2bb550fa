"""Do the worked scenarios get the clocks, times and people that the field expects, and none besides?

Scenarios S1, S3, S4 and S8; the due times were worked out by hand with calendars of 2026. What the process does with
them on a server (emergency acts, reversal, merges, letters) is shown in tests/workflows.
"""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from activities.letters import months_before
from escalations import attaching, clocks
from escalations.attaching import Known
from escalations.clocks import ClockStatus, nearest_binding
from escalations.consensus import GateKind
from escalations.model import Domain, Facts, Intake, IntakeKind
from tests.domain.scenarios import (
    BANK,
    BERLIN,
    BOOK,
    CALENDARS,
    COMPLAINT,
    ESAFETY,
    FLAGGED,
    FLIPPED,
    MHRA,
    PAPER,
    REQUEST,
    RETURNS,
    S1,
    S1_NOW,
    S3,
    S3_NOW,
    S4,
    S4_NOW,
    S8,
    SYDNEY,
    asked,
    at,
    by_rule,
    due,
    found,
    planned,
    report,
    vector,
)

# S1: a burning power bank over Christmas: three continents, working days, goods that the platform fulfils


@pytest.mark.parametrize(
    ("rule", "wanted", "latest"),
    [
        ("AU-ACL-131", "2026-12-29T12:59:59Z", "2026-12-29T12:59:59Z"),
        ("EU-GPSR-22-4", "2026-12-29T22:59:59Z", "2026-12-29T23:59:59Z"),
        ("US-CPSA-15b", "2026-12-28T09:05Z", "2026-12-28T15:40Z"),
    ],
)
def test_s1_every_duty_with_a_number_is_due_to_the_second(rule: str, wanted: str, latest: str) -> None:
    clock = by_rule(planned(*S1, now=S1_NOW))[rule]

    assert (clock.due_operational, clock.due_legal_latest) == (at(wanted), at(latest))


@pytest.mark.parametrize("rule", ["EU-GPSR-22-12d", "EU-GPSR-22-12e", "EU-GPSR-22-12e-M"])
def test_s1_duties_without_a_number_aim_at_a_day_from_the_order(rule: str) -> None:
    clock = by_rule(planned(*S1, now=S1_NOW))[rule]

    assert (clock.due_operational, clock.internal_target) == (None, at("2026-12-25T14:40Z"))


def test_s1_an_investigation_of_what_is_not_clearly_reportable_ends_on_11_january_in_new_york() -> None:
    unclear = replace(SYDNEY, facts=replace(SYDNEY.facts, marks=("reportability_unclear",)))

    ends = due(planned(unclear, BERLIN, RETURNS, now=S1_NOW))["US-CPSA-15b-10D"]

    assert ends == at("2027-01-11T23:59:59-05:00")


def test_s1_both_groups_of_buyers_are_owed_a_letter_and_the_maker_is_told_by_us_not_for_us() -> None:
    rules = due(planned(*S1, now=S1_NOW))

    assert {"EU-GPSR-22-12a", "EU-DSA-32", "EU-DSA-9"} <= set(rules)
    assert "EU-GPSR-20" not in rules
    assert months_before(at("2026-12-24T14:40Z"), 6).date().isoformat() == "2026-06-24"


def test_s1_is_read_as_p0_and_u3_and_nothing_waits_for_the_tag_that_a_desk_gave() -> None:
    first = planned(SYDNEY, now="2026-12-24T09:05Z")
    plan = planned(*S1, now=S1_NOW)

    assert vector(*S1, now=S1_NOW) == (3, 4, 3, 3, 3, 4, 2, 3)
    assert (plan.severity.score, plan.severity.band, plan.severity.floor) == ("80", 0, 0)
    assert (first.urgency, plan.urgency, first.priority, plan.priority) == (3, 3, 0, 0)
    assert (first.domain, min(clock.t0 for clock in first.clocks)) == (Domain.PSAFE, at("2026-12-24T09:05Z"))
    nearest = nearest_binding(plan.clocks)
    assert nearest is not None
    assert nearest.due_operational == at("2026-12-24T09:05Z") + timedelta(hours=96)


def test_s1_negative_checks_no_european_clock_abroad_none_of_canada_none_of_the_tag() -> None:
    abroad = due(planned(SYDNEY, RETURNS, now=S1_NOW))
    everywhere = due(planned(*S1, now=S1_NOW))

    assert {"AU-ACL-131", "US-CPSA-15b"} <= set(abroad)
    assert not [rule for rule in abroad if rule.startswith(("EU-", "UK-", "CA-"))]
    assert not [rule for rule in everywhere if rule.startswith(("CA-", "UK-", "BR-"))]


def test_s1_two_people_act_at_once_and_legal_ratifies_within_four_hours() -> None:
    plan = planned(*S1, now=S1_NOW)

    emergency = asked(GateKind.CONTAINMENT, plan, S1_NOW, found(41, 7, "AU", "DE", "US"))
    ratified = asked(GateKind.RATIFICATION, plan, S1_NOW)

    assert plan.contain_first
    assert "blast tier B1: 41 listings of 7 sellers" in emergency.steps
    assert emergency.quorum == 2
    assert {seat.role: seat.required for seat in emergency.seats} == {"IC": True, "PSAF": False, "OPS": False}
    assert ratified.due_at == at(S1_NOW) + timedelta(hours=4)
    assert [seat.role for seat in ratified.seats if seat.required] == ["LEG"]


# S3: identity documents exposed; the clocks of Europe go back and Ireland has a bank holiday

S3_DUE = {
    "EU-GDPR-33": "2026-10-26T14:20:00Z",
    "UK-GDPR-33": "2026-10-26T14:20:00Z",
    "KR-PIPA": "2026-10-26T23:20:00+09:00",
    "KR-PIPA-R": "2026-10-26T23:20:00+09:00",
    "IN-CERT": "2026-10-23T20:20:00Z",
    "SG-PDPA": "2026-10-27T15:59:59Z",
    "BR-ANPD": "2026-10-28T23:59:59-03:00",
}


@pytest.mark.parametrize(("rule", "wanted"), S3_DUE.items())
def test_s3_a_breach_is_due_everywhere_at_its_own_time(rule: str, wanted: str) -> None:
    assert due(planned(*S3, now=S3_NOW))[rule] == at(wanted)


def test_s3_the_72_hours_neither_roll_over_the_holiday_nor_follow_the_clock_on_the_wall() -> None:
    clock = by_rule(planned(*S3, now=S3_NOW))["EU-GDPR-33"]
    assert clock.due_operational is not None
    assert clock.due_legal_latest is not None
    wall = clock.t0.astimezone(ZoneInfo("Europe/Dublin")) + timedelta(hours=72)

    assert f"{clock.due_operational.astimezone(ZoneInfo('Europe/Dublin')):%a %H:%M %Z}" == "Mon 14:20 GMT"
    assert clock.due_operational < wall
    assert clock.due_legal_latest == at("2026-10-28T23:59:59Z")


def test_s3_an_awareness_that_is_only_claimed_stands_beside_the_confirmed_one() -> None:
    clock = by_rule(planned(*S3, now=S3_NOW))["EU-GDPR-33"]

    assert (clock.t0, clock.contested) == (at("2026-10-23T14:20Z"), True)
    assert clock.derivation[-1] == (
        "an earlier start 2026-10-23T09:02:00Z is claimed and contested; it would be due 2026-10-26T09:02:00Z"
    )


def test_s3_once_legal_accepts_it_the_clock_moves_earlier_and_its_history_shows_it() -> None:
    first = planned(*S3, now=S3_NOW)

    accepted = (S3[0], replace(S3[1], aware_at=at("2026-10-23T09:02Z")), S3[2])
    clock = by_rule(planned(*accepted, now="2026-10-24T08:00Z", clocks=first.clocks))["EU-GDPR-33"]

    assert (clock.due_operational, clock.contested) == (at("2026-10-26T09:02Z"), False)
    assert [(one.due_operational, one.changed_at) for one in clock.due_history] == [
        (at("2026-10-26T14:20Z"), at("2026-10-24T08:00Z"))
    ]


def test_s3_three_reports_are_one_case_of_p1_and_u1_and_india_waits_for_its_law() -> None:
    plan = planned(*S3, now=S3_NOW)

    assert vector(*S3, now=S3_NOW) == (3, 4, 3, 0, 1, 4, 1, 0)
    assert (plan.severity.score, plan.severity.band, plan.severity.floor) == ("62.5", 1, 1)
    assert (plan.urgency, plan.priority, plan.domain) == (1, 1, Domain.PRIV)
    assert len({attaching.base(rule) for rule in due(plan)}) == len(due(plan))
    assert not [rule for rule in due(plan) if rule.startswith("IN-DPDP")]
    assert "EU-GDPR-34" in due(plan)


def test_s3_privacy_security_and_legal_sign_and_communications_is_heard() -> None:
    gate = asked(GateKind.RESPONSE, planned(*S3, now=S3_NOW), S3_NOW)

    assert {seat.role for seat in gate.seats if seat.required} == {"DPO", "SEC", "LEG"}
    assert "COMMS" in {seat.role for seat in gate.seats}


def test_s3_pausing_the_upload_of_documents_reaches_so_far_that_an_executive_must_agree() -> None:
    everybody = found(18_204, 18_204, "BR", "DE", "GB", "IE", "IN", "KR", "SG")

    paused = asked(GateKind.CONTAINMENT, planned(*S3, now=S3_NOW), S3_NOW, everybody)

    assert "blast tier B3: 18204 listings of 18204 sellers" in paused.steps
    assert "EXEC" in {seat.role for seat in paused.seats if seat.required}


# S4: an intimate-image request that turns into child sexual abuse material, over the end of US summer time

S4_DUE = {
    "US-TIDA": "2026-11-02T21:15:00-05:00",
    "AU-OSA-77": "2026-11-02T03:00:00Z",
    "IN-ITR-3-2-b": "2026-11-01T06:10:00Z",
}


@pytest.mark.parametrize(("rule", "wanted"), S4_DUE.items())
def test_s4_hours_are_elapsed_hours(rule: str, wanted: str) -> None:
    assert due(planned(*S4, now=S4_NOW))[rule] == at(wanted)


def test_s4_is_priority_0_by_the_two_hours_of_india() -> None:
    plan = planned(*S4, now=S4_NOW)

    assert vector(*S4, now=S4_NOW) == (3, 4, 2, 3, 0, 4, 0, 3)
    assert (plan.severity.score, plan.severity.band, plan.severity.floor) == ("66.25", 1, 2)
    assert (plan.urgency, plan.priority) == (0, 0)


def test_s4_the_british_duty_is_enacted_and_silent_and_house_policy_keeps_the_strictest_time_anyway() -> None:
    british = replace(REQUEST, source_ref="gb", jurisdictions=("GB",))

    found = by_rule(planned(british, now="2026-11-01T02:15Z"))

    assert not [rule for rule in found if rule.startswith("UK-OSA-10-3A")]
    assert found["HOUSE-NCII"].internal_target == at("2026-11-01T04:15Z")


def test_s4_what_was_removed_before_a_notice_is_met_at_creation_and_its_answer_is_still_owed() -> None:
    found = by_rule(planned(*S4, now=S4_NOW, contained="2026-11-01T02:58Z"))

    assert (found["AU-OSA-77"].status, found["AU-OSA-77"].met_at) == (ClockStatus.MET, at("2026-11-01T02:58Z"))
    assert (found["IN-ITR-3-2-b"].status, found["IN-ITR-3-2-b"].met_at) == (ClockStatus.MET, at("2026-11-01T02:58Z"))
    assert found["US-TIDA"].status is ClockStatus.RUNNING
    assert found["IN-ITR-3-2-a-24H"].status is ClockStatus.RUNNING


def test_s4_a_child_makes_it_another_case_from_the_minute_it_was_known() -> None:
    before = planned(*S4, now=S4_NOW)

    plan = planned(FLIPPED, ESAFETY, COMPLAINT, now="2026-11-01T05:32Z", clocks=before.clocks)
    found = by_rule(plan)
    kept = found["US-CSAM-1Y"].due_operational

    assert (plan.domain, plan.owner, plan.ring) == (Domain.MINOR, "CSAFE", "csam_restricted")
    assert (plan.severity.score, plan.severity.floor, plan.priority) == ("83.75", 0, 0)
    assert vector(FLIPPED, ESAFETY, COMPLAINT, now="2026-11-01T05:32Z") == (4, 4, 2, 3, 4, 4, 0, 3)
    assert found["US-CSAM"].internal_target == at("2026-11-01T09:32Z")
    assert kept is not None
    assert kept == at("2027-11-01T23:59:59-04:00")
    assert {rule: found[rule].due_operational for rule in S4_DUE} == {rule: at(text) for rule, text in S4_DUE.items()}


def test_s4_planning_again_after_the_flip_moves_nothing() -> None:
    before = planned(*S4, now=S4_NOW)
    flipped = planned(FLIPPED, ESAFETY, COMPLAINT, now="2026-11-01T05:32Z", clocks=before.clocks)

    again = planned(FLIPPED, ESAFETY, COMPLAINT, now="2026-11-01T08:00Z", clocks=flipped.clocks)

    assert again.clocks == flipped.clocks


def test_s4_child_safety_and_legal_sit_where_policy_sat_and_the_commander_sees_nothing() -> None:
    before = asked(GateKind.LEGAL_REVIEW, planned(*S4, now=S4_NOW), S4_NOW)
    flipped = planned(FLIPPED, ESAFETY, COMPLAINT, now="2026-11-01T05:32Z")

    after = asked(GateKind.LEGAL_REVIEW, flipped, "2026-11-01T05:32Z")

    assert {seat.role for seat in before.seats if seat.required} == {"POL"}
    assert {seat.role for seat in after.seats if seat.required} == {"CSAFE", "LEG"}
    assert "IC" not in {viewer for ring in BOOK.playbook(Domain.MINOR).rings for viewer in ring.viewers}
    assert {"withdraw_hashes", "care"} <= {step.key for step in flipped.steps}


# S8: counterfeit slimming injections, reported to three desks


def test_s8_dates_that_authorities_set_are_the_due_times_of_acting_and_of_answering() -> None:
    plan = planned(*S8, now="2026-11-16T13:00Z")
    wanted = {"M-1": at("2026-11-16T17:00Z"), "A-1": at("2026-11-18T13:00Z")}

    for rule in ("ORDER-DATE-ACT", "ORDER-DATE-TELL"):
        assert {
            clock.subject: clock.due_operational for clock in plan.clocks if attaching.base(clock.rule) == rule
        } == wanted


def test_s8_is_p0_and_u3_at_first_72_hours_and_a_half_before_the_date() -> None:
    first = planned(MHRA, now="2026-11-13T16:30Z")
    plan = planned(*S8, now="2026-11-16T13:00Z")

    assert (first.severity.floor, first.urgency, first.priority) == (0, 3, 0)
    assert "72 h 30 min" in first.reasons[0]
    assert vector(*S8, now="2026-11-16T13:00Z") == (4, 4, 3, 3, 2, 4, 3, 4)
    assert (plan.severity.score, plan.severity.band, plan.domain) == ("87.5", 0, Domain.PSAFE)


def test_s8_no_product_safety_clock_of_any_country_runs_for_a_medicine() -> None:
    rules = due(planned(*S8, now="2026-11-16T13:00Z"))

    assert not [rule for rule in rules if rule.startswith(("EU-GPSR", "UK-GPSR", "BR-618"))]
    assert {"EU-DSA-16-4", "EU-DSA-18", "EU-DSA-22"} <= set(rules)


def test_s8_buyers_of_the_six_months_before_the_first_awareness_are_told() -> None:
    known = Known(
        intakes=S8, domain=Domain.PSAFE, now=at("2026-11-16T13:00Z"), acted=True, contained=True, restricted=True,
        contained_at=at("2026-11-16T13:00Z"), markets=("IE", "DE"),
    )  # fmt: skip

    assert "EU-DSA-32" in {clock.rule for clock in attaching.attached(BOOK, CALENDARS, known)}
    assert months_before(min(one.received_at for one in S8), 6).date().isoformat() == "2026-05-13"


def test_s8_a_merge_keeps_the_first_time_the_worst_harm_every_clock_and_every_answer_owed() -> None:
    alone = [planned(one, now="2026-11-16T13:00Z") for one in S8]

    together = planned(*S8, now="2026-11-16T13:00Z")

    assert together.severity.band == min(plan.severity.band for plan in alone)
    assert {attaching.base(rule) for plan in alone for rule in due(plan)} <= {
        attaching.base(rule) for rule in due(together)
    }
    assert min(clock.t0 for clock in together.clocks) == at("2026-11-13T16:30Z")
    assert {clock.subject for clock in together.clocks if clock.subject} == {"M-1", "A-1", "flagger"}


@pytest.mark.parametrize(
    ("merged_at", "desks"),
    [
        pytest.param("2026-11-14T09:40Z", (MHRA, FLAGGED), id="the-parent-of-A-and-B"),
        pytest.param("2026-11-14T13:10Z", (MHRA, FLAGGED, PAPER), id="C-added"),
    ],
)
def test_s8_the_parent_counts_from_the_first_report_and_not_from_the_merge(
    merged_at: str, desks: tuple[Intake, ...]
) -> None:
    parent = planned(*desks, now=merged_at)
    before = planned(MHRA, now="2026-11-13T16:30Z")

    assert min(clock.t0 for clock in parent.clocks) == at("2026-11-13T16:30Z")
    assert all(clock.t0 != at(merged_at) for clock in parent.clocks)
    assert due(before).items() <= due(parent).items()
    assert parent.severity.band == 0


def test_s8_each_desk_s_clocks_are_carried_over_unchanged_and_come_back_when_the_question_was_another_brand() -> None:
    desk_a, desk_b, desk_c = (planned(one, now="2026-11-14T13:00Z").clocks for one in (MHRA, FLAGGED, PAPER))

    merged = clocks.joined(clocks.joined(desk_a, desk_b, "ESC-B"), desk_c, "ESC-C")
    without_c, back_c = clocks.parted(merged, "ESC-C")

    assert back_c == desk_c
    assert clocks.parted(without_c, "ESC-B") == (desk_a, desk_b)
    assert [clock.due_operational for clock in merged] == [
        clock.due_operational for clock in (*desk_a, *desk_b, *desk_c)
    ]


def test_s8_the_medicine_s_panel_and_the_statement_to_the_press() -> None:
    plan = planned(*S8, now="2026-11-14T13:10Z")

    emergency = asked(GateKind.CONTAINMENT, plan, "2026-11-14T13:10Z", found(312, 58, "GB", "IE", "DE"))
    answers = asked(GateKind.RESPONSE, planned(PAPER, now="2026-11-14T13:10Z"), "2026-11-14T13:10Z")

    assert "blast tier B2: 312 listings of 58 sellers" in emergency.steps
    assert {seat.role for seat in emergency.seats if seat.required} == {"IC", "PSAF"}
    assert {"COMMS", "EXEC"} <= {seat.role for seat in answers.seats if seat.required}


def test_a_duty_that_began_before_the_rule_was_in_force_starts_no_clock() -> None:
    known = Known(
        intakes=(replace(REQUEST, received_at=at("2026-05-18T10:00Z")),),
        domain=Domain.NCII,
        now=at("2026-05-18T10:00Z"),
    )

    assert "US-TIDA" not in {clock.rule for clock in attaching.attached(BOOK, CALENDARS, known)}


def test_a_desk_s_word_does_not_hide_a_person_who_was_hurt_by_a_product() -> None:
    refund = report("refund", IntakeKind.COMPLAINT, "2026-12-24T09:05Z", "AU", domain=Domain.FRAUD, product=BANK)
    hurt = replace(refund, facts=Facts(serious_injuries=1))

    assert planned(refund, now="2026-12-24T09:05Z").domain is Domain.FRAUD
    assert planned(hurt, now="2026-12-24T09:05Z").domain is Domain.PSAFE


def test_an_order_on_terrorist_content_is_that_whatever_domain_it_was_filed_under() -> None:
    order = replace(BERLIN.order, legal_basis="Regulation (EU) 2021/784 art. 3") if BERLIN.order else None
    filed = report("tco", IntakeKind.AUTHORITY_ORDER, "2026-12-24T14:40Z", "DE", domain=Domain.ILLEG, order=order)

    plan = planned(filed, now="2026-12-24T14:40Z")

    assert plan.domain is Domain.TVEC
    assert due(plan)["EU-TCO-3-3"] == at("2026-12-24T15:40Z")
