"""How does coverage look? A strip for each role, one sign for each hour; what no sign covers is a gap."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.text import Text

from starter.people import showing

if TYPE_CHECKING:
    from escalations.readings import Calendars
    from escalations.rulebook import Roster, Rulebook

ON_SHIFT, ON_CALL, PARTLY, NOBODY = "#", "+", "~", "."
STYLES = {ON_SHIFT: "green", ON_CALL: "cyan", PARTLY: "yellow", NOBODY: "bold red"}
AN_HOUR = timedelta(hours=1)
A_QUARTER = timedelta(minutes=15)
LEGEND = (
    f"{ON_SHIFT} on shift  {ON_CALL} on call  {PARTLY} part of the hour  {NOBODY} nobody: delegates and the ladder"
    " (times for some domains only are left out)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One day of one role, from midnight UTC: a sign an hour, and the hours at which nobody is there (0 to 23)."""

    role: str
    begins: datetime
    signs: str
    gaps: tuple[int, ...]


def strips(
    book: "Rulebook", calendars: "Calendars", roles: list[str], places: tuple[str, ...], at: datetime, days: int
) -> list[Strip]:
    """Find who is on duty in every quarter of every hour, from midnight UTC of a day on. Raises CalendarGap."""
    from escalations import rosters_chain, rosters_duty

    first = at.replace(hour=0, minute=0, second=0, microsecond=0)
    serving = rosters_chain.desks(book.roster, rosters_chain.places(book, places))
    found: dict[tuple[int, str], list[str]] = {}
    for day in range(days):
        for quarter in range(96):
            moment = first + timedelta(days=day) + quarter * A_QUARTER
            running = [one for desk in serving for one in rosters_duty.running(desk, calendars, moment)]
            for role in roles:
                doing = [one for one in running if not one.duty.domains and one.duty.holders(role, one.day)]
                sign = NOBODY if not doing else ON_CALL if all(one.duty.on_call for one in doing) else ON_SHIFT
                found.setdefault((day, role), []).append(sign)
    return [_strip(role, first + timedelta(days=day), found[day, role]) for day in range(days) for role in roles]


def _strip(role: str, begins: datetime, quarters: list[str]) -> Strip:
    hours = [quarters[at : at + 4] for at in range(0, 96, 4)]
    signs = "".join(_sign(hour) for hour in hours)
    return Strip(role=role, begins=begins, signs=signs, gaps=tuple(at for at in range(24) if NOBODY in hours[at]))


def _sign(hour: list[str]) -> str:
    if NOBODY in hour:
        return NOBODY if set(hour) == {NOBODY} else PARTLY
    return ON_SHIFT if ON_SHIFT in hour else ON_CALL


def draw(roster: "Roster", drawn: list[Strip]) -> None:
    """Draw the strips under a ruler of hours, each day with the local times of the desks."""
    showing.lines(LEGEND)
    width = max((len(one.role) for one in drawn), default=4)
    day = None
    for one in drawn:
        if one.begins != day:
            day = one.begins
            showing.lines("", showing.title(f"{day:%a %d %b %Y} UTC"), *_locally(roster, day, width))
            showing.lines(f"{'UTC':{width}}  {_ruler(0)}")
        line = Text(f"{one.role:{width}}  ")
        for sign in one.signs:
            line.append(sign, style=STYLES[sign])
        line.append(_told(one))
        showing.lines(line)


def _locally(roster: "Roster", day: datetime, width: int) -> list[str]:
    found = []
    for desk in roster.desks:
        local = day.astimezone(ZoneInfo(desk.zone))
        found.append(f"{desk.key:{max(width, 10)}} is at {local:%H:%M on %a} when the day begins")
    return found


def _ruler(first: int) -> str:
    return "".join(f"{hour:<3}" for hour in range(first, first + 24, 3))


def _told(one: Strip) -> str:
    """Name the hours without anybody, as ranges."""
    if not one.gaps:
        return ""
    ranges: list[list[int]] = []
    for hour in one.gaps:
        if ranges and hour == ranges[-1][1]:
            ranges[-1][1] = hour + 1
        else:
            ranges.append([hour, hour + 1])
    return "  gap " + ", ".join(f"{begins:02}-{ends:02}Z" for begins, ends in ranges)
