"""What is the rulebook, once it has been read? One frozen value with a version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from escalations.blast import HOUSE, Limits
from escalations.conditions import Condition
from escalations.model import Domain
from escalations.notices import Template
from escalations.playbooks import LadderStep, Playbook
from escalations.rosters import Absence, Delegation, Desk, Level
from escalations.rules import ClockRule
from escalations.severity import SeverityRules

EU = "EU"


class NoPlaybook(LookupError):
    """No playbook exists for a domain yet; the message names the next step."""


class UnknownRulebook(LookupError):
    """A case was opened with a version of the rulebook that is not kept here; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A market: its zone for the end of a day, its calendar, and the legal system it belongs to (`EU` or itself)."""

    code: str
    zone: str
    calendar: str
    legal_order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The company that the duties fall on. `roles` are those the law knows; `redress` is told to sellers and buyers.

    `size` is micro, small, medium or large (Recommendation 2003/361/EC).
    """

    name: str
    establishment: str
    roles: tuple[str, ...]
    contact: str
    redress: str
    size: str = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody on the roster. Absences are days of the person's `desk`, UTC without one."""

    id: str
    name: str
    roles: tuple[str, ...]
    desk: str = ""
    absent: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who holds which roles, and who works when. A roster without desks keeps no hours: everybody is always asked.

    `people` are the persons by their id. What is looked up again and again is put in order once, when it is made.
    """

    persons: tuple[Person, ...]
    desks: tuple[Desk, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    levels: tuple[Level, ...] = ()
    people: Mapping[str, Person] = field(init=False, repr=False, compare=False)
    _holders: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        roles = dict.fromkeys(role for one in self.persons for role in one.roles)
        holders = {role: tuple(one.id for one in self.persons if role in one.roles) for role in roles}
        object.__setattr__(self, "people", {one.id: one for one in self.persons})
        object.__setattr__(self, "_holders", holders)

    def roles_of(self, person: str) -> tuple[str, ...]:
        """List a person's roles; nobody unknown has any."""
        known = self.people.get(person)
        return known.roles if known else ()

    def persons_in(self, role: str) -> tuple[str, ...]:
        """List the ids of the persons who hold a role, in the order of the roster."""
        return self._holders.get(role, ())

    def desk_of(self, person: Person) -> Desk | None:
        """Find the desk that a person works at."""
        return next((one for one in self.desks if one.key == person.desk), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A name for a condition that several rules share, such as the scope of a regulation. `source` is the law."""

    name: str
    means: Condition
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """Law and policy as one value. `version` is `YYYY.MM-` and 12 hex digits over everything that was read."""

    version: str
    clocks: tuple[ClockRule, ...]
    severity: SeverityRules
    playbooks: tuple[Playbook, ...]
    roster: Roster
    platform: Platform
    countries: tuple[Country, ...]
    templates: tuple[Template, ...] = ()
    short_timeboxes: bool = False
    terms: tuple[Term, ...] = ()
    ladder: tuple[LadderStep, ...] = ()
    blast: Limits = HOUSE
    _countries: Mapping[str, Country] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_countries", {country.code: country for country in self.countries})

    def playbook(self, domain: Domain) -> Playbook:
        """Find the playbook of a domain. Raises NoPlaybook."""
        for playbook in self.playbooks:
            if playbook.domain is domain:
                return playbook
        known = ", ".join(playbook.domain.value for playbook in self.playbooks)
        raise NoPlaybook(
            f"no playbook for {domain.value} yet (there is one for {known}); add rulebook/playbooks/"
            f"{domain.value.lower()}.yaml, or report the case under another domain"
        )

    def country(self, code: str) -> Country | None:
        """Find a country by its ISO 3166 code."""
        return self._countries.get(code)

    def legal_order(self, place: str) -> str:
        """Name the legal system that a place belongs to: `EU` or the country itself, the place where it is none."""
        country = self._countries.get(place)
        return country.legal_order if country else place

    def eu_states(self) -> tuple[str, ...]:
        """List the codes of the Member States of the European Union."""
        return tuple(country.code for country in self.countries if country.legal_order == EU)


class Rulebooks(Protocol):
    """Every version of the rulebook that cases may still follow."""

    @property
    def current(self) -> Rulebook:
        """The rulebook of today."""
        ...

    def of(self, version: str) -> Rulebook:
        """Find a version. Raises UnknownRulebook."""
        ...


@dataclass(frozen=True, slots=True)
class OneRulebook:
    """A rulebook that is the only one there is."""

    current: Rulebook

    def of(self, version: str) -> Rulebook:
        """Find a version. Raises UnknownRulebook for any other."""
        if version != self.current.version:
            raise UnknownRulebook(f"rulebook {version} is not kept here; put it back, or replan the case")
        return self.current
