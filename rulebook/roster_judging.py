"""Where are the faults of people and hours? Each with its file and line; coverage is asked when all else is right."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from escalations.rulebook import Rulebook
from rulebook import roster_checks
from rulebook.calendars import Calendars
from rulebook.reading import Document
from rulebook.roster_rows import DeskFile
from rulebook.sources import OLD_ROSTER, PERSONS, ROSTERS

Found = tuple[str, str]


def desk_files(rows: Mapping[str, Any]) -> dict[str, DeskFile]:
    """Pick the files of desks, by name."""
    return {name: row for name, row in rows.items() if name.startswith(f"{ROSTERS}/") and name != PERSONS}


def judged(
    documents: Mapping[str, Document], desks: Mapping[str, DeskFile], book: Rulebook, years: tuple[date, ...]
) -> Iterator[Found]:
    """Find what is wrong with the people and desks of a rulebook; each year begins on a day and is judged whole."""
    persons = PERSONS if PERSONS in documents else OLD_ROSTER
    faults = roster_checks.people_faults(book.roster, keeps_hours=persons == PERSONS)
    found = [(documents[persons].where(place), text) for place, text in faults]
    files = {row.desk: name for name, row in desks.items()}
    for desk, name in zip(book.roster.desks, sorted(desks), strict=True):
        faults = roster_checks.desk_faults(book, desk, years)
        found += [(documents[name].where(place), text) for place, text in faults]
    yield from found
    for year in years if files and not found else ():
        for judge in (roster_checks.overlap_faults, roster_checks.cover_faults):
            for key, (place, text) in judge(book, Calendars(), year):
                yield documents[files[key]].where(place), text
