"""How is the rulebook read? Files, strict shapes, frozen values, then everything that must fit together."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from escalations.playbooks import Playbook
from escalations.rulebook import Rulebook, Term
from escalations.rules import ClockRule
from rulebook import (
    building,
    checks,
    notices,
    playbook_building,
    playbook_checks,
    playbook_rows,
    roster_judging,
    roster_rows,
    schema,
    severity_rows,
    sharing,
    sources,
)
from rulebook.checks import Fault
from rulebook.reading import Document, RulebookInvalid
from rulebook.sources import BOOK, GATES, LADDER, OLD_ROSTER, PERSONS, ROSTERS, SEVERITY, TERMS

FAULTS = {
    "extra_forbidden": "is not a field of this file; remove it or correct its name",
    "missing": "is missing; add it",
}
T = TypeVar("T", bound=BaseModel)
Found = tuple[str, str]


def load(root: Path | None = None, overlay: str | None = None, company: Path | None = None) -> Rulebook:
    """Read the rulebook of a folder (ours by default), with a company's folder and an overlay laid over its files.

    Raises RulebookInvalid, with one line, at the first fault found.
    """
    root = root or sources.HERE
    book, found = _built(root, _completed(sources.documents(root, overlay, company)))
    for where, text in found:
        raise RulebookInvalid(where, text)
    return book


def faults(
    root: Path | None = None, overlay: str | None = None, company: Path | None = None, *, today: date | None = None
) -> tuple[Found, ...]:
    """List every fault of a rulebook: where it is (file, line, field), and what to do. None for a rulebook in order.

    What does not fit together is looked for when every file has its right shape. Rosters are judged over the year
    from the edition on, as at every load, and with `today` also over the year from then on.
    """
    root = root or sources.HERE
    try:
        documents = _completed(sources.documents(root, overlay, company))
        named = tuple(term.name for term in _terms(documents[TERMS]))
    except RulebookInvalid as wrong:
        return (wrong.fault,)
    shaped = [one for name, each in documents.items() if name != TERMS for one in _misshapen(name, each, named)]
    return tuple(shaped) or tuple(dict.fromkeys(_built(root, documents, today)[1]))


def _built(root: Path, documents: sources.Documents, today: date | None = None) -> tuple[Rulebook, Iterator[Found]]:
    rows = _rows(documents)
    clocks = {name: _clocks(row) for name, row in rows.items() if name.startswith("clocks/")}
    playbooks = {name: playbook_building.playbook(row) for name, row in rows.items() if name.startswith("playbooks/")}
    base = rows[BOOK]
    book = Rulebook(
        version=sources.version(base.edition, documents, sources.wordings(root)),
        clocks=tuple(rule for rules in clocks.values() for rule in rules),
        severity=severity_rows.built(rows[SEVERITY]),
        playbooks=tuple(playbooks.values()),
        roster=roster_rows.roster(rows.get(PERSONS) or rows[OLD_ROSTER], roster_judging.desk_files(rows)),
        platform=building.platform(base.platform),
        countries=building.countries(base.countries),
        templates=tuple(notices.load().values()),
        short_timeboxes=base.short_timeboxes,
        terms=rows[TERMS],
        ladder=playbook_building.ladder(rows[LADDER]),
        blast=playbook_building.blast(rows[LADDER]),
    )
    edition = date.fromisoformat(f"{base.edition.replace('.', '-')}-01")
    years = (edition,) if today is None else (edition, today)
    unfitting = (
        _unfitting(documents, book, clocks, playbooks),
        roster_judging.judged(documents, roster_judging.desk_files(rows), book, years),
    )
    return book, itertools.chain.from_iterable(unfitting)


def _completed(documents: sources.Documents) -> sources.Documents:
    """Fill the playbooks with what they share."""
    shared = documents[GATES]
    return {
        name: sharing.completed(one, shared) if name.startswith("playbooks/") else one
        for name, one in documents.items()
        if name != GATES
    }


def _unfitting(
    documents: sources.Documents,
    book: Rulebook,
    clocks: dict[str, tuple[ClockRule, ...]],
    playbooks: dict[str, Playbook],
) -> Iterator[Found]:
    """Find what no single row can show, in the order of the files."""
    yield from _placed(documents[BOOK], checks.book_faults(book))
    yield from _placed(documents[SEVERITY], checks.severity_faults(book))
    yield from _placed(documents[LADDER], checks.blast_faults(book))
    seen: dict[str, list[ClockRule]] = {}
    for name, rules in clocks.items():
        for number, rule in enumerate(rules):
            yield from _placed(documents[name], checks.clock_faults(rule, book.roster, number))
            yield from _placed(documents[name], checks.version_faults(rule, seen.setdefault(rule.id, []), number))
            yield from _placed(documents[name], checks.reference_faults(rule, book, number))
            seen[rule.id].append(rule)
    domains: set[str] = set()
    for name, playbook in playbooks.items():
        yield from _placed(documents[name], checks.playbook_faults(playbook, book.roster, book))
        yield from _placed(documents[name], playbook_checks.faults(playbook, book))
        if playbook.domain in domains:
            yield from _placed(documents[name], [(("domain",), "another playbook has this domain; keep one")])
        domains.add(playbook.domain)


def _placed(document: Document, found: Iterable[Fault]) -> Iterator[Found]:
    for place, text in found:
        yield document.where(place), text


def _misshapen(name: str, document: Document, terms: tuple[str, ...]) -> Iterator[Found]:
    try:
        _shape(name).model_validate(document.values, context={"terms": terms})
    except ValidationError as wrong:
        for one in wrong.errors(include_url=False):
            where = document.where(_place(document, one["loc"]))
            yield where, FAULTS.get(one["type"]) or _said(one["msg"])


def _shape(name: str) -> type[BaseModel]:
    shapes: dict[str, type[BaseModel]] = {
        BOOK: schema.BookFile,
        SEVERITY: severity_rows.SeverityFile,
        PERSONS: roster_rows.PersonsFile,
        OLD_ROSTER: roster_rows.PersonsFile,
        LADDER: playbook_rows.LadderFile,
    }
    folders: dict[str, type[BaseModel]] = {
        "clocks": schema.ClockFile,
        "playbooks": playbook_rows.PlaybookFile,
        ROSTERS: roster_rows.DeskFile,
    }
    return shapes.get(name) or folders[name.split("/")[0]]


def _rows(documents: dict[str, Document]) -> dict[str, Any]:
    terms = _terms(documents[TERMS])
    named = tuple(term.name for term in terms)
    parsed = {name: _parsed(document, _shape(name), named) for name, document in documents.items() if name != TERMS}
    return {**parsed, TERMS: terms}


def _terms(document: Document) -> tuple[Term, ...]:
    row = _parsed(document, schema.TermFile)
    try:
        return building.terms(row)
    except ValueError as wrong:
        raise RulebookInvalid(document.where(("terms",)), str(wrong)) from None


def _parsed(document: Document, shape: type[T], terms: tuple[str, ...] = ()) -> T:
    try:
        return shape.model_validate(document.values, context={"terms": terms})
    except ValidationError as wrong:
        faults = sorted(wrong.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
        first = faults[0]  # a misspelt field is also a missing one; its own line helps more
        where = document.where(_place(document, first["loc"]))
        raise RulebookInvalid(where, FAULTS.get(first["type"]) or _said(first["msg"])) from None


def _said(message: str) -> str:
    plain = message.removeprefix("Value error, ")
    return f"{plain}; correct it"


def _place(document: Document, location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Follow a location of the checker as far as the file goes: it also names alternatives of its own."""
    place: tuple[int | str, ...] = ()
    for part in location:
        keyed = next((key for key in (part, _number(part)) if (*place, key) in document.lines), None)
        if keyed is not None:
            place = (*place, keyed)
    last = location[-1] if location else ""
    missing = isinstance(last, str) and last.isidentifier() and (not place or place[-1] != last)
    return (*place, last) if missing and len(place) == len(location) - 1 else place


def _number(part: int | str) -> int | str:
    return int(part) if isinstance(part, str) and part.isdigit() else part


def _clocks(row: schema.ClockFile) -> tuple[ClockRule, ...]:
    return tuple(building.clock(one) for one in row.rules)
