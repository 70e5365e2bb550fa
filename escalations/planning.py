"""How is a case handled, and why so? One plan from the rulebook and from everything that was reported."""

from dataclasses import replace

from escalations import attaching, situation
from escalations import severity as grading
from escalations.attaching import Known
from escalations.conditions import Situation
from escalations.enforcement import Sought
from escalations.model import Domain, Intake, IntakeKind, Targets
from escalations.plans import PeopleStep, Plan, PlanRequest
from escalations.playbooks import Playbook, Ring
from escalations.readings import Calendars
from escalations.rulebook import Rulebook

ORDERED_SEARCH = (IntakeKind.AUTHORITY_ORDER, IntakeKind.NOTICE)


def planned(book: Rulebook, calendars: Calendars, request: PlanRequest) -> Plan:
    """Plan a case. Raises NoPlaybook for a domain that has none yet."""
    told = situation.reported(book, request.intakes)
    domain = situation.domain_of(book, request.intakes, told)
    playbook = book.playbook(domain)
    known = Known(
        intakes=request.intakes,
        domain=domain,
        now=request.now,
        clocks=request.clocks,
        contained=request.contained,
        contained_at=request.contained_at,
    )
    clocks = attaching.attached(book, calendars, known, told)
    seen = situation.with_clocks(
        situation.described(book, told, domain, contained=request.contained), clocks, request.now
    )
    severity = grading.scored(book.severity, seen)
    grade, urgent = grading.urgency(book.severity, clocks, request.now)
    priority = grading.priority(severity.band, grade)
    seen["priority"] = priority
    contain_first = playbook.contain_first.holds(seen)
    sought = _sought(request)
    return Plan(
        rulebook=book.version,
        playbook=f"{playbook.id}/{playbook.version}",
        domain=domain,
        severity=severity,
        urgency=grade,
        priority=priority,
        reasons=(
            urgent,
            f"priority {priority}: the worse of P{severity.band} and U{grade}",
            *_handling(domain, request.intakes, contain_first=contain_first, sought=sought),
        ),
        clocks=clocks,
        targets=_targets(playbook, book.severity.targets[priority], priority),
        owner=playbook.owner,
        sought=sought,
        evidence=playbook.evidence,
        action=playbook.containment.action,
        reason_code=playbook.containment.reason_code,
        contain_first=contain_first,
        binding=any(intake.order for intake in request.intakes),
        page=playbook.page.holds(seen),
        channel=playbook.channel,
        root_cause_required=priority <= playbook.root_cause_to,
        batch=playbook.containment.batch,
        resweeps=playbook.resweeps,
        short_timeboxes=book.short_timeboxes,
        steps=_steps(playbook, seen),
        called=tuple(call.role for call in playbook.calls if call.when.holds(seen)),
        ring=_ring(playbook, seen),
    )


def _steps(playbook: Playbook, seen: Situation) -> tuple[PeopleStep, ...]:
    return tuple(
        PeopleStep(key=step.key, owner=step.owner, title=step.title, before_review=step.before_review)
        for step in playbook.steps
        if step.when.holds(seen)
    )


def _targets(playbook: Playbook, house: Targets, priority: int) -> Targets:
    own = {name: span for grade, name, span in playbook.targets if grade == priority}
    return replace(house, **own, business=tuple(one for one in house.business if one not in own)) if own else house


def _ring(playbook: Playbook, seen: Situation) -> str:
    ring = playbook.confidentiality(seen).ring
    return "" if ring is Ring.OPEN else ring.value


def _sought(request: PlanRequest) -> Sought:
    """Say what to look for. Where only orders and notices ask, nothing wider than they say is searched.

    An order for identical content needs no assessment of our own (GPSR art. 22(5)); a recall or an injury does.
    """
    products = [intake.product for intake in request.intakes if intake.product]
    listings = [*(one for intake in request.intakes for one in intake.listings)]
    listings += [one for intake in request.intakes if intake.order for one in intake.order.listings]
    return Sought(
        case_id=request.case_id,
        name=products[0].name if products else "",
        brand=next((product.brand for product in products if product.brand), ""),
        models=_once([model for product in products for model in product.models]),
        gtins=_once([gtin for product in products for gtin in product.gtins]),
        listings=_once(listings),
        exact_only=not products or all(intake.kind in ORDERED_SEARCH for intake in request.intakes),
    )


def _handling(domain: Domain, intakes: tuple[Intake, ...], *, contain_first: bool, sought: Sought) -> tuple[str, ...]:
    reasons = []
    if not any(intake.domain for intake in intakes):
        reasons.append(f"domain {domain.value}: no report names one; taken from what was reported")
    orders = [intake.order for intake in intakes if intake.order]
    if orders:
        references = ", ".join(order.reference for order in orders)
        reasons.append(f"binding: order {references} ({orders[0].authority})")
    if contain_first:
        reasons.append("contain first: waiting for legal review would endanger people or break a deadline")
    if sought.exact_only:
        reasons.append("exact matches only: orders and notices need no assessment of our own")
    return tuple(reasons)


def _once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
