"""What kind of document is this? A report of our own, or a feed, told apart by content and never by name."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from starter.intake import cpsc, strict
from starter.intake.feed import Aside, Batch
from starter.intake.refusals import BadInput
from starter.intake.report import Parsed, parse_report
from starter.intake.words import SOURCE

OWN_NAMES = frozenset({"schema_version", "source_ref", "kind"})
REPORT, API, ARCHIVE = "report", "cpsc", "cpsc_archive"


def read(raw: bytes, *, source: str, now: datetime) -> Batch:
    """Read a file: one report, an array of the recall service, or an archive's notices line by line.

    A report is of `source` unless it names its own.

    Every record of a feed becomes a report or is kept aside; one report is taken or refused as a whole.
    Raises BadInput when the file is none of these.
    """
    text = strict.decoded(raw, limits=strict.FEED)
    start = len(text) - len(text.lstrip(strict.BLANK))
    first = text[start : start + 1]
    if first == "[":
        return _feed(strict.elements(text, start), now)
    if first != "{":
        raise BadInput("unknown_format" if strict.is_json(text) else "not_json")
    lines = [line for line in text.splitlines() if line.strip(strict.BLANK)] if _line_wise(text, start) else []
    if lines:
        return _feed(_lines(lines), now)
    return _one(raw, source=source, now=now)


def _one(raw: bytes, *, source: str, now: datetime) -> Batch:
    document = strict.one_object(raw)
    if cpsc.is_api_record(document) or cpsc.is_archive_record(document):
        return _batch([_record(document, raw, place=1, now=now)], document)
    if not OWN_NAMES & document.keys():
        raise BadInput("unknown_format")
    named = document.get("source")
    said = named if isinstance(named, str) and SOURCE.fullmatch(named) else source
    return Batch(form=REPORT, reports=(parse_report(document, raw, source=said, now=now),))


def _line_wise(text: str, start: int) -> bool:
    """Say whether the first line is a whole object and more follows: one JSON object has no second line then."""
    line, _, rest = text[start:].partition("\n")
    if not rest.strip(strict.BLANK):
        return False
    try:
        strict.one_object(line.encode(), limits=strict.FEED)
    except BadInput:
        return False
    return True


def _lines(lines: list[str]) -> Iterator[tuple[Any, str]]:
    for line in lines:
        try:
            yield strict.one_object(line.encode(), limits=strict.REPORT), line
        except BadInput as refused:
            yield refused, line


def _feed(records: Iterator[tuple[Any, str]], now: datetime) -> Batch:
    outcomes: list[Parsed | Aside] = []
    first: Any = None
    for place, (value, written) in enumerate(records, start=1):
        raw = written.encode(errors="surrogatepass")
        record = _plainly(value, raw)
        if first is None and _known(record):
            first = record
        outcomes.append(_record(record, raw, place=place, now=now))
    if first is None and outcomes:
        raise BadInput("unknown_format")
    return _batch(outcomes, first)


def _plainly(value: Any, raw: bytes) -> Any:
    if isinstance(value, (BadInput, dict)):
        return value
    try:
        if len(raw) > strict.REPORT.size:
            raise BadInput("body_too_large")
        return strict.plain(value, limits=strict.REPORT)
    except BadInput as refused:
        return refused


def _known(record: Any) -> bool:
    return cpsc.is_api_record(record) or cpsc.is_archive_record(record)


def _record(record: Any, raw: bytes, *, place: int, now: datetime) -> Parsed | Aside:
    if cpsc.is_api_record(record):
        return cpsc.api_record(record, raw, place=place, now=now)
    if cpsc.is_archive_record(record):
        return cpsc.archive_record(record, raw, place=place, now=now)
    if isinstance(record, BadInput):
        return Aside(source=cpsc.SOURCE, source_ref="", reason="malformed", code=record.code, raw=raw, place=place)
    return Aside(source=cpsc.SOURCE, source_ref="", reason="not_a_record", raw=raw, place=place)


def _batch(outcomes: list[Parsed | Aside], first: Any) -> Batch:
    return Batch(
        form=ARCHIVE if cpsc.is_archive_record(first) else API,
        reports=tuple(outcome for outcome in outcomes if isinstance(outcome, Parsed)),
        asides=tuple(outcome for outcome in outcomes if isinstance(outcome, Aside)),
    )
