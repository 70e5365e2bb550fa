"""Is every due time the one that the clause gives? Computed here once more, by other means, where that is possible."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rulebook
from escalations import clocks, starting
from escalations.clocks import ClockRefusal, ClockStatus, Force
from escalations.counting import Reading, calendar_days, elapsed_hours, months, utc, working_days, working_hours
from escalations.model import Milestone
from escalations.rules import ClockRule, Counting, Start, Unit
from escalations.starting import Begin
from rulebook.calendars import Calendars

BOOK = rulebook.load()
CALENDARS = Calendars()


def at(text):
    return datetime.fromisoformat(text)


def reading(zone, calendar, **options):
    frozen = CALENDARS.frozen(calendar, 2025, 2029)
    return Reading(zone=zone, calendar=frozen, **options)


BERLIN = reading("Europe/Berlin", "DE")
DUBLIN = reading("Europe/Dublin", "IE")


def shipped(rule_id, version=1):
    return next(rule for rule in BOOK.clocks if rule.id == rule_id and rule.version == version)


def engine_rule(unit, number, *, counting=(), **options):
    plain = {
        "id": "TEST-RULE", "version": 1, "effective_from": date(2020, 1, 1), "effective_to": None,
        "jurisdiction": "EU", "instrument": "a test", "duty": "a duty", "meets": Milestone.AUTHORITY_INFORMED,
        "owner": "LEG", "recipient": "an authority", "applies_if": (), "starts_at": Start.RECEIPT, "number": number,
        "unit": unit, "counting": counting, "exclude_day_zero": True, "working_time_only": False,
        "internal_target": None, "margin": timedelta(hours=6), "suspends_on": (), "restarts": False,
        "force": Force.LAW, "confidence": "H", "source": "a test", "checked": date(2026, 11, 22),
    }  # fmt: skip
    return ClockRule(**(plain | options))


HOURS_CASES = [
    pytest.param("2026-10-23T14:20:00Z", 72, "2026-10-26T14:20:00Z", id="S3-EU-GDPR-33-over-the-end-of-summer-time"),
    pytest.param("2026-10-23T09:02:00Z", 72, "2026-10-26T09:02:00Z", id="S3-EU-GDPR-33-earlier-awareness"),
    pytest.param("2026-10-23T14:20:00Z", 6, "2026-10-23T20:20:00Z", id="S3-IN-CERT"),
    pytest.param("2026-11-01T02:15:00Z", 48, "2026-11-03T02:15:00Z", id="S4-US-TIDA-over-the-end-of-us-summer-time"),
    pytest.param("2026-11-01T03:00:00Z", 24, "2026-11-02T03:00:00Z", id="S4-AU-OSA-77"),
    pytest.param("2026-11-01T04:10:00Z", 2, "2026-11-01T06:10:00Z", id="S4-IN-ITR-3-2-b"),
    pytest.param("2027-03-27T12:00:00+01:00", 72, "2027-03-30T11:00:00Z", id="trap-3-eu-spring-forward"),
    pytest.param("2026-12-24T23:30:00Z", 1, "2026-12-25T00:30:00Z", id="trap-1-TCO-hour-runs-on-christmas"),
    pytest.param("2026-10-25T02:30:00+02:00", 1, "2026-10-25T01:30:00Z", id="trap-4-repeated-hour-first"),
    pytest.param("2026-10-25T02:30:00+01:00", 1, "2026-10-25T02:30:00Z", id="trap-4-repeated-hour-second"),
]


@pytest.mark.parametrize(("start", "hours", "due"), HOURS_CASES)
def test_hours_are_elapsed_hours(start, hours, due):
    assert elapsed_hours(at(start), hours).at == at(due)


@pytest.mark.parametrize(
    ("start", "days", "counted", "due"),
    [
        pytest.param("2026-12-24T15:40:00+01:00", 2, BERLIN, "2026-12-29T22:59:59Z", id="S1-EU-GPSR-22-4-berlin"),
        pytest.param("2026-12-24T14:40:00Z", 2, DUBLIN, "2026-12-29T23:59:59Z", id="S1-EU-GPSR-22-4-dublin"),
        pytest.param("2026-04-02T09:00:00Z", 1, DUBLIN, "2026-04-03T22:59:59Z", id="trap-2-works-in-dublin"),
        pytest.param("2026-04-02T09:00:00Z", 1, BERLIN, "2026-04-07T21:59:59Z", id="trap-2-off-in-berlin"),
        pytest.param(
            "2026-10-23T14:20:00Z", 3, reading("America/Sao_Paulo", "BR"), "2026-10-29T02:59:59Z", id="S3-BR-ANPD"
        ),
    ],
)  # fmt: skip
def test_working_days_end_with_the_day_in_the_rules_own_zone(start, days, counted, due):
    assert working_days(at(start), days, counted).at == at(due)


SYDNEY = reading("Australia/Sydney", "AU-NSW", roll_forward=True)


@pytest.mark.parametrize(
    ("start", "days", "counted", "due"),
    [
        pytest.param("2026-12-24T09:05:00Z", 2, SYDNEY, "2026-12-29T12:59:59Z", id="S1-AU-ACL-131-over-christmas"),
        pytest.param("2026-08-13T12:00:00+10:00", 2, SYDNEY, "2026-08-17T13:59:59Z", id="AU-thursday-to-monday"),
        pytest.param("2026-08-14T12:00:00+10:00", 2, SYDNEY, "2026-08-17T13:59:59Z", id="AU-friday-to-monday"),
        pytest.param("2026-08-15T12:00:00+10:00", 2, SYDNEY, "2026-08-17T13:59:59Z", id="AU-saturday-to-monday"),
        pytest.param("2026-10-01T12:00:00+10:00", 2, SYDNEY, "2026-10-06T12:59:59Z", id="AU-monday-holiday-to-tuesday"),
        pytest.param(
            "2026-10-24T11:00:00+08:00", 3, reading("Asia/Singapore", "SG"), "2026-10-27T15:59:59Z", id="S3-SG-PDPA"
        ),
        pytest.param("2026-11-22T10:00:00Z", 0, DUBLIN, "2026-11-22T23:59:59Z", id="DSA-17-the-same-date"),
    ],
)  # fmt: skip
def test_calendar_days_count_every_day_and_roll_only_where_the_rule_says(start, days, counted, due):
    assert calendar_days(at(start), days, counted).at == at(due)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        pytest.param("2026-12-24T09:05:00Z", "2026-12-28T09:05:00Z", id="S1-16-CFR-1115.14-awareness-imputed"),
        pytest.param("2026-12-24T15:40:00Z", "2026-12-28T15:40:00Z", id="S1-16-CFR-1115.14-us-facts"),
        pytest.param("2026-11-20T22:00:00Z", "2026-11-23T22:00:00Z", id="trap-1-over-a-weekend"),
        pytest.param("2026-11-21T22:00:00Z", "2026-11-24T05:00:00Z", id="trap-1-known-on-a-saturday"),
        pytest.param("2026-10-30T16:00:00-04:00", "2026-11-02T16:00:00-05:00", id="trap-3-over-the-end-of-summer-time"),
    ],
)
def test_the_24_hours_of_the_cpsc_stand_still_on_days_off(start, due):
    assert working_hours(at(start), 24, reading("America/New_York", "US")).at == at(due)


@pytest.mark.parametrize(
    ("start", "number", "due"),
    [
        pytest.param("2026-01-31T12:00:00Z", 1, "2026-02-28T23:59:59Z", id="1182-71-3-2-c-no-such-day"),
        pytest.param("2026-10-15T12:00:00Z", 3, "2027-01-15T23:59:59Z", id="1182-71-3-2-c-over-a-year"),
    ],
)
def test_months_end_with_the_day_of_the_same_number(start, number, due):
    assert months(at(start), number, DUBLIN).at == at(due)


def test_a_month_that_ends_on_a_day_off_rolls_where_the_rule_says():
    rolling = replace(DUBLIN, roll_forward=True)

    assert months(at("2026-11-25T12:00:00Z"), 1, rolling).at == at("2026-12-28T23:59:59Z")


def test_art_3_5_extends_72_hours_for_display_only():
    rule = engine_rule(Unit.HOUR, 72)
    lenient = replace(DUBLIN, min_working_days=2)
    begin = Begin(t0=at("2026-10-23T14:20:00Z"), basis="confirmed", readings=(DUBLIN, lenient))

    clock = starting.started(rule, begin)

    assert clock.due_operational == at("2026-10-26T14:20:00Z")
    assert clock.due_legal_latest == at("2026-10-28T23:59:59Z")


def test_of_two_calendars_the_earlier_binds_and_the_later_is_shown():
    begin = Begin(t0=at("2026-12-24T14:40:00Z"), basis="receipt", readings=(BERLIN, DUBLIN), pinned="holidays 0.109")

    clock = starting.started(shipped("EU-GPSR-22-4"), begin)

    assert clock.due_operational == at("2026-12-29T22:59:59Z")
    assert clock.due_legal_latest == at("2026-12-29T23:59:59Z")
    assert clock.pinned == "holidays 0.109"
    assert "; ".join(clock.derivation[:-1]) == (
        "start 2026-12-24 15:40 Europe/Berlin; day 0 excluded; 25, 26 Dec holidays DE; 27 Sun; 28 Mon = 1; "
        "29 Tue = 2; end of day → 2026-12-29T22:59:59Z"
    )


@pytest.mark.parametrize(
    ("ordered", "due"),
    [
        pytest.param("2026-12-28T12:00:00Z", "2026-12-28T12:00:00Z", id="trap-7-shorter-date-beats-the-rule"),
        pytest.param("2027-01-15T12:00:00Z", "2026-12-29T22:59:59Z", id="trap-7-longer-date-does-not"),
    ],
)
def test_the_due_time_is_the_earlier_of_rule_and_order(ordered, due):
    begin = Begin(t0=at("2026-12-24T14:40:00Z"), basis="receipt", readings=(BERLIN, DUBLIN), ordered=at(ordered))

    assert starting.started(shipped("EU-GPSR-22-4"), begin).due_operational == at(due)


def test_a_date_in_an_order_turns_a_duty_without_a_number_into_one_with_it():
    begin = Begin(t0=at("2026-11-13T16:30:00Z"), basis="receipt", ordered=at("2026-11-16T17:00:00Z"))

    clock = starting.started(shipped("EU-DSA-9"), begin)

    assert clock.due_operational == at("2026-11-16T17:00:00Z")
    assert clock.internal_target is None


def test_a_duty_without_a_number_gets_a_target_that_is_not_law():
    clock = starting.started(shipped("EU-GPSR-22-12d"), Begin(t0=at("2026-12-24T14:40:00Z"), basis="awareness"))

    assert clock.due_operational is None
    assert clock.internal_target == at("2026-12-25T14:40:00Z")
    assert clocks.nearest_binding((clock,)) is None


def hours_clock(start, number=72, **options):
    return starting.started(engine_rule(Unit.HOUR, number, **options), Begin(t0=at(start), basis="awareness"))


def test_an_earlier_start_moves_the_due_time_and_history_keeps_the_old_one():
    kept = hours_clock("2026-10-23T14:20:00Z")

    moved = starting.merged(kept, hours_clock("2026-10-23T09:02:00Z"), at("2026-10-24T08:00:00Z"))

    assert moved.due_operational == at("2026-10-26T09:02:00Z")
    assert [change.due_operational for change in moved.due_history] == [at("2026-10-26T14:20:00Z")]
    assert moved.due_history[0].changed_at == at("2026-10-24T08:00:00Z")


def test_a_later_start_moves_nothing():
    kept = hours_clock("2026-10-23T09:02:00Z")

    assert starting.merged(kept, hours_clock("2026-10-23T14:20:00Z"), at("2026-10-24T08:00:00Z")) is kept


@pytest.mark.parametrize(
    ("met_at", "status"),
    [
        pytest.param("2026-10-24T00:00:00Z", ClockStatus.MET, id="early-enough-all-the-same"),
        pytest.param("2026-10-26T09:02:00Z", ClockStatus.MET, id="on-the-second"),
        pytest.param("2026-10-26T10:00:00Z", ClockStatus.MISSED, id="it-was-late-after-all"),
    ],
)
def test_what_was_fulfilled_is_held_against_a_due_time_that_moved_earlier(met_at, status):
    [met] = clocks.meet((hours_clock("2026-10-23T14:20:00Z"),), Milestone.AUTHORITY_INFORMED, at(met_at), "p")

    again = starting.merged(met, hours_clock("2026-10-23T09:02:00Z"), at("2026-10-27T00:00:00Z"))

    assert (again.status, again.met_at, again.proof) == (status, at(met_at), "p")
    assert again.due_operational == at("2026-10-26T09:02:00Z")
    assert [change.due_operational for change in again.due_history] == [at("2026-10-26T14:20:00Z")]
    assert bool(again.reason) is (status is ClockStatus.MISSED)


def test_what_was_fulfilled_is_not_judged_by_a_later_start():
    [met] = clocks.meet(
        (hours_clock("2026-10-23T09:02:00Z"),), Milestone.AUTHORITY_INFORMED, at("2026-10-24T00:00:00Z"), "p"
    )

    assert starting.merged(met, hours_clock("2026-10-23T14:20:00Z"), at("2026-10-25T00:00:00Z")) is met


def test_a_clock_that_was_suspended_keeps_the_due_time_it_was_given():
    clock = hours_clock("2026-11-22T10:00:00Z", 24, suspends_on=("extension",))
    held = clocks.suspend(clock, at("2026-11-22T12:00:00Z"), "extension")
    released = clocks.release(held, at("2026-11-22T15:00:00Z"))
    earlier = hours_clock("2026-11-22T08:00:00Z", 24, suspends_on=("extension",))

    assert starting.merged(held, earlier, at("2026-11-22T13:00:00Z")) is held
    assert starting.merged(released, earlier, at("2026-11-22T16:00:00Z")) is released


def test_a_duty_done_too_early_still_follows_an_earlier_start():
    window = replace(shipped("US-DMCA-g"), counting=(Counting(zone="America/New_York", calendar="US"),))
    newyork = (reading("America/New_York", "US"),)
    first = starting.started(window, Begin(t0=at("2026-11-17T15:00:00Z"), basis="receipt", readings=newyork))
    [early] = clocks.meet((first,), Milestone.RESTORED, at("2026-11-18T00:00:00Z"), "p")
    before = starting.started(window, Begin(t0=at("2026-11-16T15:00:00Z"), basis="receipt", readings=newyork))

    moved = starting.merged(early, before, at("2026-11-19T00:00:00Z"))

    assert early.reason
    assert moved.due_operational == before.due_operational
    assert moved.not_before == before.not_before


def test_an_earlier_start_that_is_only_claimed_is_shown_and_not_worked_to():
    rule = engine_rule(Unit.HOUR, 72)
    told = Begin(t0=at("2026-10-23T14:20:00Z"), basis="awareness", claimed=at("2026-10-23T09:02:00Z"))
    kept = hours_clock("2026-10-23T14:20:00Z")

    clock = starting.merged(kept, starting.started(rule, told), at("2026-10-24T08:00:00Z"))

    assert (clock.due_operational, clock.contested, clock.due_history) == (at("2026-10-26T14:20:00Z"), True, ())
    assert clock.derivation[-1] == (
        "an earlier start 2026-10-23T09:02:00Z is claimed and contested; it would be due 2026-10-26T09:02:00Z"
    )


def test_a_claim_that_is_later_than_the_start_changes_nothing():
    told = Begin(t0=at("2026-10-23T14:20:00Z"), basis="awareness", claimed=at("2026-10-23T15:00:00Z"))

    assert starting.started(engine_rule(Unit.HOUR, 72), told) == hours_clock("2026-10-23T14:20:00Z")


def test_removal_and_telling_are_two_clocks():
    act = starting.started(
        shipped("EU-GPSR-22-4"), Begin(t0=at("2026-12-24T14:40:00Z"), basis="receipt", readings=(BERLIN,))
    )
    tell = starting.started(shipped("EU-DSA-9"), Begin(t0=at("2026-12-24T14:40:00Z"), basis="receipt"))

    after = clocks.meet((act, tell), Milestone.CONTAINED, at("2026-12-24T18:00:00Z"), "sweep 1")

    assert [clock.status for clock in after] == [ClockStatus.MET, ClockStatus.RUNNING]


def test_naming_the_rule_keeps_a_report_to_one_authority_from_stopping_the_clock_of_another():
    first = hours_clock("2026-10-23T14:20:00Z")
    second = replace(first, rule="OTHER-RULE")

    after = clocks.meet((first, second), Milestone.AUTHORITY_INFORMED, at("2026-10-24T00:00:00Z"), "p", ("OTHER-RULE",))

    assert [clock.status for clock in after] == [ClockStatus.RUNNING, ClockStatus.MET]


def test_a_clock_is_missed_from_its_due_time_on_and_a_late_fulfilment_is_kept_beside_it():
    clock = hours_clock("2026-10-23T14:20:00Z")

    assert clocks.miss(clock, at("2026-10-26T14:19:59Z")) is clock
    missed = clocks.miss(clock, at("2026-10-26T14:20:00Z"))
    late = clocks.meet((missed,), Milestone.AUTHORITY_INFORMED, at("2026-10-27T00:00:00Z"), "mail 7")[0]

    assert missed.status is ClockStatus.MISSED
    assert (late.status, late.met_at, late.proof) == (ClockStatus.MISSED, at("2026-10-27T00:00:00Z"), "mail 7")


def test_a_passed_internal_target_is_not_a_missed_law():
    clock = starting.started(shipped("EU-GPSR-22-12d"), Begin(t0=at("2026-12-24T14:40:00Z"), basis="awareness"))

    after = clocks.miss(clock, at("2026-12-26T00:00:00Z"))

    assert after.status is ClockStatus.RUNNING
    assert "internal target" in after.reason


@pytest.mark.parametrize("rule", [rule for rule in BOOK.clocks if rule.id != "EU-TCO-3-3"], ids=lambda rule: rule.id)
def test_no_other_clock_may_be_suspended(rule):
    assert not rule.suspends_on


def test_suspending_is_refused_where_the_rule_does_not_allow_it():
    with pytest.raises(ClockRefusal, match="never pauses") as refused:
        clocks.suspend(hours_clock("2026-10-23T14:20:00Z"), at("2026-10-24T00:00:00Z"), "waiting for the seller")

    assert refused.value.code == "not_suspendable"


def test_the_hour_of_a_removal_order_starts_afresh_when_the_cause_ends():
    clock = starting.started(shipped("EU-TCO-3-3"), Begin(t0=at("2026-11-22T10:00:00Z"), basis="receipt"))

    held = clocks.suspend(clock, at("2026-11-22T10:20:00Z"), "manifest error")
    released = clocks.release(held, at("2026-11-22T13:00:00Z"), "clarified")

    assert clock.due_operational == at("2026-11-22T11:00:00Z")
    assert held.status is ClockStatus.SUSPENDED
    assert (released.status, released.due_operational) == (ClockStatus.RUNNING, at("2026-11-22T14:00:00Z"))
    assert released.due_history[-1].due_operational == at("2026-11-22T11:00:00Z")


def test_a_suspended_clock_that_goes_on_gets_the_pause_added():
    clock = hours_clock("2026-11-22T10:00:00Z", 24, suspends_on=("extension",))

    held = clocks.suspend(clock, at("2026-11-22T12:00:00Z"), "extension")
    released = clocks.release(held, at("2026-11-22T15:00:00Z"))

    assert released.due_operational == at("2026-11-23T13:00:00Z")


def test_warnings_come_at_half_three_quarters_nine_tenths_and_before_the_margin():
    clock = hours_clock("2026-11-20T00:00:00Z", 100)

    assert clocks.warnings(clock) == (
        ("50 %", at("2026-11-22T02:00:00Z")),
        ("75 %", at("2026-11-23T03:00:00Z")),
        ("90 %", at("2026-11-23T18:00:00Z")),
        ("margin", at("2026-11-23T22:00:00Z")),
    )


def test_the_nearest_binding_clock_ignores_house_targets_voluntary_promises_and_what_is_met():
    law = hours_clock("2026-11-20T00:00:00Z", 72)
    promise = replace(hours_clock("2026-11-20T00:00:00Z", 2), force=Force.VOLUNTARY)
    met = replace(hours_clock("2026-11-20T00:00:00Z", 1), status=ClockStatus.MET)

    assert clocks.nearest_binding((promise, met, law)) is law


@pytest.mark.parametrize(
    ("rule", "version", "day", "in_force"),
    [
        pytest.param("IN-ITR-3-1-d", 1, date(2026, 2, 19), True, id="trap-9-36-hours-until-19-feb-2026"),
        pytest.param("IN-ITR-3-1-d", 1, date(2026, 2, 20), False, id="trap-9-36-hours-no-more"),
        pytest.param("IN-ITR-3-1-d", 2, date(2026, 2, 20), True, id="trap-9-3-hours-from-20-feb-2026"),
        pytest.param("EU-GPSR-22-4", 1, date(2024, 12, 12), False, id="trap-9-gpsr-not-before-13-dec-2024"),
    ],
)
def test_a_rule_holds_only_between_its_dates(rule, version, day, in_force):
    assert shipped(rule, version).in_force(day) is in_force


def test_a_period_in_days_without_a_calendar_is_refused():
    with pytest.raises(ValueError, match="needs a calendar"):
        starting.started(engine_rule(Unit.WORKING_DAY, 2), Begin(t0=at("2026-11-22T10:00:00Z"), basis="receipt"))


instants = st.integers(int(at("2026-01-01T00:00:00Z").timestamp()), int(at("2027-12-01T00:00:00Z").timestamp())).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
places = st.sampled_from(
    [("Europe/Berlin", "DE"), ("Europe/Dublin", "IE"), ("America/New_York", "US"), ("Australia/Sydney", "AU-NSW")]
)


@settings(max_examples=60, deadline=None)
@given(start=instants, place=places, number=st.integers(1, 10))
def test_working_days_agree_with_a_count_of_local_dates(start, place, number):
    zone, code = ZoneInfo(place[0]), place[1]
    off = {day for day, _ in CALENDARS.frozen(code, 2025, 2029).holidays}
    day, left = start.astimezone(zone).date(), number
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in off

    due = working_days(start, number, reading(*place)).at

    local = due.astimezone(zone)
    assert (local.date(), local.time().isoformat()) == (day, "23:59:59")


@settings(max_examples=40, deadline=None)
@given(start=instants, number=st.integers(1, 48))
def test_standing_hours_agree_with_a_count_of_single_minutes(start, number):
    zone = ZoneInfo("America/New_York")
    off = {day for day, _ in CALENDARS.frozen("US", 2025, 2029).holidays}
    start = start.replace(second=0)
    now, left = start, number * 60
    while left:
        local = now.astimezone(zone).date()
        left -= local.weekday() < 5 and local not in off
        now += timedelta(minutes=1)

    due = working_hours(start, number, reading("America/New_York", "US")).at

    assert due == now


@settings(max_examples=60, deadline=None)
@given(start=instants, number=st.integers(1, 200))
def test_elapsed_hours_are_seconds_since_the_epoch(start, number):
    due = elapsed_hours(start, number).at

    assert due.timestamp() - start.timestamp() == number * 3600
    assert utc(due).endswith("Z")


def test_a_counting_row_is_a_plain_value():
    assert Counting(zone="Europe/Dublin", calendar="IE") == Counting(zone="Europe/Dublin", calendar="IE")
