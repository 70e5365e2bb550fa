"""Are the right people asked at every hour, and in the right order? Clauses of the domain reference as rows."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from escalations.calendars import CalendarGap
from escalations.model import Domain
from escalations.rosters import Asked, How, OnDuty
from escalations.rosters_asking import hours
from escalations.rosters_chain import desks, places, who
from escalations.rosters_duty import running
from escalations.rosters_time import due
from escalations.rulebook import Rulebook
from tests.domain.roster_cases import CALENDARS, DUBLIN, LEVELS, PERSONS, RIYADH, book, desk, shipped, utc

NIGHT = """
desk: dublin
zone: Europe/Dublin
calendar: IE
weekend: [saturday, sunday]
hours: {from: "09:00", to: "18:00"}
shifts:
  night: {days: every_day, from: "22:00", to: "06:00", staff: {LEG: [leo.legal]}}
  morning: {days: every_day, from: "06:00", to: "14:00", staff: {LEG: [lena.legal]}}
on_call:
  first: {days: every_day, from: "05:00", to: "07:00", staff: {LEG: [lin.legal]}}
  second: {days: every_day, from: "06:30", to: "08:00", staff: {LEG: [leo.legal]}}
"""


def asked(of: Rulebook, at: str, role: str = "LEG", **more: object) -> list[tuple[str, str]]:
    chain = who(of, CALENDARS, role, utc(at), **more)  # type: ignore[arg-type]
    return [(one.person, one.how.value) for one in chain if one.how is not How.LADDER]


@pytest.mark.parametrize(
    ("text", "at", "there"),
    [
        pytest.param(DUBLIN, "2026-12-24T10:00", True, id="7.7-christmas-eve-works-in-ireland"),
        pytest.param(DUBLIN, "2026-12-25T10:00", False, id="7.5-christmas"),
        pytest.param(DUBLIN, "2026-12-26T10:00", False, id="7.5-saint-stephens-day-on-a-saturday"),
        pytest.param(DUBLIN, "2026-12-28T10:00", True, id="7.5-the-monday-after-works"),
        pytest.param(DUBLIN, "2026-03-17T10:00", False, id="irish-bank-holiday-saint-patrick"),
        pytest.param(DUBLIN, "2026-04-03T10:00", True, id="good-friday-works-in-ireland"),
        pytest.param(DUBLIN, "2026-04-06T10:00", False, id="irish-bank-holiday-easter-monday"),
        pytest.param(DUBLIN, "2026-05-04T10:00", False, id="irish-bank-holiday-may"),
        pytest.param(DUBLIN, "2026-08-03T10:00", False, id="irish-bank-holiday-august"),
        pytest.param(DUBLIN, "2026-10-26T10:00", False, id="irish-bank-holiday-october-after-the-clocks-went-back"),
        pytest.param(RIYADH, "2026-11-26T08:00", True, id="thursday-works-where-the-weekend-is-friday-and-saturday"),
        pytest.param(RIYADH, "2026-11-27T08:00", False, id="friday-is-off-there"),
        pytest.param(RIYADH, "2026-11-28T08:00", False, id="saturday-is-off-there"),
        pytest.param(RIYADH, "2026-11-29T08:00", True, id="sunday-works-there"),
        pytest.param(RIYADH, "2026-09-23T08:00", False, id="saudi-national-day"),
        pytest.param(DUBLIN, "2026-11-30T08:59", False, id="hand-over-the-minute-before-is-not-theirs"),
        pytest.param(DUBLIN, "2026-11-30T09:00", True, id="hand-over-the-first-minute-is-inclusive"),
        pytest.param(DUBLIN, "2026-11-30T17:59", True, id="hand-over-the-last-minute"),
        pytest.param(DUBLIN, "2026-11-30T18:00", False, id="hand-over-the-end-is-exclusive"),
        pytest.param(DUBLIN, "2026-03-27T17:30", True, id="dst-spring-the-friday-before-closes-at-18Z"),
        pytest.param(DUBLIN, "2026-03-30T08:30", True, id="dst-spring-the-monday-after-opens-at-08Z"),
        pytest.param(DUBLIN, "2026-03-30T17:30", False, id="dst-spring-the-monday-after-closes-at-17Z"),
        pytest.param(DUBLIN, "2026-10-23T17:30", False, id="dst-autumn-the-friday-before-closed-at-17Z"),
        pytest.param(DUBLIN, "2026-10-27T17:30", True, id="dst-autumn-the-tuesday-after-closes-at-18Z"),
    ],
)
def test_somebody_is_on_shift_exactly_when_the_desk_works(text: str, at: str, there: bool) -> None:
    assert bool(running(desk(text), CALENDARS, utc(at))) is there


@pytest.mark.parametrize(
    ("at", "people"),
    [
        pytest.param("2026-03-29T00:59", ["leo.legal"], id="spring-01:00-to-02:00-does-not-exist-before"),
        pytest.param("2026-03-29T04:59", ["leo.legal", "lin.legal"], id="spring-the-night-is-seven-hours"),
        pytest.param("2026-03-29T05:00", ["lena.legal", "lin.legal"], id="spring-hand-over-at-06:00-summer-time"),
        pytest.param("2026-10-25T05:59", ["leo.legal", "lin.legal"], id="autumn-the-night-is-nine-hours"),
        pytest.param("2026-10-25T06:00", ["lena.legal", "lin.legal"], id="autumn-hand-over-at-06:00-winter-time"),
        pytest.param("2026-11-30T06:45", ["lena.legal", "lin.legal", "leo.legal"], id="on-call-overlapping-in-order"),
        pytest.param("2026-11-30T07:00", ["lena.legal", "leo.legal"], id="on-call-the-first-has-ended"),
    ],
)
def test_people_hand_over_by_the_clock_on_the_wall_on_both_edges_of_summer_time(at: str, people: list[str]) -> None:
    assert [person for person, _ in asked(book(NIGHT), at)] == people


SKIPPED = """
desk: dublin
zone: Europe/Dublin
calendar: IE
weekend: [saturday, sunday]
hours: {from: "09:00", to: "18:00"}
shifts:
  early: {days: every_day, from: "00:00", to: "01:30", staff: {LEG: [leo.legal]}}
  late: {days: every_day, from: "01:30", to: "04:00", staff: {LEG: [lena.legal]}}
