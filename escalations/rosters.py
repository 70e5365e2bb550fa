"""Who works when? The frozen form of the files under `rulebook/rosters/`, and the places of a chain of people.

Hours are kept as local wall-clock time, because a desk moves with its zone: 09:00 in Dublin is another instant in July.
A duty begins at its first minute, inclusive, and ends at its last one, exclusive.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from escalations.calendars import MONDAY_TO_SUNDAY, MONTHS

A_DAY = 24 * 60  # minutes


class Days(StrEnum):
    """On which days of its desk's calendar a duty begins."""

    WORKING = "working_days"
    OFF = "days_off"
    EVERY = "every_day"


class How(StrEnum):
    """Why somebody stands in a chain of people to ask, in the order in which they are asked."""

    ON_SHIFT = "on_shift"
    ON_CALL = "on_call"
    DELEGATE = "delegate"
    LADDER = "ladder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A shift, or a time on call, that comes back.

    `begins` and `ends` are minutes after local midnight of the day it begins on: `ends` is more, up to a day more, so
    a night shift ends after 1440. `weekdays` (Monday is 0) and `domains` narrow it down; empty means all. With `turn`
    the people of a role take turns of so many days, the first of them from the day `since` on; 0: all of them are
    there.
    """

    key: str
    on_call: bool
    days: Days
    begins: int
    ends: int
    staff: tuple[tuple[str, tuple[str, ...]], ...]
    weekdays: tuple[int, ...] = ()
    domains: tuple[str, ...] = ()
    turn: int = 0
    since: date | None = None

    def holders(self, role: str, day: date) -> tuple[str, ...]:
        """List who does this duty for a role when it begins on a day: everybody named, or whose turn it is."""
        named = next((persons for post, persons in self.staff if post == role), ())
        if not named or not self.turn or self.since is None:
            return named
        return (named[(day - self.since).days // self.turn % len(named)],)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A place where people work. `opens` and `closes` (minutes after midnight) are its hours on working days.

    `weekend` holds weekday numbers; `calendar` names its public holidays. `home` are the jurisdictions that ask it
    first, `serves` all that it may decide for, empty for every one. `next` takes over when it closes.
    """

    key: str
    zone: str
    calendar: str
    weekend: tuple[int, ...]
    opens: int
    closes: int
    duties: tuple[Duty, ...]
    home: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    next: str = ""

    def __hash__(self) -> int:
        return hash(self.key)  # what is kept by desk is looked up far faster than all that a desk holds is hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Days off of one person, both inclusive, in the zone of the person's desk."""

    begins: date
    ends: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A standing rule who speaks for whom. Empty scopes mean all; days are inclusive, in the principal's zone."""

    principal: str
    delegate: str
    roles: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    begins: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the escalation ladder, L0 first: roles or persons, and when the next level is asked.

    `@owner` stands for the role that leads the domain. `after` is None at the top.
    """

    title: str
    asks: tuple[str, ...]
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One person of a chain, and why they stand there.

    `until` is when a duty ends; `level` is the level of the ladder, -1 below it; `on_behalf_of` whom a delegate speaks
    for.
    """

    person: str
    role: str
    how: How
    why: str
    until: datetime | None = None
    level: int = -1
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """Whom to ask at an instant, pinned in an answer of policy.

    `ask` pairs a person with the reason in words, first one first. `places` are the jurisdictions it was asked for.
    `desk` owns the case; `hours` are minutes, in turn closed and open, as far as they were written down (business time
    is counted in them): the first is from `at` to an opening, negative when the desk is open. `asked` is the digest of
    the request, for replay. All of it is kept short, because history has no bytes to spare.
    """

    at: datetime
    places: tuple[str, ...] = ()
    ask: tuple[tuple[str, str], ...] = ()
    desk: str = ""
    hours: tuple[int, ...] = ()
    asked: str = ""


def in_words(one: Asked) -> str:
    """Say why somebody is asked, and until when: `on call at dublin until Fri 25 Dec 20:00Z`."""
    if one.until is None:
        return one.why
    day = f"{MONDAY_TO_SUNDAY[one.until.weekday()]} {one.until.day:02} {MONTHS[one.until.month]}"
    return f"{one.why} until {day} {one.until.hour:02}:{one.until.minute:02}Z"
