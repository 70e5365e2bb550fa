"""What does the file of meant differences say? Read strictly: a fault is named with file, line and field."""

import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from replay.meant import Meanings, Meant
from rulebook.reading import Document, RulebookInvalid, read
from starter.errors import BAD_INPUT, Problem

_ENTRIES = TypeAdapter(tuple[Meant, ...])


def load(path: Path, today: datetime.date) -> Meanings:
    """Read a file of meant differences. Raises Problem `bad_meant` with file, line and field."""
    try:
        document = read(path.parent, path.name)
        return Meanings(entries=_parsed(document), today=today)
    except RulebookInvalid as wrong:
        raise Problem(
            "bad_meant",
            f"{wrong}.",
            next_step="Each entry has workflow, kind, reason, who and date; name, path, from, to, expires if wanted.",
            exit_code=BAD_INPUT,
        ) from None


def _parsed(document: Document) -> tuple[Meant, ...]:
    if not isinstance(document.values, list):
        raise RulebookInvalid(document.where(()), "is a list of entries")
    try:
        entries = _ENTRIES.validate_python(document.values)
    except ValidationError as wrong:
        # A misspelt field is also a missing one; its own line helps more.
        first = min(wrong.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
        raise RulebookInvalid(document.where(tuple(first["loc"])), _said(first["type"], first["msg"])) from None
    placed = []
    for number, entry in enumerate(entries):
        if entry.expires is not None and entry.expires < entry.date:
            raise RulebookInvalid(document.where((number, "expires")), "lies before its date")
        placed.append(entry.model_copy(update={"where": document.where((number,)).split(" ")[0]}))
    return tuple(placed)


def _said(kind: str, message: str) -> str:
    known = {"missing": "is missing", "extra_forbidden": "is no field of an entry"}
    return known.get(kind, message[:1].lower() + message[1:])
