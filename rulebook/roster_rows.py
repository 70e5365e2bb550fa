"""Which shape has a file of people or of a desk, and what does it become?"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from escalations.rosters import A_DAY, Absence, Days, Delegation, Desk, Duty, Level
from escalations.rulebook import Person, Roster
from rulebook.building import WEEKDAYS
from rulebook.schema import OneOf, PersonId, Role, Span, Text, Weekday

CLOCK = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")
MIDNIGHT = "24:00"
TURNS = {"day": 1, "week": 7}


def minutes(value: Any) -> int:
    """Read a time of day as minutes after midnight. Raises ValueError."""
    if value == MIDNIGHT:
        return A_DAY
    found = CLOCK.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write a time in quotes, such as "18:00"; "24:00" is the end of the day')
    return int(found[1]) * 60 + int(found[2])


Time = Annotated[int, BeforeValidator(minutes)]
Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
DeskKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
DomainCode = Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]


class Shape(BaseModel):
    """The common strictness of every row."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AbsenceRow(Shape):
    """Days off, both inclusive."""

    from_: date = Field(alias="from")
    to: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to < self.from_:
            raise ValueError("ends before it begins; correct the days")
        return self


class PersonRow(Shape):
    """Somebody."""

    name: Text
    roles: Annotated[list[Role], Field(min_length=1)]
    desk: DeskKey | Literal[""] = ""
    absent: list[AbsenceRow] = []


class DelegationRow(Shape):
    """Who speaks for whom, and in what."""

    principal: PersonId
    delegate: PersonId
    roles: list[Role] = []
    domains: list[DomainCode] = []
    jurisdictions: list[Code] = []
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError("ends before it begins; correct the days")
        return self


class LevelRow(Shape):
    """One level of the ladder."""

    title: Text
    asks: Annotated[list[Text], Field(min_length=1)]
    after: Span | None = None


class PersonsFile(Shape):
    """rosters/persons.yaml."""

    persons: Annotated[dict[PersonId, PersonRow], Field(min_length=1)]
    delegations: list[DelegationRow] = []
    levels: list[LevelRow] = []


class HoursRow(Shape):
    """From and to, by the clock on the wall; a time to that is not later is on the next day."""

    from_: Time = Field(alias="from")
    to: Time

    @model_validator(mode="after")
    def _longer_than_nothing(self) -> Self:
        if self.from_ == self.to:
            raise ValueError('ends when it begins; write another time, or "00:00" to "24:00" for a whole day')
        if self.from_ == A_DAY:
            raise ValueError('no day begins at "24:00"; write "00:00"')
        return self

    @property
    def ends(self) -> int:
        """Say when it ends, in minutes after midnight of the day it begins on."""
        return self.to if self.to > self.from_ else self.to + A_DAY


class TurnRow(Shape):
    """How long a turn is, and the day of the first person's first turn."""

    every: Literal["day", "week"]
    since: date


class DutyRow(HoursRow):
    """A shift, or a time on call."""

    days: Annotated[Days, OneOf]
    weekdays: list[Weekday] = []
    domains: list[DomainCode] = []
    staff: Annotated[dict[Role, Annotated[list[PersonId], Field(min_length=1)]], Field(min_length=1)]
    turns: TurnRow | None = None


class DeskFile(Shape):
    """rosters/<desk>.yaml."""

    desk: DeskKey
    zone: Text
    calendar: Text
    weekend: Annotated[list[Weekday], Field(max_length=6)]
    hours: HoursRow
    home: list[Code] = []
    serves: list[Code] = []
    next: DeskKey | Literal[""] = ""
    shifts: dict[DeskKey, DutyRow] = {}
    on_call: dict[DeskKey, DutyRow] = {}

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.shifts or self.on_call):
            raise ValueError("nobody works at this desk; add `shifts` or `on_call`")
        return self


def roster(people: PersonsFile, desks: Mapping[str, DeskFile]) -> Roster:
    """Build the roster; `desks` by the name of their file."""
    return Roster(
        persons=tuple(
            Person(
                id=id_,
                name=one.name,
                roles=tuple(one.roles),
                desk=one.desk,
                absent=tuple(Absence(begins=off.from_, ends=off.to) for off in one.absent),
            )
            for id_, one in people.persons.items()
        ),
        desks=tuple(_one_for_all(_desk(one)) for _, one in sorted(desks.items())),
        delegations=tuple(
            Delegation(
                principal=one.principal,
                delegate=one.delegate,
                roles=tuple(one.roles),
                domains=tuple(one.domains),
                jurisdictions=tuple(one.jurisdictions),
                begins=one.from_,
                ends=one.to,
            )
            for one in people.delegations
        ),
        levels=tuple(Level(title=one.title, asks=tuple(one.asks), after=one.after) for one in people.levels),
    )


def _desk(row: DeskFile) -> Desk:
    return Desk(
        key=row.desk,
        zone=row.zone,
        calendar=row.calendar,
        weekend=tuple(sorted(WEEKDAYS.index(day) for day in row.weekend)),
        opens=row.hours.from_,
        closes=row.hours.ends,
        duties=(
            *(_duty(key, one, on_call=False) for key, one in row.shifts.items()),
            *(_duty(key, one, on_call=True) for key, one in row.on_call.items()),
        ),
        home=tuple(row.home),
        serves=tuple(row.serves),
        next=row.next,
    )


@lru_cache(maxsize=64)
def _one_for_all(desk: Desk) -> Desk:
    """Let rulebooks share the desks that are the same in them: what is kept by desk is then known for all of them."""
    return desk


def _duty(key: str, row: DutyRow, *, on_call: bool) -> Duty:
    return Duty(
        key=key,
        on_call=on_call,
        days=row.days,
        begins=row.from_,
        ends=row.ends,
        staff=tuple((role, tuple(persons)) for role, persons in row.staff.items()),
        weekdays=tuple(sorted(WEEKDAYS.index(day) for day in row.weekdays)),
        domains=tuple(row.domains),
        turn=TURNS[row.turns.every] if row.turns else 0,
        since=row.turns.since if row.turns else None,
    )
