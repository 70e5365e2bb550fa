"""Who is asked, until when, and what holds if nobody answers? A question drafted from the rulebook and pinned."""

from dataclasses import replace
from datetime import datetime, timedelta

from escalations import blast, ids
from escalations.clocks import last_call
from escalations.consensus import Gate, GateKind, Seat
from escalations.plans import GateRequest
from escalations.playbooks import GateRule, Panel, Playbook, SeatRule
from escalations.rulebook import Roster, Rulebook

REACHES_OUT = {GateKind.LEGAL_REVIEW: "hide", GateKind.CONTAINMENT: "proceed", GateKind.RATIFICATION: "ratify"}


class QuorumUnreachable(LookupError):
    """Too few persons may decide; the message says who is missing and what to do."""


def drafted(book: Rulebook, request: GateRequest) -> Gate:
    """Draft one question of a case. Raises QuorumUnreachable, and NoPlaybook for a plan of another rulebook."""
    playbook = book.playbook(request.plan.domain)
    rule = playbook.gate(request.kind)
    tier, reach = _tier(book, request)
    panel, who = _panel(rule, request, tier)
    panel = _called(panel, request.plan.called)
    due_at, until = _due(rule, request)
    default, why = _default(rule, request)
    excluded = tuple(sorted({took.person for took in request.parts if took.part in rule.apart_from}))
    seats, stood_in = _seats(book.roster, playbook, panel, request, excluded)
    widened = REACHES_OUT.get(request.kind)
    return Gate(
        id=ids.gate_id(request.case_id, request.number),
        kind=request.kind,
        question=rule.question,
        options=tuple(replace(one, blast=tier) if one.key == widened else one for one in rule.options),
        recommended=rule.recommended,
        default=default,
        seats=seats,
        quorum=panel.quorum,
        opened_at=request.now,
        due_at=due_at,
        digest=request.digest,
        excluded=excluded,
        binding=request.plan.binding,
        rulebook=book.version,
        steps=tuple(step for step in (reach, who, *stood_in, *until, why) if step),
    )


def _tier(book: Rulebook, request: GateRequest) -> tuple[int, str]:
    manifest = request.manifest
    if manifest is None:
        return 0, ""
    tier = blast.tier(manifest.count, manifest.sellers, len(manifest.markets), limits=book.blast)
    return tier, f"blast tier B{tier}: {manifest.count} listings of {manifest.sellers} sellers"


def _panel(rule: GateRule, request: GateRequest, tier: int) -> tuple[Panel, str]:
    if request.escalated and rule.ladder:
        level = min(request.escalated, len(rule.ladder))
        return rule.ladder[level - 1], f"level L{level}: nobody decided below"
    if request.plan.contain_first and rule.emergency:
        return dict(rule.emergency)[tier], "emergency: reversible, ratified by somebody else later"
    if rule.tiers:
        return dict(rule.tiers)[tier], ""
    return rule.panel, ""


def _called(panel: Panel, called: tuple[str, ...]) -> Panel:
    """Leave out the seats that this case does not call; the quorum grows to the required seats that are left.

    A role that has a seat already keeps one seat, with the stricter of both.
    """
    if not any(seat.if_called for seat in panel.seats):
        return panel
    found: dict[str, SeatRule] = {}
    for seat in panel.seats:
        if seat.if_called and seat.role not in called:
            continue
        known = found.get(seat.role, SeatRule(role=seat.role, required=False, may_veto=False))
        found[seat.role] = replace(
            known, required=known.required or seat.required, may_veto=known.may_veto or seat.may_veto
        )
    needed = sum(seat.required for seat in found.values())
    return Panel(seats=tuple(found.values()), quorum=max(panel.quorum, needed))


def _due(rule: GateRule, request: GateRequest) -> tuple[datetime, tuple[str, ...]]:
    """End the time-box before the nearest binding due time minus its margin, but grant the minimum in any case."""
    box = rule.time_box[request.plan.priority]
    due_at = request.now + box
    steps = [f"time-box {_span(box)} at priority {request.plan.priority}"]
    ends = last_call(request.plan.clocks) if rule.before_clocks else None
    if ends and ends[0] < due_at:
        due_at, nearest = ends
        steps.append(f"ends before {nearest.rule} is due, less {_span(nearest.margin)}")
    if due_at < request.now + rule.minimum:
        due_at = request.now + min(rule.minimum, box)
        steps.append(f"at least {_span(rule.minimum)} to answer")
    return due_at, tuple(steps)


def _default(rule: GateRule, request: GateRequest) -> tuple[str, str]:
    plan = request.plan
    if rule.if_escalated and request.escalated:
        return rule.if_escalated, f"default {rule.if_escalated}: the law demands it, and the question went up in vain"
    if rule.if_binding and plan.binding:
        return rule.if_binding, f"default {rule.if_binding}: a binding order stands"
    if rule.if_floor and plan.severity.floor is not None and plan.severity.floor <= 1:
        return rule.if_floor, f"default {rule.if_floor}: safety floor P{plan.severity.floor}"
    return rule.default, f"default {rule.default}: it can be undone"


def _seats(
    roster: Roster, playbook: Playbook, panel: Panel, request: GateRequest, excluded: tuple[str, ...]
) -> tuple[tuple[Seat, ...], tuple[str, ...]]:
    """Fill the seats. A required seat that separation of duties leaves empty is taken by the stand-in role."""
    rules: list[SeatRule] = []
    steps: list[str] = []
    for rule in panel.seats:
        free = set(roster.persons_in(rule.role)) - set(excluded)
        empty = rule.required and not free
        if empty:
            steps.append(f"{playbook.stand_in} sits for {rule.role}: all of {rule.role} took part before")
        rules.append(replace(rule, role=playbook.stand_in) if empty else rule)
    seats = tuple(
        Seat(role=rule.role, persons=roster.persons_in(rule.role), required=rule.required, may_veto=rule.may_veto)
        for rule in dict.fromkeys(rules)
    )
    able = {person for seat in seats for person in seat.persons} - set(excluded)
    missing = [seat.role for seat in seats if seat.required and not set(seat.persons) - set(excluded)]
    if missing or len(able) < panel.quorum:
        raise QuorumUnreachable(
            f"{request.case_id} needs {panel.quorum} persons for {request.kind.value} and {len(able)} may decide"
            f" (no one for {', '.join(missing) or 'the quorum'});"
            " add a person to rulebook/rosters/persons.yaml and try again"
        )
    return seats, tuple(steps)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
