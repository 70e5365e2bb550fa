"""What is the rulebook, once it has been read? One frozen value with a version."""

from dataclasses import dataclass
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
    """Who holds which roles, and who works when. A roster without desks keeps no hours: everybody is always asked."""

    persons: tuple[Person, ...]
    desks: tuple[Desk, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    levels: tuple[Level, ...] = ()

    def roles_of(self, person: str) -> tuple[str, ...]:
        """List a person's roles; nobody unknown has any."""
        return next((one.roles for one in self.persons if one.id == person), ())

    def persons_in(self, role: str) -> tuple[str, ...]:
        """List the ids of the persons who hold a role, in the order of the roster."""
        return tuple(one.id for one in self.persons if role in one.roles)


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
        return next((country for country in self.countries if country.code == code), None)

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
