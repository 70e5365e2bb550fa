"""How does one JSON object in our own report format become an `Intake`?"""

from dataclasses import dataclass
from datetime import datetime
from math import copysign, isfinite
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from escalations import ids
from escalations.model import AuthorityOrder, Event, Facts, Intake, IntakeKind, Product
from starter.intake import words
from starter.intake.refusals import REFUSALS, BadInput
from starter.intake.schema import MOST_UNITS, VERSION, FactsReport, OrderReport, ProductReport, Report

# A case's texts travel in its history and on every screen, so they are short; the whole document is kept by digest.
TITLE, SUMMARY, HAZARD, REMEDY = 200, 400, 300, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A document that passed the rim: its intake, its raw bytes, and the digest of what it says.

    `content_digest` is taken of the canonical JSON, so the same report is the same however it was spaced. `about`
    names a case this report adds to; `amends` lets a changed document add to its own case instead of conflicting
    (a feed republishes its records).
    """

    intake: Intake
    raw: bytes
    content_digest: str
    about: str = ""
    amends: bool = False


def parse_report(document: dict[str, Any], raw: bytes, *, source: str, now: datetime) -> Parsed:
    """Turn one JSON object into an intake of `source`, received `now`. Raises BadInput."""
    report = _validated(document)
    _judge(report, source=source, now=now)
    return Parsed(
        intake=_intake(report, source=source, now=now, raw_digest=ids.digest(raw)),
        raw=raw,
        content_digest=ids.digest(ids.canonical(document)),
        about=report.about or "",
    )


def cut(text: str, longest: int) -> str:
    """Shorten a text for a case's history: at most `longest` code points, at a word, marked with an ellipsis."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    stop = head.rfind(" ")
    return (head[:stop] if stop > longest // 2 else head).rstrip() + "…"


def _validated(document: dict[str, Any]) -> Report:
    version = document.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        raise BadInput("unsupported_version", "/schema_version")
    try:
        return Report.model_validate(document)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False, include_context=True)[0]) from None


_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "enum": "unknown_value",
    "greater_than_equal": "number_out_of_range",
    "less_than_equal": "number_out_of_range",
}


def _refusal(error: ErrorDetails) -> BadInput:
    kind, place = error["type"], error["loc"]
    if kind == "extra_forbidden":
        place = place[:-1]  # an unknown name is the sender's own text
    field = "".join(f"/{part}" for part in place)
    if kind == "int_type":
        return BadInput(_number_code(error["input"]), field)
    if kind == "too_long" and isinstance(error["input"], list):
        return BadInput("too_many_items", field)
    if kind == "enum":
        return BadInput("unknown_value", field, hint=f"Allowed: {error['ctx']['expected']}.")
    return BadInput(kind if kind in REFUSALS else _CODES.get(kind, "wrong_type"), field)


def _number_code(value: Any) -> str:
    if isinstance(value, str) and value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return "not_finite"
    if not isinstance(value, float):
        return "wrong_type"
    if not isfinite(value):
        return "not_finite"
    negative_zero = value == 0 and copysign(1, value) < 0
    return "number_out_of_range" if negative_zero or abs(value) > MOST_UNITS else "wrong_type"


def _judge(report: Report, *, source: str, now: datetime) -> None:
    if report.source not in (None, source):
        raise BadInput("inconsistent", "/source")
    if (report.kind is IntakeKind.AUTHORITY_ORDER) != (report.order is not None):
        raise BadInput("inconsistent", "/order")
    if report.kind is IntakeKind.RECALL_NOTICE and report.product is None:
        raise BadInput("inconsistent", "/product")
    if report.order is not None:
        _judge_country(report.order.country, report.jurisdictions)
        words.not_too_far(report.order.due_at, now, "/order/due_at")
    words.not_too_far(report.aware_at, now, "/aware_at")
    for number, event in enumerate(report.facts.events if report.facts else ()):
        words.not_too_far(event.at, now, f"/facts/events/{number}/at")
    if report.aware_at is not None and (report.aware_at - now).total_seconds() > 300:
        raise BadInput("aware_in_future", "/aware_at")
    if report.about == ids.case_id(source, report.source_ref):
        raise BadInput("cycle", "/about")


# Member states of the Union (TEU art. 52, without the United Kingdom).
# fmt: off
UNION = frozenset({
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT",
    "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
})
# fmt: on


def _judge_country(country: str, jurisdictions: list[str]) -> None:
    covered = country in jurisdictions or (country in UNION and "EU" in jurisdictions)
    if jurisdictions and not covered:
        raise BadInput("inconsistent", "/jurisdictions")


def _intake(report: Report, *, source: str, now: datetime, raw_digest: str) -> Intake:
    return Intake(
        source=source,
        source_ref=report.source_ref,
        kind=report.kind,
        title=report.title,
        received_at=now,
        summary=cut(report.summary, SUMMARY),
        domain=report.domain,
        aware_at=report.aware_at,
        jurisdictions=_once(report.jurisdictions or _law_of(report.order)),
        markets=_once(report.markets),
        product=_product(report.product),
        order=_order(report.order),
        listings=_once(report.listings),
        facts=_facts(report.facts),
        remedy=cut(report.remedy, REMEDY),
        hazard=cut(report.hazard, HAZARD),
        raw_digest=raw_digest,
        url=report.url or "",
        legal_basis=report.legal_basis,
    )


def _law_of(order: OrderReport | None) -> list[str]:
    if order is None:
        return []
    return ["EU", order.country] if order.country in UNION else [order.country]


def _product(product: ProductReport | None) -> Product | None:
    if product is None:
        return None
    return Product(
        name=product.name,
        brand=product.brand,
        models=_once(product.models),
        gtins=_once(product.gtins),
        batches=_once(product.batches),
        category=product.category,
    )


def _facts(told: FactsReport) -> Facts:
    simple = told.model_dump(exclude={"marks", "subjects", "events"})
    return Facts(
        **simple,
        marks=tuple(sorted(set(told.marks))),
        subjects=tuple(sorted(set(told.subjects))),
        events=tuple(
            Event(kind=one.kind, at=one.at, place=one.place or "", subject=one.subject) for one in told.events
        ),
    )


def _order(order: OrderReport | None) -> AuthorityOrder | None:
    if order is None:
        return None
    fields = order.model_dump() | {"listings": _once(order.listings)}
    return AuthorityOrder(**fields)


def _once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
