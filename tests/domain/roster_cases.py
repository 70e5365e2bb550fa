"""What do tests of rosters begin from? Small desks written as their files are, in a book with little else."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import yaml

import rulebook
from escalations.rosters import Desk
from escalations.rulebook import Rulebook
from rulebook.calendars import Calendars
from rulebook.roster_rows import DeskFile, PersonsFile, roster

CALENDARS = Calendars()
PERSONS = """
persons:
  ana.ic: {name: A, roles: [IC]}
  leo.legal: {name: L, roles: [LEG]}
  lena.legal: {name: M, roles: [LEG]}
  lin.legal: {name: N, roles: [LEG]}
  sam.safety: {name: S, roles: [PSAF]}
  emma.exec: {name: E, roles: [EXEC]}
"""
LEVELS = """
levels:
  - {title: commander and lead, asks: [IC, "@owner"], after: PT30M}
  - {title: directors, asks: [lena.legal], after: PT30M}
  - {title: heads, asks: [leo.legal], after: PT60M}
  - {title: crisis team, asks: [EXEC]}
"""
DUBLIN = """
desk: dublin
zone: Europe/Dublin
calendar: IE
weekend: [saturday, sunday]
hours: {from: "09:00", to: "18:00"}
home: [EU]
shifts:
  day: {days: working_days, from: "09:00", to: "18:00", staff: {LEG: [leo.legal]}}
"""
RIYADH = """
desk: riyadh
zone: Asia/Riyadh
calendar: SA
weekend: [friday, saturday]
hours: {from: "09:00", to: "17:00"}
home: [IN]
shifts:
  day: {days: working_days, from: "09:00", to: "17:00", staff: {LEG: [lin.legal]}}
"""


@lru_cache(maxsize=1)
def shipped() -> Rulebook:
    """The shipped rulebook, read once."""
    return rulebook.load()


def book(*desks: str, people: str = PERSONS + LEVELS) -> Rulebook:
    """The shipped rulebook with another roster, written as its files are."""
    rows = [DeskFile.model_validate(yaml.safe_load(text)) for text in desks]
    persons = PersonsFile.model_validate(yaml.safe_load(people))
    return replace(shipped(), roster=roster(persons, {row.desk: row for row in rows}))


def desk(text: str) -> Desk:
    """One desk."""
    return book(text).roster.desks[0]


def utc(text: str) -> datetime:
    """An instant, written as 2026-12-25T09:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
