"""What would change with another rulebook? Its rules compared in words, and sample cases triaged under both."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from escalations import gates, planning
from escalations.clocks import wanted_at
from escalations.consensus import GateKind
from escalations.gates import QuorumUnreachable
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Product
from escalations.plans import GateRequest, Plan, PlanRequest
from escalations.rulebook import NoPlaybook, Rulebook
from escalations.rules import ClockRule
from rulebook import roster_differences
from rulebook.calendars import Calendars

CASE = "ESC-0000-0000-0000"
NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
WORLD = ("DE", "US", "IN", "AU", "BR", "GB", "SG", "KR", "JP", "CA")


def differences(old: Rulebook, new: Rulebook) -> tuple[str, ...]:
    """List what differs, one line each: rules first, then what it does to sample cases. Empty for equal rulebooks."""
    if old.version == new.version:
        return ()
    people = roster_differences.told(old.roster, new.roster)
    return (*_clocks(old, new), *_severity(old, new), *_playbooks(old, new), *people, *_cases(old, new))


def samples() -> Iterator[tuple[str, Intake]]:
    """Make one order, one recall and one incident of each domain, told in ten countries at noon of 24 December 2026."""
    product = Product(name="a product", gtins=("9521100200110",))
    order = AuthorityOrder(
        authority="an authority", reference="ORDER-1", legal_basis="", country="DE", reply_to="a@b.example"
    )
    for domain in Domain:
        for kind in (IntakeKind.AUTHORITY_ORDER, IntakeKind.NOTICE, IntakeKind.INCIDENT_REPORT, IntakeKind.ALERT):
            for hurt in (Facts(), Facts(serious_injuries=1, confirmed=True, units_sold=5000)):
                facts = "with a serious injury" if hurt.serious_injuries else "without harm known"
                intake = Intake(
                    source="sample",
                    source_ref=f"{domain.value}-{kind.value}-{hurt.serious_injuries}",
                    kind=kind,
                    title="a sample",
                    received_at=NOON,
                    domain=domain,
                    jurisdictions=WORLD,
                    product=product if domain is Domain.PSAFE else None,
                    order=order if kind is IntakeKind.AUTHORITY_ORDER else None,
                    facts=hurt,
                )
                yield f"{domain.value} {kind.value.replace('_', ' ')} {facts}", intake


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


def _severity(old: Rulebook, new: Rulebook) -> Iterator[str]:
    before = {one.name: one for one in old.severity.inputs}
    for one in new.severity.inputs:
        known = before.get(one.name)
        if known is None or known.weight != one.weight:
            yield f"severity {one.name}: weight {known.weight if known else 0} → {one.weight}"
        elif known != one:
            yield f"severity {one.name}: its levels changed"
    for name in ("bands", "floors", "urgency", "targets"):
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
    try:
        return planning.planned(book, calendars, PlanRequest(case_id=CASE, intakes=(intake,), now=NOON))
    except NoPlaybook as missing:
        return str(missing)


def _plans(before: Plan, after: Plan) -> Iterator[str]:
    for name in ("playbook", "priority", "contain_first", "owner", "called", "ring"):
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            yield f"{name.replace('_', ' ')} {_word(one)} → {_word(other)}"
    if before.severity.score != after.severity.score:
        yield f"score {before.severity.score} → {after.severity.score}"
    ran = {clock.rule: wanted_at(clock) for clock in before.clocks}
    runs = {clock.rule: wanted_at(clock) for clock in after.clocks}
    yield from (f"{rule} starts" for rule in sorted(runs.keys() - ran.keys()))
    yield from (f"{rule} no longer starts" for rule in sorted(ran.keys() - runs.keys()))
    for rule in sorted(ran.keys() & runs.keys()):
        if ran[rule] != runs[rule]:
            yield f"{rule} is due {_word(ran[rule])} → {_word(runs[rule])}"


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
