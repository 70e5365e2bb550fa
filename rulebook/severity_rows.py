"""Which shape has severity.yaml, and what scale does it become?"""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from escalations.model import Targets
from escalations.severity import Floor, Input, Level, Pace, Response, SeverityRules
from rulebook import schema
from rulebook.schema import Band, Cell, Points, Span, Text


class Shape(BaseModel):
    """The common strictness of every row."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LevelRow(Shape):
    """A level of a severity input."""

    level: schema.Level
    why: Text
    when: Cell


class Otherwise(Shape):
    """The level when none holds."""

    level: schema.Level
    why: Text


class InputRow(Shape):
    """One severity input."""

    name: Text
    weight: Annotated[int, Field(ge=1, le=100)]
    otherwise: Otherwise
    levels: Annotated[list[LevelRow], Field(min_length=1)]


class FloorRow(Shape):
    """A band never undercut."""

    band: Band
    why: Text
    when: Cell


class PaceRow(Shape):
    """A target: elapsed or business time, or words. `for` and `then` slow a repeated one down."""

    elapsed: Span | None = None
    business: Span | None = None
    said: str = ""
    for_: Span | None = Field(default=None, alias="for")
    then: Span | None = None
    after: Literal["", "closing"] = ""

    @model_validator(mode="after")
    def _one_kind_of_time(self) -> Self:
        if self.elapsed and self.business:
            raise ValueError("is elapsed or business time, not both; remove one")
        if not (self.elapsed or self.business or self.said):
            raise ValueError("has no time; add elapsed or business, or say in words why there is none")
        if bool(self.for_) is not bool(self.then):
            raise ValueError("`for` and `then` go together; add the other or remove it")
        return self


class WorkedRow(PaceRow):
    """A target that the case works to; it has a time."""

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if not (self.elapsed or self.business):
            raise ValueError("is worked to and needs a time; add elapsed or business")
        return self


class TargetRow(Shape):
    """Internal targets of one priority."""

    acknowledge: WorkedRow
    triage: WorkedRow
    contain: WorkedRow
    decide: WorkedRow
    internal_update: PaceRow
    executive_update: PaceRow
    ratify: WorkedRow
    root_cause: WorkedRow
    root_cause_meeting: PaceRow


class SeverityFile(Shape):
    """severity.yaml."""

    inputs: Annotated[list[InputRow], Field(min_length=1)]
    bands: Annotated[list[Points], Field(min_length=4, max_length=4)]
    floors: list[FloorRow]
    urgency: Annotated[list[Span], Field(min_length=4, max_length=4)]
    targets: Annotated[list[TargetRow], Field(min_length=5, max_length=5)]


def built(row: SeverityFile) -> SeverityRules:
    """Build the scale."""
    paces = [{name: _pace(getattr(one, name)) for name in TargetRow.model_fields} for one in row.targets]
    return SeverityRules(
        inputs=tuple(
            Input(
                name=one.name,
                weight=one.weight,
                levels=tuple(Level(level=level.level, why=level.why, when=level.when) for level in one.levels),
                otherwise=one.otherwise.level,
                otherwise_why=one.otherwise.why,
            )
            for one in row.inputs
        ),
        bands=tuple(Decimal(band) for band in row.bands),
        floors=tuple(Floor(band=one.band, why=one.why, when=one.when) for one in row.floors),
        urgency=tuple(row.urgency),
        targets=tuple(_worked(one) for one in paces),
        responses=tuple(Response(**one) for one in paces),
    )


def _pace(row: PaceRow) -> Pace:
    return Pace(
        span=row.elapsed or row.business,
        business=row.business is not None,
        said=row.said,
        slower_after=row.for_,
        slower=row.then,
        after=row.after,
    )


def _worked(paces: Mapping[str, Pace]) -> Targets:
    worked = {name: pace for name, pace in paces.items() if name in {field.name for field in fields(Targets)}}
    spans = {name: pace.span for name, pace in worked.items() if pace.span}
    return Targets(**spans, business=tuple(name for name, pace in worked.items() if pace.business))
