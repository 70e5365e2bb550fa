"""How is the rulebook read? Files, strict shapes, frozen values, then everything that must fit together."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from escalations import ids
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
    schema,
    severity_rows,
    sharing,
)
from rulebook.checks import Fault
from rulebook.reading import Document, RulebookInvalid, laid_over, read

HERE = Path(__file__).parent
BOOK, SEVERITY, ROSTER, TERMS = "rulebook.yaml", "severity.yaml", "rosters.yaml", "terms.yaml"
GATES, LADDER = "gates.yaml", "ladder.yaml"
FAULTS = {
    "extra_forbidden": "is not a field of this file; remove it or correct its name",
    "missing": "is missing; add it",
}
T = TypeVar("T", bound=BaseModel)


def load(root: Path | None = None, overlay: str | None = None) -> Rulebook:
    """Read the rulebook of a folder (ours by default), with an overlay such as `demo` laid over its files.

    Raises RulebookInvalid, with one line, at the first fault found.
    """
    root = root or HERE
    names = (BOOK, TERMS, SEVERITY, ROSTER, GATES, LADDER, *_names(root, "clocks"), *_names(root, "playbooks"))
    documents = {name: _document(root, name, overlay) for name in names}
    shared = documents.pop(GATES)
    for name in [one for one in documents if one.startswith("playbooks/")]:
        documents[name] = sharing.completed(documents[name], shared)
    rows = _rows(documents)
    clocks = {name: _clocks(row) for name, row in rows.items() if name.startswith("clocks/")}
    playbooks = {name: playbook_building.playbook(row) for name, row in rows.items() if name.startswith("playbooks/")}
    base = rows[BOOK]
    book = Rulebook(
        version=_version(base.edition, documents),
        clocks=tuple(rule for rules in clocks.values() for rule in rules),
        severity=severity_rows.built(rows[SEVERITY]),
        playbooks=tuple(playbooks.values()),
        roster=building.roster(rows[ROSTER]),
        platform=building.platform(base.platform),
        countries=building.countries(base.countries),
        templates=tuple(notices.load().values()),
        short_timeboxes=base.short_timeboxes,
        terms=rows[TERMS],
        ladder=playbook_building.ladder(rows[LADDER]),
    )
    _checked(documents, book, clocks, playbooks)
    return book


def _checked(
    documents: dict[str, Document],
    book: Rulebook,
    clocks: dict[str, tuple[ClockRule, ...]],
    playbooks: dict[str, Playbook],
) -> None:
    _refuse(documents[BOOK], checks.book_faults(book))
    _refuse(documents[SEVERITY], checks.severity_faults(book))
    seen: set[tuple[str, int]] = set()
    for name, rules in clocks.items():
        for number, rule in enumerate(rules):
            _refuse(documents[name], checks.clock_faults(rule, book.roster, number))
            if (rule.id, rule.version) in seen:
                _refuse(
                    documents[name],
                    [(("rules", number, "id"), "this id and version is there twice; raise the version")],
                )
            seen.add((rule.id, rule.version))
    domains: set[str] = set()
    for name, playbook in playbooks.items():
        _refuse(documents[name], checks.playbook_faults(playbook, book.roster, book))
        _refuse(documents[name], playbook_checks.faults(playbook, book))
        if playbook.domain in domains:
            _refuse(documents[name], [(("domain",), "another playbook has this domain; keep one")])
        domains.add(playbook.domain)


def _rows(documents: dict[str, Document]) -> dict[str, Any]:
    terms = _terms(documents[TERMS])
    named = tuple(term.name for term in terms)
    shapes: dict[str, type[BaseModel]] = {
        BOOK: schema.BookFile,
        SEVERITY: severity_rows.SeverityFile,
        ROSTER: schema.RosterFile,
        LADDER: playbook_rows.LadderFile,
    }
    folders: dict[str, type[BaseModel]] = {"clocks": schema.ClockFile, "playbooks": playbook_rows.PlaybookFile}
    parsed = {
        name: _parsed(document, shapes.get(name) or folders[name.split("/")[0]], named)
        for name, document in documents.items()
        if name != TERMS
    }
    return {**parsed, TERMS: terms}


def _terms(document: Document) -> tuple[Term, ...]:
    row = _parsed(document, schema.TermFile)
    try:
        return building.terms(row)
    except ValueError as wrong:
        raise RulebookInvalid(document.where(("terms",)), str(wrong)) from None


def _names(root: Path, folder: str) -> tuple[str, ...]:
    found = tuple(f"{folder}/{path.name}" for path in sorted((root / folder).glob("*.yaml")))
    if not found:
        raise RulebookInvalid(f"{root.name}/{folder}", "holds no rule files; restore the folder")
    return found


def _document(root: Path, name: str, overlay: str | None) -> Document:
    document = read(root, name)
    if overlay is None:
        return document
    if not (root / overlay).is_dir():
        raise RulebookInvalid(f"{root.name}/{overlay}", "is no overlay folder; use `demo` or leave the overlay out")
    over = root / overlay
    return laid_over(document, read(over, name)) if (over / name).is_file() else document


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


def _refuse(document: Document, faults: Iterable[Fault]) -> None:
    for place, text in faults:
        raise RulebookInvalid(document.where(place), text)


def _version(edition: str, documents: dict[str, Document]) -> str:
    """Name the rulebook by its edition and by everything in it, wordings included."""
    wordings = {path.name: path.read_text(encoding="utf-8") for path in sorted((HERE / "notices").glob("*.txt"))}
    content = {"files": {name: _plain(one.values) for name, one in documents.items()}, "wordings": wordings}
    return f"{edition}-{sha256(ids.canonical(content)).hexdigest()[:12]}"


def _plain(value: Any) -> Any:
    """Write dates and number keys as text, so that canonical JSON has one form for them."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
