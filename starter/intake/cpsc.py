"""What does the US Consumer Product Safety Commission say was recalled? Two shapes of its notices.

`cpsc` is the Recall Retrieval service's JSON (Programmers Guide 1.4, 2018-09-17: an array of records whose collections
may be empty or null); `cpsc_archive` is one flat object per notice, as line-wise collections of old notices have it.
The service answers its own failures with status 200 and a row whose RecallID is 0 and whose title begins with "Error".
"""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from escalations import ids
from escalations.matching import gtin14
from escalations.model import Domain, Facts, Intake, IntakeKind, Product
from starter.intake import prose
from starter.intake.feed import Aside, address, clean, reference
from starter.intake.report import HAZARD, REMEDY, SUMMARY, TITLE, Parsed, cut

SOURCE = "cpsc"
MOST_GTINS = 200
CANADA = re.compile(r"\bin\s+Canada\b|\bCanada\s+and\b|canada\.ca|\bHealth Canada\b", re.IGNORECASE)
MEXICO = re.compile(r"\bin\s+Mexico\b|\bMexico\s+and\b|\.gob\.mx|\bprofeco\b", re.IGNORECASE)
ERROR_TITLE = re.compile(r"\s*(?:error\b|exception\b|an error\b)", re.IGNORECASE)
UPC_TEXT = re.compile(r"\d[\d -]{6,16}\d")


def is_api_record(record: Any) -> bool:
    """Say whether this is a row of the Recall Retrieval service, its error row included."""
    return isinstance(record, dict) and ("RecallID" in record or "RecallNumber" in record)


def is_archive_record(record: Any) -> bool:
    """Say whether this is a flat notice of an archive: `id`, `title`, `products` and `description`."""
    return isinstance(record, dict) and {"id", "title", "products", "description"} <= record.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notice:
    """What both shapes say, cleaned of markup."""

    number: str
    title: str
    names: tuple[str, ...]
    description: str
    published: str
    hazard: str
    injuries: str
    remedy: str
    units: tuple[str, ...]
    url: str
    elsewhere: str
    models: tuple[str, ...] = ()
    upcs: tuple[str, ...] = ()
    deaths: bool = False
    injured: bool = False


def api_record(record: dict[str, Any], raw: bytes, *, place: int, now: datetime) -> Parsed | Aside:
    """Turn one row of the service into an intake, or keep it aside with the reason."""
    notice = _Notice(
        number=reference(record.get("RecallNumber")) or reference(_long(record.get("RecallID"))),
        title=clean(record.get("Title")),
        names=_all(record, "Products", "Name"),
        models=_all(record, "Products", "Model"),
        description=clean(record.get("Description")) or " ".join(_all(record, "Products", "Description")),
        published=clean(record.get("RecallDate")),
        hazard=" ".join(_all(record, "Hazards", "Name") or _all(record, "Hazards", "HazardType")),
        injuries=" ".join(_all(record, "Injuries", "Name")),
        remedy=" ".join(_all(record, "Remedies", "Name") or _all(record, "RemedyOptions", "Option")),
        units=_all(record, "Products", "NumberOfUnits"),
        upcs=_all(record, "ProductUPCs", "UPC"),
        url=address(record.get("URL")),
        elsewhere=" ".join(_all(record, "Inconjunctions", "URL") + _all(record, "Retailers", "Name")),
    )
    if ERROR_TITLE.match(notice.title) and not (notice.number and notice.names):
        return _aside("api_error_row", notice, raw, place)
    return _parsed(record, notice, raw, place=place, now=now)


def archive_record(record: dict[str, Any], raw: bytes, *, place: int, now: datetime) -> Parsed | Aside:
    """Turn one notice of an archive into an intake, or keep it aside with the reason."""
    notice = _Notice(
        number=reference(record.get("id")),
        title=clean(record.get("title")),
        names=_texts(record.get("products")),
        description=clean(record.get("description")),
        published=clean(record.get("date")),
        hazard=clean(record.get("hazard")),
        injuries=clean(record.get("injury_text")),
        remedy=clean(record.get("remedy")),
        units=_texts([record.get("units")]),
        url=address(record.get("url")),
        elsewhere=" ".join(_texts(record.get("retailers"))),
        deaths=record.get("has_deaths") is True,
        injured=record.get("has_injuries") is True,
    )
    return _parsed(record, notice, raw, place=place, now=now)


