"""What do conditions see of a case? The reports, put together so that the worst of them counts."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta

from escalations.clocks import Clock, ClockStatus, Force, nearest_binding
from escalations.conditions import Value
from escalations.model import Domain, Facts, Intake, IntakeKind
from escalations.rulebook import EU, Rulebook

ALIASES: Mapping[str, str] = {"UK": "GB", "EL": "GR", "USA": "US"}
ANY_HOUR = timedelta(hours=1)


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
    )


def places(book: Rulebook, intake: Intake) -> tuple[str, ...]:
    """List where a report says its matter belongs: countries, and `EU` with any Member State. Sorted."""
    order = (intake.order.country,) if intake.order else ()
    return jurisdictions(book, (*intake.jurisdictions, *intake.markets, *order))


def jurisdictions(book: Rulebook, codes: tuple[str, ...]) -> tuple[str, ...]:
    """Write country codes one way and add the legal system of each. Sorted, without repeats."""
    found = {ALIASES.get(code.upper(), code.upper()) for code in codes if code}
    states = set(book.eu_states())
    return tuple(sorted(found | {EU} if found & states else found))


def domain_of(intakes: tuple[Intake, ...]) -> Domain:
    """Find the domain of a case: the one a report names (product safety first), else what its kind suggests."""
    named = [intake.domain for intake in intakes if intake.domain]
    if named:
        return Domain.PSAFE if Domain.PSAFE in named else named[0]
    return Domain.PSAFE if any(_about_a_product(intake) for intake in intakes) else Domain.ILLEG


def situation(
    book: Rulebook,
    intakes: tuple[Intake, ...],
    domain: Domain,
    *,
    markets: tuple[str, ...] = (),
    contained: bool = False,
    restricted: bool = False,
    voluntary: bool = False,
) -> dict[str, Value]:
    """Describe a case, or one report of it, in the words that conditions may use (`conditions.SUBJECTS`)."""
    known = facts(intakes)
    orders = tuple(intake.order for intake in intakes if intake.order)
    products = tuple(intake.product for intake in intakes if intake.product)
    told = jurisdictions(book, (*(place for intake in intakes for place in places(book, intake)), *markets))
    listings = {listing for intake in intakes for listing in intake.listings}
    listings |= {listing for order in orders for listing in order.listings}
    numbers_and_flags: dict[str, Value] = {field.name: getattr(known, field.name) for field in fields(Facts)}
    return numbers_and_flags | {
        "kind": tuple(sorted({intake.kind.value for intake in intakes})),
        "domain": (domain.value,),
        "role": book.platform.roles,
        "jurisdiction": told,
        "product_category": tuple(sorted({product.category for product in products if product.category})),
        "order_country": jurisdictions(book, tuple(order.country for order in orders)),
        "legal_basis": tuple(order.legal_basis for order in orders),
        "order": bool(orders),
        "order_in_eu": EU in jurisdictions(book, tuple(order.country for order in orders)),
        "order_dated": any(order.due_at for order in orders),
        "identical_content": any(order.identical_content for order in orders),
        "product": bool(products),
        "contained": contained,
        "restricted": restricted,
        "voluntary": voluntary,
        "identifiers": sum(len(product.gtins) + len(product.models) for product in products),
        "listings": len(listings),
        "legal_orders": len({_legal_order(book, place) for place in told}),
        "law_clocks": 0,
        "nearest_hours": None,
        "priority": None,
    }


def with_clocks(base: Mapping[str, Value], clocks: tuple[Clock, ...], now: datetime) -> dict[str, Value]:
    """Add what the clocks say: how many law set, and whole hours to the nearest binding due time, rounded up."""
    law = sum(clock.force is Force.LAW and clock.status is ClockStatus.RUNNING for clock in clocks)
    nearest = nearest_binding(clocks)
    if nearest is None or nearest.due_operational is None:
        return {**base, "law_clocks": law}
    hours = -((now - nearest.due_operational) // ANY_HOUR)
    return {**base, "law_clocks": law, "nearest_hours": max(hours, 0)}


def _about_a_product(intake: Intake) -> bool:
    if intake.kind is IntakeKind.RECALL_NOTICE:
        return True
    hurt = intake.facts.deaths or intake.facts.serious_injuries or intake.facts.minor_injuries
    return intake.product is not None or bool(intake.hazard or hurt)


def _legal_order(book: Rulebook, place: str) -> str:
    country = book.country(place)
    return country.legal_order if country else place
