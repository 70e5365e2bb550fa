"""What do conditions see of a case? The reports, put together so that the worst of them counts."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timedelta

from escalations.clocks import Clock, ClockStatus, Force, nearest_binding
from escalations.conditions import Situation
from escalations.facts import MARKS
from escalations.model import Domain, Facts, Intake, IntakeKind
from escalations.rulebook import EU, Rulebook

ALIASES: Mapping[str, str] = {"UK": "GB", "EL": "GR", "USA": "US"}
SMALL = ("micro", "small")
ANY_HOUR = timedelta(hours=1)
FACTS = tuple(field.name for field in fields(Facts))


def facts(intakes: tuple[Intake, ...]) -> Facts:
    """Put the facts of at least one report together: the highest count and any true flag; each report counts once.

    Counts are not added up: two reports are usually about the same people.
    """
    known = [intake.facts for intake in intakes]
    sold = [one.units_sold for one in known if one.units_sold is not None]
    return Facts(
        deaths=max(one.deaths for one in known),
        serious_injuries=max(one.serious_injuries for one in known),
        minor_injuries=max(one.minor_injuries for one in known),
        child_injured=any(one.child_injured for one in known),
        serious_hazard=any(one.serious_hazard for one in known),
        units_sold=max(sold, default=None),
        independent_reports=max(len(known), *(one.independent_reports for one in known)),
        confirmed=any(one.confirmed for one in known),
        vulnerable_users=any(one.vulnerable_users for one in known),
        media=max(one.media for one in known),
        velocity=max(one.velocity for one in known),
        evading=any(one.evading for one in known),
        marks=tuple(sorted({mark for one in known for mark in one.marks})),
        subjects=tuple(sorted({subject for one in known for subject in one.subjects})),
        people_affected=max((one.people_affected for one in known if one.people_affected is not None), default=None),
        sellers_wronged=max(one.sellers_wronged for one in known),
        events=tuple(event for one in known for event in one.events),
    )


def places(book: Rulebook, intake: Intake) -> tuple[str, ...]:
    """List where a report says its matter belongs: countries, and `EU` with any Member State. Sorted."""
    return jurisdictions(book, _codes(intake))


def jurisdictions(book: Rulebook, codes: tuple[str, ...]) -> tuple[str, ...]:
    """Write country codes one way and add the legal system of each. Sorted, without repeats."""
    found = {ALIASES.get(code.upper(), code.upper()) for code in codes if code}
    european = any(book.legal_order(place) == EU for place in found)
    return tuple(sorted(found | {EU} if european else found))


def domain_of(book: Rulebook, intakes: tuple[Intake, ...], told: Situation | None = None) -> Domain:
    """Find the domain of a case: one that takes the case over, one a report names, else what its kind suggests.

    What a playbook claims (`takes_over_when`, such as a child in the picture) no report can name away. Of the domains
    that are named, product safety comes first. `told` is what the reports say, where that was put together before.
    """
    likely = _named(intakes)
    seen = described(book, reported(book, intakes) if told is None else told, likely)
    return next((one.domain for one in book.playbooks if one.takes_over_when.holds(seen)), likely)


def _named(intakes: tuple[Intake, ...]) -> Domain:
    named = [intake.domain for intake in intakes if intake.domain]
    if named:
        return Domain.PSAFE if Domain.PSAFE in named else named[0]
    return Domain.PSAFE if any(_about_a_product(intake) for intake in intakes) else Domain.ILLEG


def situation(book: Rulebook, intakes: tuple[Intake, ...], domain: Domain, *, contained: bool = False) -> Situation:
    """Describe a case before the act, in the words that conditions may use (`conditions.SUBJECTS`)."""
    return described(book, reported(book, intakes), domain, contained=contained)


def reported(book: Rulebook, intakes: tuple[Intake, ...]) -> Situation:
    """Put together what reports say. It takes far longer than to describe where a case stands, so it is done once."""
    known = facts(intakes)
    orders = tuple(intake.order for intake in intakes if intake.order)
    products = tuple(intake.product for intake in intakes if intake.product)
    ordering = jurisdictions(book, tuple(order.country for order in orders))
    listings = {listing for intake in intakes for listing in intake.listings}
    listings |= {listing for order in orders for listing in order.listings}
    return {
        **{name: getattr(known, name) for name in FACTS},
        **{mark: mark in known.marks for mark in MARKS},
        "kinds": tuple(sorted({intake.kind.value for intake in intakes})),
        "jurisdictions": jurisdictions(book, tuple(code for intake in intakes for code in _codes(intake))),
        "product_categories": tuple(sorted({product.category for product in products if product.category})),
        "order_countries": ordering,
        "legal_bases": tuple(_bases(intakes)),
        "events": tuple(sorted({event.kind for event in known.events})),
        "order": bool(orders),
        "order_in_eu": EU in ordering,
        "order_at_home": book.platform.establishment in ordering,
        "order_dated": any(order.due_at for order in orders),
        "identical_content": any(order.identical_content for order in orders),
        "product": bool(products),
        "identifiers": sum(len(product.gtins) + len(product.models) for product in products),
        "listings": len(listings),
    }


def described(
    book: Rulebook,
    told: Situation,
    domain: Domain,
    *,
    markets: tuple[str, ...] = (),
    contained: bool = False,
    restricted: bool = False,
    voluntary: bool = False,
) -> Situation:
    """Describe where a case stands of which reports told something; `markets` are those of an act."""
    places = jurisdictions(book, (*told["jurisdictions"], *markets)) if markets else told["jurisdictions"]
    seen: Situation = {
        **told,
        "domain": domain.value,
        "roles": book.platform.roles,
        "jurisdictions": places,
        "legal_orders": len({book.legal_order(place) for place in places}),
        "contained": contained,
        "restricted": restricted,
        "platform_small": book.platform.size in SMALL,
        "voluntary": voluntary,
        "law_clocks": 0,
        "nearest_hours": None,
        "priority": None,
    }
    for term in book.terms:
        seen[term.name] = term.means.holds(seen)
    return seen


def with_clocks(base: Situation, clocks: tuple[Clock, ...], now: datetime) -> Situation:
    """Add what the clocks say: how many law set, and whole hours to the nearest binding due time, rounded up."""
    law = sum(clock.force is Force.LAW and clock.status is ClockStatus.RUNNING for clock in clocks)
    nearest = nearest_binding(clocks)
    if nearest is None or nearest.due_operational is None:
        return {**base, "law_clocks": law}
    hours = -((now - nearest.due_operational) // ANY_HOUR)
    return {**base, "law_clocks": law, "nearest_hours": max(hours, 0)}


def _codes(intake: Intake) -> tuple[str, ...]:
    return (*intake.jurisdictions, *intake.markets, *((intake.order.country,) if intake.order else ()))


def _bases(intakes: tuple[Intake, ...]) -> Iterator[str]:
    for intake in intakes:
        yield from (text for text in (intake.order.legal_basis if intake.order else "", intake.legal_basis) if text)


def _about_a_product(intake: Intake) -> bool:
    if intake.kind is IntakeKind.RECALL_NOTICE:
        return True
    hurt = intake.facts.deaths or intake.facts.serious_injuries or intake.facts.minor_injuries
    return intake.product is not None or bool(intake.hazard or hurt)
