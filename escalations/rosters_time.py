"""When is a target in business time due? Only the minutes count at which the desk that owns the case is open.

Hours of a desk are written down once, as UTC, when policy answers; nothing here looks at a clock or at a zone.
"""

from datetime import datetime, timedelta
from itertools import accumulate

from escalations.rosters import OnDuty

A_MINUTE = timedelta(minutes=1)


def due(known: OnDuty | None, start: datetime, span: timedelta) -> datetime:
    """Count a span in business time: a day is as long as the desk is open on one, what is left is minutes of the desk.

    It ends with the last minute that counts, so a business day that begins at the opening ends at the closing. What
    lies beyond the hours that were written down is counted as elapsed time, a day as a day, which is never later.
    """
    if known is None or not known.hours:
        return start + span
    marks = list(accumulate(known.hours))
    pairs = list(zip(marks[::2], marks[1::2], strict=True))
    a_day = known.hours[1] * A_MINUTE
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