"""


@pytest.mark.parametrize(
    ("at", "person"),
    [
        pytest.param("2026-03-29T00:59", "leo.legal", id="spring-before-the-jump"),
        pytest.param("2026-03-29T01:00", "lena.legal", id="spring-01:30-never-comes-so-the-jump-hands-over"),
        pytest.param("2026-10-25T00:29", "leo.legal", id="autumn-before-the-first-01:30"),
        pytest.param("2026-10-25T00:30", "lena.legal", id="autumn-the-first-01:30-hands-over"),
        pytest.param("2026-10-25T01:15", "lena.legal", id="autumn-01:15-comes-again-and-hands-nothing-back"),
    ],
)
def test_a_hand_over_in_the_hour_that_is_skipped_or_comes_twice_happens_once(at: str, person: str) -> None:
    assert [one for one, _ in asked(book(SKIPPED), at)] == [person]


CALLED = (
    DUBLIN
    + """
on_call:
  awake: {days: every_day, from: "08:00", to: "20:00", staff: {LEG: [lena.legal]}}
"""
)
STANDING = (
    PERSONS
    + """
delegations:
  - {principal: leo.legal, delegate: lin.legal}
"""
    + LEVELS
)


@pytest.mark.parametrize(
    ("at", "chain"),
    [
        pytest.param(
            "2026-11-30T10:00",
            [("leo.legal", "on_shift", -1), ("lena.legal", "on_call", -1), ("ana.ic", "ladder", 0)],
            id="7.5-on-shift-then-on-call",
        ),
        pytest.param(
            "2026-11-30T19:00",
            [("lena.legal", "on_call", -1), ("lin.legal", "delegate", -1), ("ana.ic", "ladder", 0)],
            id="7.5-nobody-on-shift-on-call",
        ),
        pytest.param(
            "2026-11-30T21:00",
            [("lin.legal", "delegate", -1), ("ana.ic", "ladder", 0), ("sam.safety", "ladder", 0)],
            id="7.5-nobody-on-call-a-delegate",
        ),
    ],
)
def test_the_chain_goes_from_shift_to_call_to_delegate_to_ladder(at: str, chain: list[tuple[str, str, int]]) -> None:
    found = who(book(CALLED, people=STANDING), CALENDARS, "LEG", utc(at), domain=Domain.PSAFE)

    assert [(one.person, one.how.value, one.level) for one in found[: len(chain)]] == chain
    assert all(one.why for one in found)
    assert len({one.person for one in found}) == len(found)


def test_without_anybody_on_duty_or_standing_in_the_ladder_is_asked_level_by_level() -> None:
    found = who(book(DUBLIN), CALENDARS, "LEG", utc("2026-11-30T21:00"), domain=Domain.PSAFE)

    assert [(one.person, one.level) for one in found] == [
        ("ana.ic", 0),
        ("sam.safety", 0),
        ("lena.legal", 1),
        ("leo.legal", 2),
        ("emma.exec", 3),
    ]
    assert [one.why for one in found][2:] == [
        "L1 directors, 30 min after L0",
        "L2 heads, 60 min after L0",
        "L3 crisis team, 120 min after L0; off duty",
    ]


def test_a_conflicted_person_is_never_asked_nor_whoever_would_speak_for_them() -> None:
    of = book(CALLED, people=STANDING)

    found = who(of, CALENDARS, "LEG", utc("2026-11-30T21:00"), conflicted=("leo.legal",))

    assert not {"leo.legal", "lin.legal"} & {one.person for one in found}


def test_a_delegate_who_is_conflicted_is_passed_over_in_a_chain_of_two() -> None:
    people = STANDING.replace("delegations:", "delegations:\n  - {principal: lin.legal, delegate: lena.legal}").replace(
        "{name: N, roles: [LEG]}", "{name: N, roles: [LEG], absent: [{from: 2026-11-30, to: 2026-12-04}]}"
    )
    of = book(DUBLIN, people=people)
    at = utc("2026-11-30T21:00")

    free = [one.person for one in who(of, CALENDARS, "LEG", at) if one.how is How.DELEGATE]
    held = [one.person for one in who(of, CALENDARS, "LEG", at, conflicted=("lin.legal",)) if one.how is How.DELEGATE]

    assert free == ["lena.legal"]
    assert held == []


AWAY = STANDING.replace(
    "leo.legal: {name: L, roles: [LEG]}",
    "leo.legal: {name: L, roles: [LEG], desk: dublin, absent: [{from: 2026-11-30, to: 2026-12-01}]}",
)


@pytest.mark.parametrize(
    ("at", "first"),
    [
        pytest.param("2026-11-27T10:00", ("leo.legal", How.ON_SHIFT, ""), id="7.5-before-the-days-off"),
        pytest.param("2026-11-30T10:00", ("lin.legal", How.DELEGATE, "leo.legal"), id="7.5-the-first-day-off"),
        pytest.param("2026-12-01T17:59", ("lin.legal", How.DELEGATE, "leo.legal"), id="7.5-the-last-day-off-inclusive"),
        pytest.param("2026-12-02T10:00", ("leo.legal", How.ON_SHIFT, ""), id="7.5-back-again"),
    ],
)
def test_days_off_bring_in_the_delegate_by_themselves(at: str, first: tuple[str, How, str]) -> None:
    found = who(book(DUBLIN, people=AWAY), CALENDARS, "LEG", utc(at))

    assert (found[0].person, found[0].how, found[0].on_behalf_of) == first


def test_a_chain_of_delegates_ends_after_two_steps_and_never_comes_back_to_the_principal() -> None:
    off = ", absent: [{from: 2026-11-30, to: 2026-12-04}]}"
    people = (
        PERSONS.replace("[LEG]}", "[LEG]" + off).replace("{name: S, roles: [PSAF]}", "{name: S, roles: [PSAF, LEG]}")
        + """
