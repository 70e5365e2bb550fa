"""Do the worked scenarios get the clocks, times and people that the field expects, and none besides?

Scenarios S1, S3, S4 and S8; the due times were worked out by hand with calendars of 2026.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import rulebook
from escalations import attaching, planning
from escalations.attaching import Known
from escalations.clocks import Clock, ClockStatus
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Product
from escalations.plans import Plan, PlanRequest
from rulebook.calendars import Calendars

BOOK, CALENDARS = rulebook.load(), Calendars()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def report(ref: str, kind: IntakeKind, received: str, *places: str, **told: object) -> Intake:
    given = {"source": "test", "source_ref": ref, "kind": kind, "title": ref, "received_at": at(received)}
    return Intake(**{**given, "jurisdictions": places, **told})  # type: ignore[arg-type]


def planned(*intakes: Intake, now: str, clocks: tuple[Clock, ...] = (), contained: str = "") -> Plan:
    request = PlanRequest(
        case_id="ESC-0000-0000-0000",
        intakes=intakes,
        now=at(now),
        clocks=clocks,
        contained=bool(contained),
        contained_at=at(contained) if contained else None,
    )
    return planning.planned(BOOK, CALENDARS, request)


def due(plan: Plan) -> dict[str, datetime | None]:
    return {clock.rule: clock.due_operational for clock in plan.clocks}


# S3: identity documents exposed; the clocks of Europe go back and Ireland has a bank holiday

LEAKED = Facts(
    marks=("high_risk_breach", "leak_closed", "personal_data_breach", "sensitive_data"),
    confirmed=True,
    people_affected=18_204,
    events=(Event(kind="breach_assessed", at=at("2026-10-24T11:00+08:00"), place="SG"),),
)
LEAK = report(
    "bucket", IntakeKind.ALERT, "2026-10-23T14:20Z", "IE", "DE", "GB", "BR", "SG", "KR", "IN",
    domain=Domain.PRIV, facts=LEAKED,
)  # fmt: skip
S3_DUE = {
    "EU-GDPR-33": "2026-10-26T14:20:00Z",
    "UK-GDPR-33": "2026-10-26T14:20:00Z",
    "KR-PIPA": "2026-10-26T14:20:00Z",
    "IN-CERT": "2026-10-23T20:20:00Z",
    "SG-PDPA": "2026-10-27T15:59:59Z",
    "BR-ANPD": "2026-10-29T02:59:59Z",
}


@pytest.mark.parametrize(("rule", "wanted"), S3_DUE.items())
def test_s3_a_breach_is_due_everywhere_at_its_own_time(rule: str, wanted: str) -> None:
    assert due(planned(LEAK, now="2026-10-23T14:20Z"))[rule] == at(wanted)


def test_s3_is_p1_and_u1_and_india_waits_for_its_law() -> None:
    plan = planned(LEAK, now="2026-10-23T14:20Z")

    assert (plan.severity.band, plan.urgency, plan.priority, plan.domain) == (1, 1, 1, Domain.PRIV)
    assert not [rule for rule in due(plan) if rule.startswith("IN-DPDP")]
    assert "EU-GDPR-34" in due(plan)
    latest = next(clock.due_legal_latest for clock in plan.clocks if clock.rule == "EU-GDPR-33")
    assert latest is not None
    assert latest.date() == datetime(2026, 10, 28, tzinfo=UTC).date()


def test_s3_an_earlier_awareness_moves_the_clock_and_its_history_shows_it() -> None:
    first = planned(LEAK, now="2026-10-23T14:20Z")

    again = planned(replace(LEAK, aware_at=at("2026-10-23T09:02Z")), now="2026-10-24T08:00Z", clocks=first.clocks)
    clock = next(one for one in again.clocks if one.rule == "EU-GDPR-33")

    assert clock.due_operational == at("2026-10-26T09:02Z")
    assert [change.due_operational for change in clock.due_history] == [at("2026-10-26T14:20Z")]


# S4: an intimate-image request that turns into child sexual abuse material, over the end of US summer time

VIDEO = ("V-1",)
REQUEST = report(
    "tida", IntakeKind.NOTICE, "2026-11-01T02:15Z", "US", domain=Domain.NCII, listings=VIDEO,
    legal_basis="TAKE IT DOWN Act s. 3", facts=Facts(marks=("intimate_image",), units_sold=5000),
)  # fmt: skip
ESAFETY = report(
    "esafety", IntakeKind.AUTHORITY_ORDER, "2026-11-01T03:00Z", "AU", domain=Domain.NCII, listings=VIDEO,
    order=AuthorityOrder(
        authority="eSafety", reference="ES-1", legal_basis="Online Safety Act 2021 s. 77", country="AU",
        reply_to="es@authority.example", listings=VIDEO,
    ),
)  # fmt: skip
COMPLAINT = report(
    "india", IntakeKind.COMPLAINT, "2026-11-01T04:10Z", "IN", domain=Domain.NCII, listings=VIDEO,
    facts=Facts(marks=("intimate_image",)),
)  # fmt: skip
S4_DUE = {
    "US-TIDA": "2026-11-03T02:15:00Z",
    "AU-OSA-77": "2026-11-02T03:00:00Z",
    "IN-ITR-3-2-b": "2026-11-01T06:10:00Z",
}


@pytest.mark.parametrize(("rule", "wanted"), S4_DUE.items())
def test_s4_hours_are_elapsed_hours(rule: str, wanted: str) -> None:
    assert due(planned(REQUEST, ESAFETY, COMPLAINT, now="2026-11-01T04:10Z"))[rule] == at(wanted)


def test_s4_is_priority_0_by_the_two_hours_of_india_and_the_uk_duty_is_not_in_force() -> None:
    plan = planned(REQUEST, ESAFETY, COMPLAINT, replace(REQUEST, source_ref="gb", jurisdictions=("GB",)),
                   now="2026-11-01T04:10Z")  # fmt: skip

    assert (plan.urgency, plan.priority) == (0, 0)
    assert not [rule for rule in due(plan) if rule.startswith("UK-OSA-10-3A")]


def test_s4_what_was_removed_before_a_notice_is_met_at_creation_and_its_answer_is_still_owed() -> None:
    plan = planned(REQUEST, ESAFETY, COMPLAINT, now="2026-11-01T04:10Z", contained="2026-11-01T02:58Z")
    found = {clock.rule: clock for clock in plan.clocks}

    assert found["AU-OSA-77"].status is ClockStatus.MET
    assert found["AU-OSA-77"].met_at == at("2026-11-01T02:58Z")
    assert found["IN-ITR-3-2-b"].status is ClockStatus.MET
    assert found["US-TIDA"].status is ClockStatus.RUNNING
    assert "IN-ITR-3-2-a-24H" in found
    assert found["IN-ITR-3-2-a-24H"].status is ClockStatus.RUNNING


def test_s4_a_child_makes_it_another_case_with_other_people_and_a_report_to_the_us() -> None:
    child = replace(REQUEST, aware_at=at("2026-11-01T05:32Z"), facts=replace(REQUEST.facts, marks=("csam",)))

    plan = planned(child, ESAFETY, COMPLAINT, now="2026-11-01T05:32Z")

    assert (plan.domain, plan.severity.floor, plan.priority) == (Domain.MINOR, 0, 0)
    assert plan.owner == "CSAFE"
    target = next(clock.internal_target for clock in plan.clocks if clock.rule == "US-CSAM")
    kept = next(clock.due_operational for clock in plan.clocks if clock.rule.startswith("US-CSAM-1Y"))
    assert target == at("2026-11-01T09:32Z")
    assert kept is not None
    assert (kept.year, kept.month) == (2027, 11)


# S8: counterfeit slimming injections, reported to three desks

PEN = Product(name="slimming injection", category="medicine", gtins=("9521100200110",))
MHRA = report(
    "mhra", IntakeKind.AUTHORITY_ORDER, "2026-11-13T16:30Z", "GB", domain=Domain.PSAFE, product=PEN,
    order=AuthorityOrder(
        authority="MHRA", reference="M-1", legal_basis="Human Medicines Regulations 2012", country="GB",
        reply_to="m@authority.example", due_at=at("2026-11-16T17:00Z"),
    ),
    facts=Facts(serious_injuries=2, confirmed=True),
)  # fmt: skip
FLAGGED = report(
    "flagger", IntakeKind.NOTICE, "2026-11-14T09:05Z", "IE", "DE", domain=Domain.PSAFE, product=PEN,
    facts=Facts(marks=("imminent_threat", "trusted_flagger")),
)  # fmt: skip
ANVISA = report(
    "anvisa", IntakeKind.AUTHORITY_ORDER, "2026-11-16T13:00Z", "BR", domain=Domain.PSAFE, product=PEN,
    order=AuthorityOrder(
        authority="Anvisa", reference="A-1", legal_basis="Law 6.360/1976", country="BR",
        reply_to="a@authority.example", due_at=at("2026-11-18T13:00Z"),
    ),
)  # fmt: skip


def test_s8_dates_that_authorities_set_are_the_due_times() -> None:
    plan = planned(MHRA, FLAGGED, ANVISA, now="2026-11-16T13:00Z")
    ordered = {clock.subject: clock.due_operational for clock in plan.clocks if clock.rule.startswith("ORDER-DATE-ACT")}

    assert ordered == {"M-1": at("2026-11-16T17:00Z"), "A-1": at("2026-11-18T13:00Z")}


def test_s8_no_product_safety_clock_runs_for_a_medicine() -> None:
    plan = planned(MHRA, FLAGGED, ANVISA, now="2026-11-16T13:00Z")

    assert not [rule for rule in due(plan) if rule.startswith(("EU-GPSR", "UK-GPSR"))]
    assert {"EU-DSA-16-4", "EU-DSA-18", "EU-DSA-22"} <= set(due(plan))
    assert plan.severity.floor == 0


def test_s8_a_merge_keeps_the_first_time_the_worst_harm_and_every_clock() -> None:
    alone = [planned(one, now="2026-11-16T13:00Z") for one in (MHRA, FLAGGED, ANVISA)]

    together = planned(MHRA, FLAGGED, ANVISA, now="2026-11-16T13:00Z")

    assert together.severity.band == min(plan.severity.band for plan in alone)
    assert {attaching.base(rule) for plan in alone for rule in due(plan)} <= {
        attaching.base(rule) for rule in due(together)
    }
    assert min(clock.t0 for clock in together.clocks) == at("2026-11-13T16:30Z")


# S1: the burning power bank; its due times are in test_policy, what must not start is here


def test_s1_orders_of_other_continents_start_no_european_clock_and_canada_is_not_asked() -> None:
    bank = Product(name="VoltPeak 20K", gtins=("0860009999112",))
    hurt = Facts(serious_injuries=1, child_injured=True)
    sydney = report("au", IntakeKind.INCIDENT_REPORT, "2026-12-24T09:05Z", "AU", product=bank, facts=hurt)
    agent = report("us", IntakeKind.INCIDENT_REPORT, "2026-12-24T15:40Z", "US", product=bank)

    rules = due(planned(sydney, agent, now="2026-12-24T15:40Z"))

    assert not [rule for rule in rules if rule.startswith(("EU-", "CA-"))]
    assert {"AU-ACL-131", "US-CPSA-15b"} <= set(rules)


def test_a_duty_that_began_before_the_rule_was_in_force_starts_no_clock() -> None:
    known = Known(
        intakes=(replace(REQUEST, received_at=at("2026-05-18T10:00Z")),),
        domain=Domain.NCII,
        now=at("2026-05-18T10:00Z"),
    )

    assert "US-TIDA" not in {clock.rule for clock in attaching.attached(BOOK, CALENDARS, known)}
