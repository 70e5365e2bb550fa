"""Which files make up the rulebook? The shipped ones, a company's own laid over them, and an overlay for a demo."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from escalations import ids
from rulebook.reading import Document, Place, RulebookInvalid, laid_over, read

HERE = Path(__file__).parent
BOOK, SEVERITY, TERMS = "rulebook.yaml", "severity.yaml", "terms.yaml"
GATES, LADDER = "gates.yaml", "ladder.yaml"
SINGLE = (BOOK, TERMS, SEVERITY, GATES, LADDER)
ROSTERS, PERSONS = "rosters", "rosters/persons.yaml"
# Before desks had hours there was one file of persons; kept rulebooks and a company's own may still have it.
OLD_ROSTER = "rosters.yaml"
FOLDERS = ("clocks", "playbooks", ROSTERS)
WORDINGS = "notices"
NO_OVERLAY = "is no overlay folder; use `demo` or leave the overlay out"
NO_RULES = f"is no file of a rulebook; use {', '.join(SINGLE)} or a file in {'/, '.join(FOLDERS)}/"
Documents = dict[str, Document]


def documents(root: Path, overlay: str | None = None, company: Path | None = None) -> Documents:
    """Read every file of a rulebook, by its name below the folder. Raises RulebookInvalid.

    A company's folder may hold any of the files. Its rosters replace the shipped ones as a whole; its clock files add
    rules and versions; everything else is merged, field by field. `overlay` names a folder inside the root, which
    is merged in the same way, except that it adds nothing.
    """
    old = (root / OLD_ROSTER).is_file() and not (root / ROSTERS).is_dir()
    folders = [folder for folder in FOLDERS if not (old and folder == ROSTERS)]
    names = (*SINGLE, *([OLD_ROSTER] if old else []), *(name for folder in folders for name in _names(root, folder)))
    found = {name: read(root, name) for name in names}
    if company is not None:
        found = _with_company(found, company)
    if overlay is not None:
        over = _folder(root / overlay, f"{root.name}/{overlay}", NO_OVERLAY)
        found = _with_rosters(found, over) if (over / ROSTERS).is_dir() else found
        found = {name: laid_over(one, read(over, name)) if _beside(over, name) else one for name, one in found.items()}
    return found


def is_whole(folder: Path) -> bool:
    """Say whether a folder holds every file that a rulebook needs, as a copy of the shipped one does."""
    return all((folder / name).is_file() for name in SINGLE) and all((folder / name).is_dir() for name in FOLDERS)


def _beside(over: Path, name: str) -> bool:
    return (over / name).is_file() and not is_roster(name)


def is_roster(name: str) -> bool:
    """Say whether a file is about people and their hours."""
    return name == OLD_ROSTER or name.startswith(f"{ROSTERS}/")


def _with_rosters(found: Documents, folder: Path) -> Documents:
    """Replace the rosters as a whole: people and hours belong together."""
    names = _names(folder, ROSTERS) if (folder / ROSTERS).is_dir() else (OLD_ROSTER,)
    kept = {name: one for name, one in found.items() if not is_roster(name)}
    return {**kept, **{name: read(folder, name) for name in names}}


def wordings(root: Path) -> dict[str, str]:
    """Read the wordings that belong to a rulebook: its own, else the shipped ones."""
    folder = root / WORDINGS if (root / WORDINGS).is_dir() else HERE / WORDINGS
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}


def version(edition: str, found: Documents, words: dict[str, str]) -> str:
    """Name a rulebook by its edition and by everything in it, wordings included."""
    content = {"files": {name: _plain(one.values) for name, one in sorted(found.items())}, "wordings": words}
    return f"{edition}-{sha256(ids.canonical(content)).hexdigest()[:12]}"


def _with_company(found: Documents, company: Path) -> Documents:
    _folder(company, company.name, "is no folder; correct SEAWALL_RULEBOOK or unset it")
    own = {str(path.relative_to(company)) for path in company.rglob("*.yaml")}
    strange = sorted(name for name in own if name not in (*SINGLE, OLD_ROSTER) and name.split("/")[0] not in FOLDERS)
    if strange:
        raise RulebookInvalid(
            f"{company.name}/{strange[0]}",
            NO_RULES,
        )
    rosters = {name for name in own if is_roster(name)}
    found = _with_rosters(found, company) if rosters else found
    for name in sorted(own - rosters):
        over = read(company, name)
        if name not in found:
            found[name] = over
        elif name.startswith("clocks/"):
            found[name] = _added(found[name], over)
        else:
            found[name] = laid_over(found[name], over, adding=True)
    return found


def _added(base: Document, over: Document) -> Document:
    """Append the rules of a company's clock file to the shipped ones of the same name."""
    ours, theirs = base.values.get("rules"), over.values.get("rules") if isinstance(over.values, dict) else None
    if not isinstance(ours, list) or not isinstance(theirs, list):
        raise RulebookInvalid(over.where(("rules",)), "is no list of clock rules; write `rules:` and a list")
    lines = dict(base.lines)
    for place, line in over.lines.items():
        if len(place) > 1 and place[0] == "rules" and isinstance(place[1], int):
            moved: Place = ("rules", place[1] + len(ours), *place[2:])
            lines[moved] = line
    return replace(base, values={**base.values, "rules": [*ours, *theirs]}, lines=lines)


def _names(root: Path, folder: str) -> tuple[str, ...]:
    found = tuple(f"{folder}/{path.name}" for path in sorted((root / folder).glob("*.yaml")))
    if not found:
        raise RulebookInvalid(f"{root.name}/{folder}", "holds no rule files; restore the folder")
    return found


def _folder(path: Path, shown: str, text: str) -> Path:
    if not path.is_dir():
        raise RulebookInvalid(shown, text)
    return path


def _plain(value: Any) -> Any:
    """Write dates and number keys as text, so that canonical JSON has one form for them."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
