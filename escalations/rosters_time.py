"""When is a target in business time due? Only the minutes count at which the desk that owns the case is open.

Hours of a desk are written down once, as UTC, when policy answers; nothing here looks at a clock or at a zone.
"""

from datetime import date, datetime, timedelta

from escalations import rosters_duty
from escalations.calendars import is_working_day
from escalations.readings import Calendars
from escalations.rosters import Desk, OnDuty
from escalations.rosters_duty import ONE_DAY

A_MINUTE = timedelta(minutes=1)


def hours(desk: Desk, calendars: Calendars, at: datetime, days: int) -> tuple[int, ...]:
    """Write down when a desk opens and closes, in minutes after an instant, over so many days.

    The first opening may lie before it (a negative number) when the desk is open.
    """
    first = rosters_duty.local_day(desk, at) - ONE_DAY
    last = first + timedelta(days=days)
    working = rosters_duty.calendar(desk, calendars, first, last)
    found: list[int] = []
    day: date = first
    while day <= last:
        if is_working_day(working, day):
            opens, closes = (rosters_duty.instant(desk, day, minutes) for minutes in (desk.opens, desk.closes))
            if closes > at:
                found += [(opens - at) // A_MINUTE, (closes - at) // A_MINUTE]
        day += ONE_DAY
    return tuple(found)


def due(known: OnDuty | None, start: datetime, span: timedelta) -> datetime:
    """Count a span in business time: a day is as long as the desk is open on one, what is left is minutes of the desk.

    It ends with the last minute that counts, so a business day that begins at the opening ends at the closing. What
    lies beyond the hours that were written down is counted as elapsed time, a day as a day, which is never later.
    """
    if known is None or not known.hours:
        return start + span
    pairs = list(zip(known.hours[::2], known.hours[1::2], strict=True))
    a_day = (pairs[0][1] - pairs[0][0]) * A_MINUTE
    left = span.days * a_day + timedelta(seconds=span.seconds)
    for opens, closes in pairs:
        begins, ends = max(known.at + opens * A_MINUTE, start), known.at + closes * A_MINUTE
        if begins < ends:
            if left <= ends - begins:
                return begins + left
            left -= ends - begins
            start = ends
    whole, rest = divmod(left, a_day)
    return start + timedelta(days=whole) + rest
