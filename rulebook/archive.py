"""Where is every rulebook that a case may still follow? Each version is kept, file by file, when it is first used."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from escalations.rulebook import Rulebook, UnknownRulebook
from rulebook import sources
from rulebook.loading import load
from rulebook.reading import RulebookInvalid

# The C writer says the same five times as fast; a build of PyYAML may lack it.
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Rulebooks:
    """The rulebook of today, and those of before that are kept in a folder. Kept versions are never changed."""

    def __init__(self, current: Rulebook, folder: Path) -> None:
        self.current = current
        self._folder = folder
        self._kept = lru_cache(maxsize=8)(self._read)

    def of(self, version: str) -> Rulebook:
        """Find a version. Raises UnknownRulebook when it is not kept, or is no longer what it was."""
        return self.current if version == self.current.version else self._kept(version)

    def _read(self, version: str) -> Rulebook:
        place = self._folder / version
        try:
            book = load(place)
        except RulebookInvalid as wrong:
            raise UnknownRulebook(
                f"rulebook {version} is not kept here ({wrong}); put it back, or replan the case"
            ) from None
        if book.version != version:
            raise UnknownRulebook(f"rulebook {version} was altered where it is kept; put it back, or replan the case")
        return book


def opened(folder: Path, *, overlay: str | None = None, company: Path | None = None) -> Rulebooks:
    """Load the rulebook of today and keep it below a folder. Raises RulebookInvalid."""
    book = load(overlay=overlay, company=company)
    _keep(sources.documents(sources.HERE, overlay, company), folder / book.version)
    return Rulebooks(book, folder)


def _keep(found: sources.Documents, place: Path) -> None:
    """Write the resolved files under their version; twice, or from two workers at once, is the same as once."""
    if place.is_dir():
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-"))
    for name, one in found.items():
        file = aside / name
        file.parent.mkdir(exist_ok=True)
        text = yaml.dump(one.values, Dumper=DUMPER, sort_keys=False, allow_unicode=True, width=1000)
        file.write_text(text, encoding="utf-8")
    (aside / sources.WORDINGS).mkdir()
    for name, text in sources.wordings(sources.HERE).items():
        (aside / sources.WORDINGS / name).write_text(text, encoding="utf-8")
    try:
        aside.rename(place)
    except OSError:
        shutil.rmtree(aside)
        if not place.is_dir():
            raise
