"""How would a report be handled? The whole plan with its reasons, from a file, without a server."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starter import rules
from starter.errors import Problem
from starter.explain.duties import instant
from starter.people import showing
from starter.people.here import Json

if TYPE_CHECKING:
    from escalations.consensus import Gate
    from escalations.model import Intake
    from escalations.plans import Plan
    from escalations.rulebook import Rulebook

DIGEST = "0" * 64


def triage(
    file: Annotated[str, typer.Argument(help="A report, or a recall feed's JSON; '-' reads standard input.")],
    at: Annotated[str, typer.Option(help="When it arrives, with its offset; else now.")] = "",
    json: Json = False,
) -> None:
    """Say how reports would be triaged: severity, clocks, who signs off. Nothing is started or kept."""
    from escalations import facts, ids
    from starter.intake import documents
    from starter.intake.commands import _bytes
    from starter.intake.refusals import BadInput

    now = instant(at) if at else datetime.now(UTC)
    if now.year not in facts.YEARS:
        text = f"The time lies in {now.year}; reports arrive in {facts.YEARS.start} to {facts.YEARS.stop - 1}."
        raise Problem("date_out_of_range", text, next_step="Check the year of --at.")
    try:
        batch = documents.read(_bytes(file), source="cli", now=now)
    except BadInput as refused:
        raise refused.problem() from None
    book = rules.today()
    told = [_told(book, ids.case_id(one.intake.source, one.intake.source_ref), one.intake) for one in batch.reports]
    vectors = [_vector(book, one.intake, plan) for one, (plan, _) in zip(batch.reports, told, strict=True)]
    if not told:
        raise Problem("no_report", "No record of the file could be read as a report.", next_step="Try `seawall open`.")
    if json:
        answers = [_answer(book, plan, gates, vector) for (plan, gates), vector in zip(told, vectors, strict=True)]
        showing.as_json(answers, list[dict[str, Any]])
        return
    for (plan, gates), parsed, vector in zip(told, batch.reports, vectors, strict=True):
        _show(parsed.intake, plan, gates, vector)


def _told(book: "Rulebook", case_id: str, intake: "Intake") -> "tuple[Plan, tuple[Gate, ...]]":
    from escalations import gates, planning, rosters_asking
    from escalations.consensus import GateKind
    from escalations.plans import GateRequest, PlanRequest
    from rulebook.calendars import Calendars

    now, calendars = intake.received_at, Calendars()
    request = PlanRequest(case_id=case_id, intakes=(intake,), now=now)
    plan = rosters_asking.named_in_plan(book, calendars, planning.planned(book, calendars, request), request)
    questions = [
        GateRequest(case_id=case_id, number=number, kind=kind, plan=plan, digest=DIGEST, now=now)
        for number, kind in enumerate(GateKind, 1)
    ]
    asked = tuple(rosters_asking.named_in_gate(book, calendars, gates.drafted(book, one), one) for one in questions)
    return plan, asked


def _vector(book: "Rulebook", intake: "Intake", plan: "Plan") -> tuple[tuple[str, int], ...]:
    """Find the level of each severity input, 0 to 4, in the order of the rules."""
    from escalations import severity, situation

    seen = situation.situation(book, (intake,), plan.domain)
    levels = severity.levels(book.severity, situation.with_clocks(seen, plan.clocks, intake.received_at))
    return tuple((one.name, level) for one, level in zip(book.severity.inputs, levels, strict=True))


def _answer(
    book: "Rulebook", plan: "Plan", gates: "tuple[Gate, ...]", vector: tuple[tuple[str, int], ...]
) -> dict[str, Any]:
    return {
        "sign_off": _sign_off(book, plan),
        "ring": plan.ring or "open",
        "domain": plan.domain.value,
        "playbook": plan.playbook,
        "rulebook": plan.rulebook,
        "priority": plan.priority,
        "severity": {
            "band": plan.severity.band,
            "score": plan.severity.score,
            "floor": plan.severity.floor,
            "vector": dict(vector),
        },
        "steps": list(plan.severity.steps),
        "urgency": plan.urgency,
        "reasons": list(plan.reasons),
        "contain_first": plan.contain_first,
        "binding": plan.binding,
        "clocks": [asdict(clock) for clock in plan.clocks],
        "ask": [{"person": person, "why": why} for person, why in _ask(plan)],
        "people_steps": [asdict(step) for step in plan.steps],
        "gates": [_question(gate) for gate in gates],
    }


def _sign_off(book: "Rulebook", plan: "Plan") -> dict[str, list[str]]:
    playbook = book.playbook(plan.domain)
    return {
        "approve": list(playbook.approve),
        "veto": list(playbook.veto),
        "consulted": list(playbook.consulted),
        "called": list(plan.called),
    }


def _question(gate: "Gate") -> dict[str, Any]:
    return {
        "kind": gate.kind.value,
        "question": gate.question,
        "seats": [{"role": seat.role, "required": seat.required, "veto": seat.may_veto} for seat in gate.seats],
        "ask": list(gate.ask),
        "quorum": gate.quorum,
        "default": gate.default,
        "due_at": gate.due_at,
        "steps": list(gate.steps),
    }


def _ask(plan: "Plan") -> tuple[tuple[str, str], ...]:
    return plan.on_duty.ask if plan.on_duty else ()


def _show(intake: "Intake", plan: "Plan", gates: "tuple[Gate, ...]", vector: tuple[tuple[str, int], ...]) -> None:
    showing.lines(f"{intake.title} ({intake.kind.value})")
    showing.lines(f"  playbook {plan.playbook}, domain {plan.domain.value}, rulebook {plan.rulebook}")
    showing.lines(f"  priority {plan.priority}: P{plan.severity.band}, U{plan.urgency}, score {plan.severity.score}")
    showing.lines("    " + ", ".join(f"{name} {level}" for name, level in vector) + " (each of 4)")
    showing.lines(*(f"    {step}" for step in (*plan.severity.steps, *plan.reasons)))
    for clock in plan.clocks:
        due = clock.due_operational or clock.internal_target
        law = "due" if clock.due_operational else "internal target"
        showing.lines(f"  clock {clock.rule}: {clock.duty}, {law} {due:%Y-%m-%dT%H:%M:%SZ}" if due else clock.rule)
        showing.lines(*(f"    {step}" for step in clock.derivation))
    showing.lines(*(f"  ask {person}: {why}" for person, why in _ask(plan)))
    for step in plan.steps:
        showing.lines(f"  step {step.key} ({step.owner}): {step.title}")
    for gate in gates:
        seats = ", ".join(f"{seat.role}{'*' if seat.required else ''}" for seat in gate.seats)
        showing.lines(
            f"  gate {gate.kind.value}: {seats}; {gate.quorum} must agree, by {gate.due_at:%Y-%m-%d %H:%M}Z, "
            f"else {gate.default}"
        )
    showing.lines("  (* consent required)")