def _parsed(record: dict[str, Any], notice: _Notice, raw: bytes, *, place: int, now: datetime) -> Parsed | Aside:
    if not notice.number:
        return _aside("no_reference", notice, raw, place)
    if not (notice.title or notice.names):
        return _aside("no_title", notice, raw, place)
    return Parsed(
        intake=_intake(notice, now=now, raw_digest=ids.digest(raw)),
        raw=raw,
        content_digest=ids.digest(ids.canonical(record)),
        amends=True,
    )


def _intake(notice: _Notice, *, now: datetime, raw_digest: str) -> Intake:
    published = _date(notice.published)
    described = f"Published {published:%Y-%m-%d}. {notice.description}" if published else notice.description
    return Intake(
        source=SOURCE,
        source_ref=notice.number,
        kind=IntakeKind.RECALL_NOTICE,
        title=cut(notice.title or notice.names[0], TITLE),
        received_at=now,
        summary=cut(described, SUMMARY),
        domain=Domain.PSAFE,
        jurisdictions=_jurisdictions(notice),
        product=_product(notice),
        facts=_facts(notice),
        remedy=cut(notice.remedy, REMEDY),
        hazard=cut(notice.hazard, HAZARD),
        raw_digest=raw_digest,
        url=notice.url,
    )


def _product(notice: _Notice) -> Product:
    """Name the article. A notice of several products keeps the first one's name and the models and GTINs of all."""
    name = notice.names[0] if notice.names else notice.title
    own = tuple(model for text in notice.models for model in prose.models(f"model {text}"))
    numbers = (gtin14(upc) for text in notice.upcs for upc in UPC_TEXT.findall(text))
    return Product(
        name=cut(name, TITLE),
        brand=prose.brand(name=name, title=notice.title, description=notice.description),
        models=tuple(dict.fromkeys(own + prose.models(notice.description)))[: prose.MOST_MODELS],
        gtins=tuple(dict.fromkeys(number for number in numbers if number))[:MOST_GTINS],
    )


def _facts(notice: _Notice) -> Facts:
    facts = prose.harm(injuries=notice.injuries, hazard=notice.hazard, about=" ".join((notice.title, *notice.names)))
    if not notice.injuries:  # an archive's flags are worth something only where the prose is missing
        facts = replace(facts, deaths=int(notice.deaths), minor_injuries=int(notice.injured))
    counts = [count for count in map(prose.units, notice.units) if count is not None]
    return replace(facts, units_sold=min(prose.MOST_UNITS, sum(counts)) if counts else None)


def _jurisdictions(notice: _Notice) -> tuple[str, ...]:
    told = " ".join((*notice.units, notice.elsewhere))
    abroad = (("CA", CANADA), ("MX", MEXICO))
    return ("US", *(country for country, pattern in abroad if pattern.search(told)))


def _date(text: str) -> date | None:
    """Read the day a notice was published: the service writes a local midnight without zone, so only the day counts."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _all(record: dict[str, Any], collection: str, field: str) -> tuple[str, ...]:
    """List one field of a collection that may be missing, null, empty, or hold nulls."""
    items = record.get(collection)
    if not isinstance(items, list):
        return ()
    return _texts([item.get(field) if isinstance(item, dict) else item for item in items])


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(text for text in map(clean, values) if text)


def _long(number: Any) -> Any:
    """Tell a RecallID from a RecallNumber of the same digits, so that neither can take the other's case."""
    return f"ID-{number}" if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None


def _aside(reason: str, notice: _Notice, raw: bytes, place: int) -> Aside:
    return Aside(source=SOURCE, source_ref=notice.number, reason=reason, raw=raw, place=place)
