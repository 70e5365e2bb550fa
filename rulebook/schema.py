"""Which shapes may a rule file have? Strict models at the rim: nothing extra, nothing guessed."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationInfo, model_validator

from escalations.clocks import Force
from escalations.conditions import ALWAYS, Condition
from escalations.model import Milestone
from escalations.rules import Start, Unit
from rulebook import expressions

DURATION = re.compile(r"^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$")


def duration(value: Any) -> timedelta:
    """Read an ISO 8601 duration of days, hours, minutes, seconds; longer than nothing. Raises ValueError."""
    found = DURATION.match(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise ValueError("write a duration such as PT30M, PT6H or P7D")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not span:
        raise ValueError("a duration is longer than nothing; write PT1M or more")
    return span


def words(value: Any) -> Any:
    """Let a single text stand for a list of one."""
    return [value] if isinstance(value, str) else value


def expression(value: Any, info: ValidationInfo) -> Condition:
    """Compile a CEL cell; the loader hands the names of the rulebook's own terms along. Raises ValueError."""
    return expressions.condition(value, (info.context or {}).get("terms", ()))


Cell = Annotated[Condition, PlainValidator(expression)]
Span = Annotated[timedelta, BeforeValidator(duration)]
Text = Annotated[str, Field(min_length=1, max_length=600)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}$")]
Role = Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]
Level = Annotated[int, Field(ge=0, le=4)]
Band = Annotated[int, Field(ge=0, le=3)]
Points = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,2})?$")]
PersonId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*\.[a-z][a-z0-9]*$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
OneOf = Field(strict=False)


class Rim(BaseModel):
    """The common strictness of every file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Effective(Rim):
    """From and to, inclusive; `to: null` has no end."""

    from_: date | None = Field(alias="from")
    to: date | None


class Period(Rim):
    """How long; a qualitative duty and an order's own date have no number."""

    unit: Annotated[Unit, OneOf]
    n: Annotated[int, Field(ge=0, le=9999)] = 0
    most: Annotated[int, Field(ge=0, le=9999)] = 0


class ReadingRow(Rim):
    """One way to count."""

    zone: Text
    calendar: Text
    weekend: Annotated[list[Weekday], BeforeValidator(words)] = []
    roll_forward: bool = False
    min_working_days: Annotated[int, Field(ge=0, le=9)] = 0
    n: Annotated[int, Field(ge=1, le=9999)] | None = None
    working_days: bool = False


class CountingRow(Rim):
    """Whether the day of the event counts, and every defensible way to count."""

    exclude_day_zero: bool
    readings: Annotated[list[ReadingRow], Field(min_length=1)]


class ClockRow(Rim):
    """A rule with a deadline."""

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9-]{2,39}$")]
    version: Annotated[int, Field(ge=1)]
    effective: Effective
    jurisdiction: Annotated[str, Field(pattern=r"^([A-Z]{2}|any)$")]
    instrument: Text
    duty: Text
    meets: Annotated[Milestone, OneOf]
    owner: Role
    recipient: Text
    applies_if: Cell = ALWAYS
    starts_at: Annotated[Start, OneOf]
    period: Period
    event: str = ""
    also_required: list[Name] = []
    unsettled: str = ""
    internal_target: Span | None = None
    counting: CountingRow | None = None
    running_on: Literal["all_days", "working_days_only"] = "all_days"
    suspends_on: list[Name] = []
    on_release: Literal["continue", "restart"] = "continue"
    margin: Span | None = None
    force: Annotated[Force, OneOf] = Force.LAW
    confidence: Literal["H", "M", "L"]
    source: Text
    checked: date
    note: str = ""

    @model_validator(mode="after")
    def margin_kept(self) -> "ClockRow":
        """A clock is warned of before it is due; a duty at all times has no due time and no margin."""
        standing = self.period.unit is Unit.STANDING
        if standing is not (self.margin is None):
            raise ValueError("a standing duty has no margin, every other rule needs one such as PT6H")
        return self


class ClockFile(Rim):
    """One file of clocks."""

    rules: Annotated[list[ClockRow], Field(min_length=1)]


class CountryRow(Rim):
    """A market."""

    zone: Text
    calendar: Text
    legal_order: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class PlatformRow(Rim):
    """The company."""

    name: Text
    establishment: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    roles: Annotated[list[Name], Field(min_length=1)]
    contact: Text
    redress: Text
    size: Literal["micro", "small", "medium", "large"] = "large"


class TermRow(Rim):
    """A name for a condition."""

    means: Text
    source: Text


class TermFile(Rim):
    """terms.yaml."""

    terms: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,39}$")], TermRow]


class BookFile(Rim):
    """rulebook.yaml."""

    edition: Annotated[str, Field(pattern=r"^20\d\d\.(0[1-9]|1[0-2])$")]
    short_timeboxes: bool
    platform: PlatformRow
    countries: Annotated[dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], CountryRow], Field(min_length=1)]
