"""What does a rule with a deadline say? The frozen form of a row under `rulebook/clocks/`."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from escalations.clocks import Force
from escalations.conditions import Condition
from escalations.model import Milestone

ANYWHERE = "any"
ORDER_COUNTRY = "order_country"
ESTABLISHMENT = "establishment"
REPORT_COUNTRIES = "report_countries"
PLACES = (ESTABLISHMENT, ORDER_COUNTRY, REPORT_COUNTRIES)


class Unit(StrEnum):
    """How a period is counted.

    `business_day` is what US law calls a working day; `as_ordered`: the order itself names the date; `qualitative`: the
    law has no number; `standing`: a duty at all times, which is listed and never starts a clock.
    """

    HOUR = "hour"
    CALENDAR_DAY = "calendar_day"
    WORKING_DAY = "working_day"
    BUSINESS_DAY = "business_day"
    MONTH = "month"
    AS_ORDERED = "as_ordered"
    QUALITATIVE = "qualitative"
    STANDING = "standing"


class Start(StrEnum):
    """The event that starts a rule. `receipt` starts once per report, the others once per case.

    `awareness` is the earliest of any report, `own_awareness` the earliest of a report that concerns the rule's own
    jurisdiction, `knowledge` that too, but no sooner than it was learned what the rule asks for; `decision` and
    `containment` start after the act; `event` starts once per dated event of the rule's kind that was told
    (`facts.EVENTS`).
    """

    INTAKE = "intake"
    RECEIPT = "receipt"
    AWARENESS = "awareness"
    OWN_AWARENESS = "own_awareness"
    KNOWLEDGE = "knowledge"
    DECISION = "decision"
    CONTAINMENT = "containment"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """One defensible way to count: where days begin and end, which days work, what happens at the end.

    `zone` and `calendar` may be one of `PLACES`; `report_countries` are those that the report names, each counted.
    `weekend` is empty for the calendar's own. `number` and `working_days` are another number that is defended, and
    whether only working days are counted after all; 0 and False leave the rule's own.
    """

    zone: str
    calendar: str
    weekend: tuple[int, ...] = ()
    roll_forward: bool = False
    min_working_days: int = 0
    number: int = 0
    working_days: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRule:
    """A versioned duty with a period. Changed law is a new row with its own dates, never an edit.

    `effective_from` and `effective_to` are inclusive; a rule without `effective_from` is enacted and not in force yet.
    `most` makes a window of the period: done before `number` is too early, after `most` too late. `also_required` names
    clocks that run beside this one, `unsettled` what about the rule is not settled. `internal_target` is the house's
    own target, set where the law has no number.
    `working_time_only`: hours stand still on days off. `restarts`: a suspended clock starts afresh.
    """

    id: str
    version: int
    effective_from: date | None
    effective_to: date | None
    jurisdiction: str
    instrument: str
    duty: str
    meets: Milestone
    owner: str
    recipient: str
    applies_if: Condition
    starts_at: Start
    number: int
    unit: Unit
    counting: tuple[Counting, ...]
    exclude_day_zero: bool
    working_time_only: bool
    internal_target: timedelta | None
    margin: timedelta
    suspends_on: tuple[str, ...]
    restarts: bool
    force: Force
    confidence: str
    source: str
    checked: date
    note: str = ""
    event: str = ""
    most: int = 0
    also_required: tuple[str, ...] = ()
    unsettled: str = ""

    def in_force(self, day: date) -> bool:
        """Ask whether the rule was in force on a day."""
        return (
            self.effective_from is not None
            and self.effective_from <= day
            and (self.effective_to is None or day <= self.effective_to)
        )