delegations:
  - {principal: leo.legal, delegate: lena.legal}
  - {principal: lena.legal, delegate: lin.legal}
  - {principal: lena.legal, delegate: leo.legal}
  - {principal: lin.legal, delegate: sam.safety}
"""
    )
    found = who(book(DUBLIN, people=people), CALENDARS, "LEG", utc("2026-11-30T10:00"))
    behalf = [(one.person, one.on_behalf_of) for one in found]

    assert ("sam.safety", "leo.legal") not in behalf  # three steps away
    assert ("sam.safety", "lena.legal") in behalf


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        pytest.param("roles: [LEG]", True, id="role"),
        pytest.param("roles: [IC]", False, id="other-role"),
        pytest.param("domains: [PSAFE]", True, id="domain"),
        pytest.param("domains: [TVEC]", False, id="other-domain"),
        pytest.param("jurisdictions: [EU]", True, id="legal-order-of-the-country"),
        pytest.param("jurisdictions: [US]", False, id="other-jurisdiction"),
        pytest.param("from: 2026-11-30, to: 2026-11-30", True, id="dates-inclusive"),
        pytest.param("from: 2026-12-01", False, id="not-yet"),
        pytest.param("to: 2026-11-29", False, id="no-more"),
    ],
)
def test_a_delegation_holds_within_its_scope_only(scope: str, applies: bool) -> None:
    people = STANDING.replace("delegate: lin.legal}", f"delegate: lin.legal, {scope}}}")
    found = who(
        book(DUBLIN, people=people),
        CALENDARS,
        "LEG",
        utc("2026-11-30T21:00"),
        domain=Domain.PSAFE,
        jurisdictions=("DE",),
    )

    assert (found[0].person == "lin.legal") is applies


TURNS = """
desk: dublin
zone: Europe/Dublin
calendar: IE
weekend: [saturday, sunday]
hours: {from: "09:00", to: "18:00"}
on_call:
  week:
    days: every_day
    from: "20:00"
    to: "08:00"
    turns: {every: week, since: 2026-01-05}
    staff: {LEG: [leo.legal, lena.legal, lin.legal]}
