"""What does a playbook not say itself? It is completed with the shared questions, notices and answers.

Every value keeps the file and line that it came from, so that a fault is told where it can be mended.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from rulebook.reading import Document, Place, RulebookInvalid

PARTS = ("defaults", "gates", "notices", "responses")
BY_TIER = ("tiers", "emergency")
Lines = Mapping[Place, str]


def completed(playbook: Document, shared: Document) -> Document:
    """Complete one playbook. Raises RulebookInvalid for a name that nothing is shared under."""
    if not isinstance(playbook.values, dict):
        raise RulebookInvalid(playbook.where(()), "holds no fields; write `id: …` and the rest, line by line")
    _whole(shared)
    lines = dict(playbook.lines)
    values = dict(playbook.values)
    rows = _by_row(shared)
    for field, value in shared.values["defaults"].items():
        if field not in values:
            values[field] = value
            _copied(lines, rows["defaults", field], ("defaults", field), (field,))
    values["gates"] = _gates(playbook, shared, rows, lines)
    for part in ("notices", "responses"):
        values[part] = _rows(part, playbook, shared, rows, lines)
    return Document(name=playbook.name, values=values, lines=lines)


def _whole(shared: Document) -> None:
    values = shared.values if isinstance(shared.values, dict) else {}
    for part in PARTS:
        if not isinstance(values.get(part), dict):
            raise RulebookInvalid(shared.where((part,)), "is missing; playbooks are completed with it")
    for part in values:
        if part not in PARTS:
            raise RulebookInvalid(shared.where((part,)), f"is not a field of this file; use {', '.join(PARTS)}")


def _by_row(shared: Document) -> Mapping[Place, Lines]:
    """Sort the lines of the shared file by part and row, so that a row is copied without looking at all others."""
    found: dict[Place, dict[Place, str]] = defaultdict(dict)
    for place, line in shared.lines.items():
        found[place[:2]][place] = line
    return found


def _gates(
    playbook: Document, shared: Document, rows: Mapping[Place, Lines], lines: dict[Place, str]
) -> dict[Any, Any]:
    """Take each shared question; what the playbook says of it replaces that part, of a panel by tier that tier."""
    own = playbook.values.get("gates", {})
    if not isinstance(own, dict):
        raise RulebookInvalid(playbook.where(("gates",)), "names no questions; write them as fields")
    found: dict[Any, Any] = {}
    lines.setdefault(("gates",), shared.lines[("gates",)])
    for kind, base in shared.values["gates"].items():
        found[kind] = dict(base)
        _copied(lines, rows["gates", kind], ("gates", kind), ("gates", kind))
    for kind, over in own.items():
        if kind not in found or not isinstance(over, dict):
            raise RulebookInvalid(playbook.where(("gates", kind)), f"is no question; use one of {', '.join(found)}")
        for field, value in over.items():
            by_tier = field in BY_TIER and isinstance(value, dict) and isinstance(found[kind].get(field), dict)
            found[kind][field] = {**found[kind][field], **value} if by_tier else value
            for key in value if by_tier else (None,):
                at: Place = ("gates", kind, field) if key is None else ("gates", kind, field, key)
                _forgotten(lines, at)
                _copied(lines, playbook.lines, at, at)
    return found


def _rows(
    part: str, playbook: Document, shared: Document, rows: Mapping[Place, Lines], lines: dict[Place, str]
) -> list[Any]:
    """Write out the rows of a list that are named only."""
    own = playbook.values.get(part, [])
    if not isinstance(own, list):
        raise RulebookInvalid(playbook.where((part,)), "is no list; begin each line with a dash")
    found: list[Any] = []
    known = shared.values[part]
    for number, row in enumerate(own):
        if isinstance(row, str):
            if row not in known:
                raise RulebookInvalid(
                    playbook.where((part, number)), f"nothing is shared as {row}; use one of {', '.join(known)}"
                )
            _copied(lines, rows[part, row], (part, row), (part, number))
        found.append(known[row] if isinstance(row, str) else row)
    return found


def _copied(lines: dict[Place, str], source: Lines, place: Place, to: Place) -> None:
    lines.update({(*to, *one[len(place) :]): line for one, line in source.items() if one[: len(place)] == place})


def _forgotten(lines: dict[Place, str], place: Place) -> None:
    for known in [one for one in lines if one[: len(place)] == place]:
        del lines[known]
