"""When is a duty, found in another way? Minute by minute, by the clock on the wall; slow, and test code only.

A duty begins at the first minute at which the wall of its desk shows its beginning or later, and ends at the first at
which it shows its end or later. Nothing is turned from local time into UTC here.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from escalations.calendars import Calendar
from escalations.rosters import Days, Desk, Duty

A_MINUTE = timedelta(minutes=1)


class Wall:
    """What the clock on a desk's wall shows at each minute of a stretch of days, as minutes since the first day."""

    def __init__(self, zone: str, first: datetime, days: int) -> None:
        local = ZoneInfo(zone)
        self.first = first
        walls = [(first + minute * A_MINUTE).astimezone(local) for minute in range(days * 1440)]
        shown = [one.toordinal() * 1440 + one.hour * 60 + one.minute for one in walls]
        self.highest = list(accumulate(shown, max))
        self.days = sorted({one // 1440 for one in shown})

    def first_at(self, day: date, minutes: int) -> int:
        """Find the first minute at which the wall shows a time or a later one."""
        return bisect_left(self.highest, day.toordinal() * 1440 + minutes)


def begins_on(duty: Duty, calendar: Calendar, day: date) -> bool:
    off = day.weekday() in calendar.weekend or day in {holiday for holiday, _ in calendar.holidays}
    right = {Days.EVERY: True, Days.WORKING: not off, Days.OFF: off}[duty.days]
    return right and (not duty.weekdays or day.weekday() in duty.weekdays)


def minutes_of(desk: Desk, duty: Duty, calendar: Calendar, wall: Wall) -> dict[int, date]:
    """List the minutes at which a duty is done, with the local day that it began on."""
    found: dict[int, date] = {}
    days = [date.fromordinal(day) for day in wall.days]
    for day in [days[0] - timedelta(days=1), *days]:
        if begins_on(duty, calendar, day):
            for minute in range(wall.first_at(day, duty.begins), wall.first_at(day, duty.ends)):
                found[minute] = day
    return found


def holder(duty: Duty, role: str, day: date) -> tuple[str, ...]:
    """Say who does it, counting the turns one by one."""
    named = dict(duty.staff).get(role, ())
    if not duty.turn or not named or duty.since is None:
        return named
    turn, at = 0, duty.since
    while at + timedelta(days=duty.turn) <= day:
        at, turn = at + timedelta(days=duty.turn), turn + 1
    while at > day:
        at, turn = at - timedelta(days=duty.turn), turn - 1
    return (named[turn % len(named)],)


def minute(wall: Wall, at: datetime) -> int:
    return (at.astimezone(UTC) - wall.first) // A_MINUTE
