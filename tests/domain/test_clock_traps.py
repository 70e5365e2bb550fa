"""Do the shipped rules avoid the twelve traps that clocks of law set?

The traps are those that the field knows: weekends that stop one clock and not another, summer time, two calendars,
orders that come twice, windows, and pauses that the law does not allow.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import rulebook
from escalations import attaching, clocks, facts, readings
from escalations.attaching import Known
from escalations.clocks import Clock, ClockRefusal, ClockStatus
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Milestone, Product
from rulebook.calendars import Calendars

BOOK, CALENDARS = rulebook.load(), Calendars()
PRODUCT = Product(name="power bank", gtins=("9521100200110",))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def alone(rule: str, start: str, country: str = "") -> Clock:
    day = at(start).date()
    chosen = next(one for one in BOOK.clocks if one.id == rule and one.in_force(day))
    return readings.alone(BOOK, CALENDARS, chosen, at(start), country=country)


def report(
    kind: IntakeKind = IntakeKind.AUTHORITY_ORDER, received: str = "2026-12-23T10:00Z", **told: object
) -> Intake:
    order = AuthorityOrder(
        authority="an authority", reference="O-1", legal_basis="GPSR art. 22(4)", country="DE", reply_to="a@b.example"
    )
    given = {"source": "test", "source_ref": "R-1", "kind": kind, "title": "a report", "received_at": at(received)}
    given |= {"domain": Domain.PSAFE, "jurisdictions": ("DE",), "product": PRODUCT}
    given |= {"order": order if kind is IntakeKind.AUTHORITY_ORDER else None}
    return Intake(**{**given, **told})  # type: ignore[arg-type]


def attached(*intakes: Intake, domain: Domain = Domain.PSAFE, **known: object) -> dict[str, Clock]:
    given = {"intakes": intakes, "domain": domain, "now": max(one.received_at for one in intakes), **known}
    found = attaching.attached(BOOK, CALENDARS, Known(**given))  # type: ignore[arg-type]
    return {clock.rule: clock for clock in found}


@pytest.mark.parametrize(
    ("rule", "start", "due"),
    [
        ("US-CPSA-15b", "2026-11-13T22:00Z", "2026-11-16T22:00Z"),  # Friday afternoon in New York
        ("EU-TCO-3-3", "2026-11-14T10:00Z", "2026-11-14T11:00Z"),
        ("IN-ITR-3-1-d", "2026-11-14T10:00Z", "2026-11-14T13:00Z"),
        ("AU-OSA-109", "2026-11-14T10:00Z", "2026-11-15T10:00Z"),
    ],
)
def test_trap_1_only_the_us_product_clock_stands_still_at_the_weekend(rule: str, start: str, due: str) -> None:
    assert alone(rule, start).due_operational == at(due)


def test_trap_2_a_holiday_of_one_state_makes_two_readings_and_the_earlier_is_worked_to() -> None:
    good_friday = attached(report(received="2026-04-01T10:00Z"))["EU-GPSR-22-4"]
    irish_monday = attached(report(received="2026-10-23T10:00Z"))["EU-GPSR-22-4"]

    assert good_friday.due_operational == at("2026-04-03T22:59:59Z")  # Ireland works on Good Friday
    assert good_friday.due_legal_latest == at("2026-04-07T21:59:59Z")
    assert irish_monday.due_operational == at("2026-10-27T22:59:59Z")  # Germany works on 26 October
    assert irish_monday.due_legal_latest == at("2026-10-28T23:59:59Z")


def test_trap_2_each_state_that_a_notice_names_is_a_candidate_for_its_working_days() -> None:
    notice = report(IntakeKind.NOTICE, "2026-10-23T10:00Z", jurisdictions=("DE", "FR", "US"))
    home = replace(notice, jurisdictions=("IE",))

    abroad, alone_at_home = attached(notice)["EU-GPSR-22-8"], attached(home)["EU-GPSR-22-8"]

    assert abroad.due_operational == at("2026-10-28T22:59:59Z")  # Germany and France work on 26 October
    assert abroad.due_legal_latest == at("2026-10-29T23:59:59Z")  # Ireland does not
    assert alone_at_home.due_operational == alone_at_home.due_legal_latest == at("2026-10-29T23:59:59Z")
    assert abroad.pinned.endswith("(IE, DE, FR)")


@pytest.mark.parametrize("start", ["2026-10-23T14:20Z", "2026-10-30T14:20Z", "2027-03-26T14:20Z", "2027-03-12T14:20Z"])
def test_trap_3_72_hours_are_72_hours_over_every_change_of_the_clocks(start: str) -> None:
    assert alone("EU-GDPR-33", start).due_operational == at(start) + timedelta(hours=72)


def test_trap_4_a_time_without_its_offset_is_refused() -> None:
    rule = next(one for one in BOOK.clocks if one.id == "EU-GDPR-33")

    with pytest.raises(readings.BadClockInput, match="has no offset") as refused:
        readings.alone(BOOK, CALENDARS, rule, datetime(2026, 10, 25, 2, 30))  # noqa: DTZ001 (the fault itself)
    with pytest.raises(facts.BadFact, match="offset"):
        facts.parsed("aware_at", "2026-10-25T02:30:00")

    assert refused.value.field == "at"
    assert alone("EU-TCO-3-3", "2026-10-25T02:30+02:00").due_operational == at("2026-10-25T02:30+01:00")


def test_trap_5_receipt_at_the_contact_point_starts_the_clock_although_nobody_reads_it() -> None:
    unread = report(received="2026-12-19T03:00Z", aware_at=at("2026-12-21T09:00Z"))

    assert attached(unread)["EU-GPSR-22-4"].t0 == at("2026-12-19T03:00Z")


def test_trap_6_what_anybody_in_the_company_knew_counts() -> None:
    hurt = Facts(serious_injuries=1)
    ticket = report(IntakeKind.INCIDENT_REPORT, "2026-12-23T10:00Z", jurisdictions=("US",), facts=hurt)
    contractor = replace(ticket, source_ref="R-2", aware_at=at("2026-12-21T15:00Z"), jurisdictions=("AU",))

    assert attached(ticket, contractor)["US-CPSA-15b"].t0 == at("2026-12-21T15:00Z")


def test_trap_7_a_shorter_date_in_the_order_beats_the_rule() -> None:
    order = replace(report().order, due_at=at("2026-12-23T18:00Z"))  # type: ignore[type-var]

    assert attached(report(order=order))["EU-GPSR-22-4"].due_operational == at("2026-12-23T18:00Z")


def test_trap_8_an_order_that_comes_twice_is_one_clock_from_its_first_receipt() -> None:
    portal = report(received="2026-12-22T10:00Z", source_ref="R-2")

    found = attached(report(), portal)

    assert [rule for rule in found if rule.startswith("EU-GPSR-22-4")] == ["EU-GPSR-22-4"]
    assert found["EU-GPSR-22-4"].t0 == at("2026-12-22T10:00Z")


def test_trap_9_a_rule_stays_silent_outside_its_dates_and_its_scope() -> None:
    breach = report(
        IntakeKind.ALERT, domain=Domain.PRIV, jurisdictions=("IN",), facts=Facts(marks=("personal_data_breach",))
    )
    later = replace(breach, received_at=at("2027-05-20T10:00Z"))
    medicine = report(product=replace(PRODUCT, category="medicine"))

    assert not [rule for rule in attached(breach, domain=Domain.PRIV) if rule.startswith("IN-DPDP")]
    assert [rule for rule in attached(later, domain=Domain.PRIV) if rule.startswith("IN-DPDP")]
    assert not [rule for rule in attached(medicine) if rule.startswith("EU-GPSR")]


def test_trap_10_a_window_can_be_missed_on_both_sides() -> None:
    clock = alone("US-DMCA-g", "2026-11-16T15:00Z")
    assert clock.not_before is not None
    assert clock.due_operational is not None

    [early] = clocks.meet((clock,), Milestone.RESTORED, clock.not_before - timedelta(seconds=1), "restored")
    [right] = clocks.meet((clock,), Milestone.RESTORED, clock.not_before, "restored")
    [late] = clocks.meet((clock,), Milestone.RESTORED, clock.due_operational + timedelta(seconds=1), "restored")

    # Ten business days after Monday 16 November, with Thanksgiving: 1 December; fourteen: 7 December.
    assert clock.not_before == at("2026-12-02T00:00-05:00")
    assert clock.due_operational == at("2026-12-07T23:59:59-05:00")
    assert (early.status, right.status, late.status) == (ClockStatus.RUNNING, ClockStatus.MET, ClockStatus.MISSED)
    assert "too early" in early.reason


def test_trap_11_removing_is_one_duty_and_telling_another() -> None:
    found = attached(report())
    removed = clocks.meet(tuple(found.values()), Milestone.CONTAINED, at("2026-12-23T11:00Z"), "sweep 1")
    status = {clock.rule: clock.status for clock in removed}

    assert status["EU-GPSR-22-4"] is ClockStatus.MET
    assert status["EU-DSA-9"] is ClockStatus.RUNNING


def test_trap_12_only_the_terrorist_content_hour_may_stand_still() -> None:
    waiting = attached(report())["EU-GPSR-22-4"]
    hour = alone("EU-TCO-3-3", "2026-12-23T10:00Z")

    with pytest.raises(ClockRefusal, match="never pauses"):
        clocks.suspend(waiting, at("2026-12-23T11:00Z"), "waiting for the seller")

    held = clocks.suspend(hour, at("2026-12-23T10:20Z"), "the order names no listing")
    assert clocks.release(held, at("2026-12-23T15:00Z")).due_operational == at("2026-12-23T16:00Z")


def test_an_event_elsewhere_starts_no_clock_here() -> None:
    told = Facts(marks=("personal_data_breach",), people_affected=900)
    assessed = replace(told, events=(Event(kind="breach_assessed", at=at("2026-10-24T03:00Z"), place="SG"),))
    breach = report(IntakeKind.ALERT, domain=Domain.PRIV, jurisdictions=("SG", "AU"), facts=assessed)

    found = attached(breach, domain=Domain.PRIV)

    assert "SG-PDPA" in found
    assert "AU-NDB-N" not in found


def test_merging_and_parting_gives_back_every_clock_as_it_was() -> None:
    mine = tuple(attached(report()).values())
    met = clocks.meet(
        tuple(attached(report(source_ref="R-2")).values()), Milestone.CONTAINED, at("2026-12-24T10:00Z"), "p"
    )
    theirs = clocks.joined(met, mine, "ESC-3")

    both = clocks.joined(mine, theirs, "ESC-2")
    stay, back = clocks.parted(both, "ESC-2")

    assert len({clock.rule for clock in both}) == len(mine) + len(theirs)
    assert (stay, back) == (mine, theirs)
    assert clocks.parted(back, "ESC-3") == (met, mine)
