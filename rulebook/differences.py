"""What would change with another rulebook? Its rules compared in words, and sample cases triaged under both."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from escalations import attaching, gates, planning, readings
from escalations.attaching import Known
from escalations.clocks import wanted_at
from escalations.consensus import GateKind
from escalations.gates import QuorumUnreachable
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Product
from escalations.plans import GateRequest, Plan, PlanRequest
from escalations.rulebook import NoPlaybook, Rulebook
from escalations.rules import ClockRule, Unit
from rulebook import roster_differences
from rulebook.calendars import Calendars

CASE = "ESC-0000-0000-0000"
NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
ONLY = {IntakeKind.RECALL_NOTICE: Domain.PSAFE, IntakeKind.COUNTER_NOTICE: Domain.IPR}
PARTS = ("platform", "countries", "terms", "ladder", "blast")
WORLD = ("DE", "US", "IN", "AU", "BR", "GB", "SG", "KR", "JP", "CA")


def differences(old: Rulebook, new: Rulebook) -> tuple[str, ...]:
    """List what differs, one line each: rules first, then what it does to sample cases. Empty for equal rulebooks."""
    if old.version == new.version:
        return ()
    rules = (*_clocks(old, new), *_severity(old, new), *_playbooks(old, new), *_rest(old, new))
    people = roster_differences.told(old.roster, new.roster)
    return (*rules, *people, *_cases(old, new)) or ("the wordings of the letters changed",)


def samples() -> Iterator[tuple[str, Intake]]:
    """Make every kind of report of each domain, told in ten countries at noon of 24 December 2026.

    Orders come of Germany and of India; recalls are of products, counter-notices of intellectual property.
    """
    for domain in Domain:
        for kind in IntakeKind:
            if ONLY.get(kind, domain) is not domain:
                continue
            for country in ("DE", "IN") if kind is IntakeKind.AUTHORITY_ORDER else ("",):
                for hurt in (Facts(), Facts(serious_injuries=1, confirmed=True, units_sold=5000)):
                    yield _sample(domain, kind, country, hurt)


def _sample(domain: Domain, kind: IntakeKind, country: str, hurt: Facts) -> tuple[str, Intake]:
    facts = "with a serious injury" if hurt.serious_injuries else "without harm known"
    order = AuthorityOrder(
        authority="an authority", reference="ORDER-1", legal_basis="", country=country, reply_to="a@b.example"
    )
    intake = Intake(
        source="sample",
        source_ref=f"{domain.value}-{kind.value}-{country}-{hurt.serious_injuries}",
        kind=kind,
        title="a sample",
        received_at=NOON,
        domain=domain,
        jurisdictions=WORLD,
        product=Product(name="a product", gtins=("9521100200110",)) if domain is Domain.PSAFE else None,
        order=order if country else None,
        facts=hurt,
    )
    place = f" of {country}" if country else ""
    return f"{domain.value} {kind.value.replace('_', ' ')}{place} {facts}", intake


def _clocks(old: Rulebook, new: Rulebook) -> Iterator[str]:
    before = {(rule.id, rule.version): rule for rule in old.clocks}
    after = {(rule.id, rule.version): rule for rule in new.clocks}
    for name, version in sorted(before.keys() | after.keys()):
        one, other = before.get((name, version)), after.get((name, version))
        if one is None:
            yield f"clock {name} version {version} is new"
        elif other is None:
            yield f"clock {name} version {version} is gone"
        else:
            yield from (f"clock {name} version {version}: {line}" for line in _fields(one, other, ClockRule))
            was, now = _counted(old, one), _counted(new, other)
            if was != now:
                yield f"clock {name} version {version}: counted from {NOON:%Y-%m-%d %H:%M}Z it is due {was} → {now}"


def _counted(book: Rulebook, rule: ClockRule) -> str:
    """Say when a rule by itself would be due, from noon of the day of the samples."""
    try:
        return _word(wanted_at(readings.alone(book, Calendars(), rule, NOON)))
    except readings.BadClockInput:
        return "as the order says" if rule.unit is Unit.AS_ORDERED else "at no time"


def _rest(old: Rulebook, new: Rulebook) -> Iterator[str]:
    for name in PARTS:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name}: {', '.join(_parts(before, after)) or 'its order'} changed"


def _parts(before: Any, after: Any) -> Iterator[str]:
    """Name what differs inside one part: its fields, or its rows."""
    if not isinstance(before, tuple):
        yield from (each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name))
        return
    rows = {_name(one): one for one in before}
    changed = {_name(one): one for one in after}
    yield from (name for name in (rows | changed) if rows.get(name) != changed.get(name))


def _name(row: Any) -> str:
    return str(next(getattr(row, field) for field in ("code", "name", "key") if hasattr(row, field)))


def _severity(old: Rulebook, new: Rulebook) -> Iterator[str]:
    before = {one.name: one for one in old.severity.inputs}
    for one in new.severity.inputs:
        known = before.get(one.name)
        if known is None or known.weight != one.weight:
            yield f"severity {one.name}: weight {known.weight if known else 0} → {one.weight}"
        elif known != one:
            yield f"severity {one.name}: its levels changed"
    for name in ("bands", "floors", "urgency", "targets", "responses"):
        if getattr(old.severity, name) != getattr(new.severity, name):
            yield f"severity: its {name} changed"


def _playbooks(old: Rulebook, new: Rulebook) -> Iterator[str]:
    before = {one.domain: one for one in old.playbooks}
    for one in new.playbooks:
        known = before.pop(one.domain, None)
        if known is None:
            yield f"playbook {one.id} is new"
        elif known != one:
            changed = ", ".join(
                each.name for each in fields(one) if getattr(known, each.name) != getattr(one, each.name)
            )
            yield f"playbook {one.id}: {changed} changed"
    yield from (f"playbook {one.id} is gone" for one in before.values())


def _cases(old: Rulebook, new: Rulebook) -> Iterator[str]:
    calendars = Calendars()
    for name, intake in samples():
        before, after = _triaged(old, calendars, intake), _triaged(new, calendars, intake)
        if isinstance(before, Plan) and isinstance(after, Plan):
            yield from (f"{name}: {line}" for line in (*_plans(before, after), *_tables(old, new, before, after)))
        elif before != after:
            yield f"{name}: {'can' if isinstance(after, Plan) else 'cannot'} be triaged any more"


def _triaged(book: Rulebook, calendars: Calendars, intake: Intake) -> Plan | str:
    """Plan a sample, then hide something of its own accord: the clocks of both are in the plan."""
    try:
        plan = planning.planned(book, calendars, PlanRequest(case_id=CASE, intakes=(intake,), now=NOON))
    except NoPlaybook as missing:
        return str(missing)
    known = Known(
        intakes=(intake,), domain=plan.domain, now=NOON, clocks=plan.clocks, markets=WORLD, contained=True, acted=True,
        contained_at=NOON, restricted=True, voluntary=True,
    )  # fmt: skip
    return replace(plan, clocks=attaching.attached(book, calendars, known))


def _plans(before: Plan, after: Plan) -> Iterator[str]:
    for name in ("playbook", "priority", "contain_first", "owner", "called", "ring"):
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            yield f"{name.replace('_', ' ')} {_word(one)} → {_word(other)}"
    if before.severity.score != after.severity.score:
        yield f"score {before.severity.score} → {after.severity.score}"
    ran, runs = _running(before), _running(after)
    yield from (f"{rule} starts" for rule in sorted(runs.keys() - ran.keys()))
    yield from (f"{rule} no longer starts" for rule in sorted(ran.keys() - runs.keys()))
    for rule in sorted(ran.keys() & runs.keys()):
        if ran[rule] != runs[rule]:
            yield f"{rule} is due {_word(ran[rule])} → {_word(runs[rule])}"


def _running(plan: Plan) -> dict[str, datetime | None]:
    return {clock.rule: wanted_at(clock) for clock in plan.clocks}


def _tables(old: Rulebook, new: Rulebook, before: Plan, after: Plan) -> Iterator[str]:
    for number, kind in enumerate(GateKind, 1):
        one, other = _table(old, before, kind, number), _table(new, after, kind, number)
        if one != other:
            yield f"{kind.value}: {one} → {other}"


def _table(book: Rulebook, plan: Plan, kind: GateKind, number: int) -> str:
    request = GateRequest(case_id=CASE, number=number, kind=kind, plan=plan, digest="0" * 64, now=NOON)
    try:
        gate = gates.drafted(book, request)
    except QuorumUnreachable as short:
        return str(short)
    seats = ", ".join(f"{seat.role}{'*' if seat.required else ''}" for seat in gate.seats)
    return f"{gate.quorum} of {seats} by {gate.due_at:%d %b %H:%M}, else {gate.default}"


def _fields(one: Any, other: Any, kind: type[ClockRule]) -> Iterator[str]:
    for each in fields(kind):
        was, now = getattr(one, each.name), getattr(other, each.name)
        if was != now:
            yield f"{each.name} {_word(was)} → {_word(now)}"


def _word(value: Any) -> str:
    text = getattr(value, "text", None)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, tuple):
        return ", ".join(map(_word, value)) or "none"
    return text if isinstance(text, str) else str(value)
