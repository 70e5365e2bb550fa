"""What may a report say? The strict schema of our own report format.

Unknown fields are refused, types are never coerced, and times carry their offset. The models are for the rim only:
`starter.intake.report` turns them into the plain `escalations.model.Intake` that goes on into a case.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from escalations.facts import EVENTS, MARKS
from escalations.model import Domain, IntakeKind
from starter.intake import words
from starter.intake.refusals import BadInput

VERSION = 1
MOST_ITEMS = 200
MOST_UNITS = 1_000_000_000
LONGEST_TITLE = 200
LONGEST_TEXT = 4_000

Value = TypeVar("Value")


def _rim(check: Callable[[Any], Value]) -> Callable[[Any], Value]:
    """Let one of the rim's rules run inside pydantic: its code becomes the error's type."""

    def checked(value: Any) -> Value:
        try:
            return check(value)
        except BadInput as refused:
            raise PydanticCustomError(refused.code, "refused") from None

    return checked


def _line(longest: int) -> Any:
    return AfterValidator(_rim(lambda value: words.text(value, longest=longest)))


def _lines(longest: int) -> Any:
    return AfterValidator(_rim(lambda value: words.text(value, longest=longest, lines=True)))


def _named(pattern: Any) -> Any:
    return AfterValidator(_rim(lambda value: words.identifier(value, pattern)))


def _schema(pattern: Any, description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern}$", "description": description})


def _instant(value: Any) -> Any:
    return words.instant(value) if isinstance(value, str) else _not_a_time()


def _not_a_time() -> datetime:
    raise BadInput("bad_datetime")


def _visible(value: str) -> str:
    if not value:
        raise BadInput("blank")
    return value


def _one_of(known: Sequence[str]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        if value not in known:
            raise BadInput("unknown_value")
        return value

    return checked


SUBJECT = re.compile(r"[a-z][a-z_]{1,29}")
_filled = AfterValidator(_rim(_visible))
Reference = Annotated[
    str, _named(words.REFERENCE), _schema(words.REFERENCE, "The sender's own id; with the source it names the case.")
]
Source = Annotated[str, _named(words.SOURCE), _schema(words.SOURCE, "Who sends; must equal the door's own source.")]
ListingId = Annotated[str, _named(words.LISTING), _schema(words.LISTING, "A listing id of the marketplace.")]
CaseId = Annotated[str, _named(words.CASE), _schema(words.CASE, "The case this report adds to.")]
Place = Annotated[str, _named(words.PLACE), _schema(words.PLACE, "ISO 3166-1 alpha-2, or EU.")]
Gtin = Annotated[
    str,
    AfterValidator(_rim(words.gtin)),
    WithJsonSchema({"type": "string", "pattern": "^[0-9 -]{8,20}$", "description": "With a right check digit."}),
]
Mail = Annotated[
    str, AfterValidator(_rim(words.mail)), WithJsonSchema({"type": "string", "format": "email", "maxLength": 254})
]
Url = Annotated[
    str, AfterValidator(_rim(words.url)), WithJsonSchema({"type": "string", "format": "uri", "maxLength": 2000})
]
Instant = Annotated[
    datetime,
    BeforeValidator(_rim(_instant)),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339 with offset, from 2000 on."}),
]
Kind = Annotated[IntakeKind, Field(strict=False)]
Harm = Annotated[Domain, Field(strict=False)]
Mark = Annotated[
    str, AfterValidator(_rim(_one_of(MARKS))), WithJsonSchema({"enum": list(MARKS), "description": "What is true."})
]
EventKind = Annotated[
    str, AfterValidator(_rim(_one_of(EVENTS))), WithJsonSchema({"enum": list(EVENTS), "description": "What happened."})
]
Subject = Annotated[str, _named(SUBJECT), _schema(SUBJECT, "What it is about: listing, seller, content, account …")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Level = Annotated[int, Field(ge=0, le=4)]
Name = Annotated[str, _line(LONGEST_TITLE), Field(json_schema_extra={"maxLength": LONGEST_TITLE})]
Short = Annotated[str, _line(64), _filled, Field(json_schema_extra={"maxLength": 64, "minLength": 1})]
Filled = Annotated[
    str, _line(LONGEST_TITLE), _filled, Field(json_schema_extra={"maxLength": LONGEST_TITLE, "minLength": 1})
]
Story = Annotated[str, _lines(LONGEST_TEXT), Field(json_schema_extra={"maxLength": LONGEST_TEXT})]

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ProductReport(BaseModel):
    """The article, as its sender names it."""

    model_config = _STRICT
    name: Filled
    brand: Name = ""
    models: Annotated[list[Short], Field(max_length=MOST_ITEMS)] = []
    gtins: Annotated[list[Gtin], Field(max_length=MOST_ITEMS)] = []
    batches: Annotated[list[Short], Field(max_length=MOST_ITEMS)] = []
    category: Literal["", "medicine", "food", "feed", "plant_or_animal", "antique"] = ""


class EventReport(BaseModel):
    """A dated thing that starts a duty, such as the assessment of a breach. `place` is where it counts."""

    model_config = _STRICT
    kind: EventKind
    at: Instant
    place: Place | None = None
    subject: Name = ""


class OrderReport(BaseModel):
    """A binding order. `due_at` only if the order itself sets a date; one already past is taken, and is late."""

    model_config = _STRICT
    authority: Filled
    reference: Filled
    legal_basis: Filled
    country: Place
    reply_to: Mail
    due_at: Instant | None = None
    listings: Annotated[list[ListingId], Field(max_length=MOST_ITEMS)] = []
    identical_content: bool = False


class FactsReport(BaseModel):
    """What is known about the harm; leave out what is not known. `media` and `velocity` are levels."""

    model_config = _STRICT
    deaths: Count = 0
    serious_injuries: Count = 0
    minor_injuries: Count = 0
    child_injured: bool = False
    serious_hazard: bool = False
    units_sold: Annotated[int, Field(ge=0, le=MOST_UNITS)] | None = None
    independent_reports: Count = 1
    confirmed: bool = False
    vulnerable_users: bool = False
    media: Level = 0
    velocity: Level = 0
    evading: bool = False
    marks: Annotated[list[Mark], Field(max_length=MOST_ITEMS)] = []
    subjects: Annotated[list[Subject], Field(max_length=MOST_ITEMS)] = []
    people_affected: Annotated[int, Field(ge=0, le=MOST_UNITS)] | None = None
    sellers_wronged: Count = 0
    events: Annotated[list[EventReport], Field(max_length=MOST_ITEMS)] = []


def _whole(value: Any) -> Any:
    """Refuse `true` and `1.0`, which Python holds to be equal to 1."""
    if isinstance(value, bool | float):
        raise PydanticKnownError("int_type")
    return value


class Report(BaseModel):
    """One report to Seawall. Long summaries are cut for the case; the whole document is kept by its digest."""

    model_config = _STRICT
    schema_version: Annotated[Literal[1], BeforeValidator(_whole)]
    source_ref: Reference
    kind: Kind
    title: Filled
    source: Source | None = None
    about: CaseId | None = None
    summary: Story = ""
    hazard: Story = ""
    remedy: Story = ""
    domain: Harm | None = None
    aware_at: Instant | None = None
    jurisdictions: Annotated[list[Place], Field(max_length=MOST_ITEMS)] = []
    markets: Annotated[list[Place], Field(max_length=MOST_ITEMS)] = []
    product: ProductReport | None = None
    order: OrderReport | None = None
    listings: Annotated[list[ListingId], Field(max_length=MOST_ITEMS)] = []
    facts: FactsReport = FactsReport()
    url: Url | None = None
    legal_basis: Name = ""


def report_json_schema() -> dict[str, Any]:
    """Describe the report format as JSON Schema 2020-12."""
    schema = Report.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:seawall:report:1", **schema}