"""


@pytest.mark.parametrize(
    ("at", "person"),
    [
        pytest.param("2026-01-05T21:00", "leo.legal", id="the-first-week"),
        pytest.param("2026-01-12T07:59", "leo.legal", id="a-night-belongs-to-the-day-it-begins-on"),
        pytest.param("2026-01-12T20:00", "lena.legal", id="the-second-week"),
        pytest.param("2026-01-19T20:00", "lin.legal", id="the-third"),
        pytest.param("2026-01-26T20:00", "leo.legal", id="round-again"),
        pytest.param("2026-01-01T20:00", "lin.legal", id="before-the-first-day-too"),
    ],
)
def test_people_take_turns_from_the_day_named_on(at: str, person: str) -> None:
    assert asked(book(TURNS), at) == [(person, "on_call")]


@pytest.mark.parametrize(
    ("jurisdictions", "order"),
    [
        pytest.param(("DE",), ["dublin", "seattle", "singapore"], id="7.7-a-member-state-asks-dublin-first"),
        pytest.param(("US",), ["seattle", "singapore", "dublin"], id="7.7-then-as-the-sun-goes"),
        pytest.param(("IN",), ["singapore", "dublin", "seattle"], id="7.7-india-begins-in-singapore"),
        pytest.param(("IN", "FR"), ["dublin", "singapore", "seattle"], id="7.7-two-homes-come-first"),
        pytest.param((), ["dublin", "seattle", "singapore"], id="nowhere-known"),
        pytest.param(("UK",), ["dublin", "seattle", "singapore"], id="another-way-to-write-it"),
    ],
)
def test_desks_are_asked_at_home_first_and_then_follow_the_sun(
    jurisdictions: tuple[str, ...], order: list[str]
) -> None:
    of = shipped()

    assert [one.key for one in desks(of.roster, places(of, jurisdictions))] == order


def test_a_desk_that_does_not_serve_a_place_is_not_asked() -> None:
    of = book(DUBLIN, RIYADH.replace("home: [IN]", "home: [IN]\nserves: [IN]"))

    assert asked(of, "2026-11-30T10:00", jurisdictions=("DE",)) == [("leo.legal", "on_shift")]
    assert asked(of, "2026-11-30T10:00", jurisdictions=("IN",)) == [
        ("lin.legal", "on_shift"),
        ("leo.legal", "on_shift"),
    ]


def test_a_duty_for_some_domains_is_asked_in_those_only() -> None:
    of = book(CALLED.replace('to: "20:00", staff', 'to: "20:00", domains: [TVEC], staff'))

    assert asked(of, "2026-11-30T19:00", domain=Domain.TVEC) == [("lena.legal", "on_call")]
    assert asked(of, "2026-11-30T19:00", domain=Domain.PSAFE) == []


def test_a_roster_of_before_keeps_no_hours_and_asks_everybody() -> None:
    of = book(people=PERSONS)

    found = who(of, CALENDARS, "LEG", utc("2026-12-25T03:00"))

    assert [one.person for one in found] == ["leo.legal", "lena.legal", "lin.legal"]
    assert {one.why for one in found} == {"this roster keeps no hours"}


def test_a_year_whose_holidays_are_not_known_is_said() -> None:
    of = book(DUBLIN.replace("calendar: IE", "calendar: IN"))

    with pytest.raises(CalendarGap, match="2060"):
        who(of, CALENDARS, "LEG", utc("2060-05-07T08:00"))


def test_the_same_question_has_the_same_answer() -> None:
    at = utc("2026-12-25T02:00")

    assert who(shipped(), CALENDARS, "LEG", at) == who(shipped(), CALENDARS, "LEG", at)


@pytest.mark.parametrize("role", ["IC", "LEG"])
def test_the_shipped_roster_has_a_commander_and_a_lawyer_awake_at_every_hour_of_christmas_week(role: str) -> None:
    first = utc("2026-12-21T00:00")

    for hour in range(14 * 24):
        chain = who(shipped(), CALENDARS, role, first + timedelta(hours=hour), jurisdictions=("DE",))
        assert chain[0].how in (How.ON_SHIFT, How.ON_CALL), hour


def written(at: str, days: int = 30) -> OnDuty:
    return OnDuty(at=utc(at), hours=hours(desk(DUBLIN), CALENDARS, utc(at), days))


@pytest.mark.parametrize(
    ("start", "span", "ends"),
    [
        pytest.param("2026-11-30T10:00", timedelta(hours=1), "2026-11-30T11:00", id="2.3-P2-ack-in-hours"),
        pytest.param("2026-11-30T17:30", timedelta(hours=1), "2026-12-01T09:30", id="2.3-over-the-night"),
        pytest.param("2026-12-04T17:00", timedelta(hours=8), "2026-12-07T16:00", id="2.3-P2-decide-over-a-weekend"),
        pytest.param("2026-12-05T12:00", timedelta(hours=1), "2026-12-07T10:00", id="2.3-begins-on-a-saturday"),
        pytest.param("2026-12-24T17:00", timedelta(hours=4), "2026-12-28T12:00", id="2.3-over-christmas"),
        pytest.param("2026-11-30T10:00", timedelta(days=2), "2026-12-02T10:00", id="2.3-two-business-days"),
        pytest.param("2026-12-04T10:00", timedelta(days=1), "2026-12-07T10:00", id="2.3-a-business-day-over-a-weekend"),
        pytest.param("2026-11-30T09:00", timedelta(days=1), "2026-11-30T18:00", id="a-whole-day-ends-at-closing"),
        pytest.param(
            "2026-10-23T16:00", timedelta(hours=2), "2026-10-27T10:00", id="over-the-change-and-a-bank-holiday"
        ),
    ],
)
def test_business_time_counts_the_hours_of_the_desk(start: str, span: timedelta, ends: str) -> None:
    assert due(written(start), utc(start), span) == utc(ends)


def test_business_time_may_begin_long_after_it_was_written_down() -> None:
    known = written("2026-11-30T10:00")

    assert due(known, utc("2026-12-11T17:00"), timedelta(hours=2)) == utc("2026-12-14T10:00")


def test_beyond_what_was_written_down_time_is_elapsed_and_never_later() -> None:
    known = written("2026-11-30T10:00", days=1)
    longer = written("2026-11-30T10:00", days=60)

    ends = due(known, utc("2026-11-30T10:00"), timedelta(days=10))

    assert ends == utc("2026-12-09T19:00")  # 17 h on two days, then eight days and an hour
    assert ends <= due(longer, utc("2026-11-30T10:00"), timedelta(days=10))


def test_without_hours_written_down_time_is_elapsed() -> None:
    at = utc("2026-12-05T12:00")

    assert due(None, at, timedelta(hours=8)) == at + timedelta(hours=8)
    assert due(OnDuty(at=at), at, timedelta(days=1)) == at + timedelta(days=1)


def test_a_name_of_a_chain_says_where_and_until_when() -> None:
    found = who(shipped(), CALENDARS, "LEG", utc("2026-12-25T09:00"), jurisdictions=("DE",))

    assert found[0] == Asked(
        person="leo.legal",
        role="LEG",
        how=How.ON_CALL,
        why="on call at dublin",
        until=datetime.fromisoformat("2026-12-25T20:00Z"),
    )


def test_turns_are_those_of_the_day_and_not_of_the_hour() -> None:
    duty = desk(TURNS).duties[0]

    assert duty.holders("LEG", date(2026, 1, 11)) == ("leo.legal",)
    assert duty.holders("LEG", date(2026, 1, 12)) == ("lena.legal",)
    assert replace(duty, turn=0).holders("LEG", date(2026, 1, 12)) == ("leo.legal", "lena.legal", "lin.legal")
    assert duty.holders("IC", date(2026, 1, 12)) == ()
