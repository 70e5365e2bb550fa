"""How does a case ask people one question, and how does that end? By their votes, at its time-box, or as superseded."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from temporalio import workflow

from activities.policy import Policy
from escalations import consensus, ids, parts
from escalations.consensus import Gate, GateKind, Outcome
from escalations.enforcement import Manifest
from escalations.plans import GateRequest
from escalations.record import GateCard
from workflows import options
from workflows.case import Case
from workflows.people import insisted, page


async def decided(
    case: Case,
    kind: GateKind,
    digest: str,
    *,
    manifest: Manifest | None = None,
    escalated: int = 0,
    moot: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Ask people one question and wait for their answer; at the time-box the default is taken and marked so.

    A question that became `moot` meanwhile is closed as superseded.
    """
    async with case.asking.setdefault(kind, asyncio.Lock()):
        card = open_gate(case, kind) or await _opened(case, kind, digest, manifest, escalated)
    gate = card.gate
    await case.watch.until(
        lambda: card_of(case, gate.id).outcome is not None or moot(),
        owner=", ".join(seat.role for seat in gate.seats),
        reason=gate.question,
        until=gate.due_at,
        then=f"default: {gate.default}",
    )
    if moot():
        supersede(case, kind)
    outcome = card_of(case, gate.id).outcome
    if outcome is None:
        outcome = consensus.by_default(gate, card_of(case, gate.id).votes, workflow.now())
        conclude(case, gate.id, outcome)
        text = f"nobody decided {gate.kind.value} in time; default {gate.default} taken"
        case.beside(page(case, text, level=escalated + 1, excluded=gate.excluded))
    return outcome


def supersede(case: Case, kind: GateKind) -> None:
    """Close an open question that no longer needs an answer."""
    card = open_gate(case, kind)
    if card is not None:
        conclude(case, card.gate.id, consensus.superseded(card.gate, card.votes, workflow.now()))


def conclude(case: Case, gate_id: str, outcome: Outcome) -> None:
    """Close a gate. Its conditions become tasks that block closing."""
    card = card_of(case, gate_id)
    put(case, replace(card, outcome=outcome))
    text = f"{card.gate.kind.value}: {outcome.option} by {outcome.how}"
    case.journal.note("gate.decided", text, gate=gate_id, option=outcome.option, how=outcome.how)
    for number, condition in enumerate(outcome.conditions, 1):
        case.owe(f"{gate_id.rsplit('/', 1)[-1]}-condition-{number}", condition, case.plan.owner)


def card_of(case: Case, gate_id: str) -> GateCard:
    """Find the card of a gate by the gate's id."""
    return next(card for card in case.file.gates if card.gate.id == gate_id)


def open_gate(case: Case, kind: GateKind) -> GateCard | None:
    """Find the open question of a kind."""
    return next((card for card in case.file.gates if card.gate.kind is kind and card.outcome is None), None)


def put(case: Case, card: GateCard) -> None:
    """Replace a gate's card."""
    index = next(i for i, one in enumerate(case.file.gates) if one.gate.id == card.gate.id)
    case.file.gates[index] = card


async def _opened(case: Case, kind: GateKind, digest: str, manifest: Manifest | None, escalated: int) -> GateCard:
    gate = await _drafted(case, kind, digest, manifest, escalated)
    # Two questions may be drafted at the same time; the number is taken when the answer is here.
    gate = replace(gate, id=ids.gate_id(case.id, len(case.file.gates) + 1), asked="")
    card = GateCard(gate=gate)
    case.file.gates.append(card)
    roles = ", ".join(seat.role for seat in gate.seats)
    first = f"; ask {', '.join(gate.ask)}" if gate.ask else ""
    text = f"{gate.question} ({roles}, until {gate.due_at:%Y-%m-%d %H:%M}Z{first})"
    case.journal.note("gate.opened", text, gate=gate.id, asks=kind.value)
    return card


async def _drafted(case: Case, kind: GateKind, digest: str, manifest: Manifest | None, escalated: int) -> Gate:
    """Ask policy who must agree and by when, until it has an answer."""

    def draft() -> Awaitable[Gate]:
        # Asked anew after a failure, with what is known then: the case may follow another rulebook by now.
        request = GateRequest(
            case_id=case.id,
            number=len(case.file.gates) + 1,
            kind=kind,
            plan=replace(case.plan, clocks=tuple(case.file.clocks)),
            digest=digest,
            now=workflow.now(),
            manifest=manifest,
            parts=parts.taken(case.file),
            escalated=escalated,
        )
        answer = workflow.execute_local_activity_method(Policy.draft_gate, request, **options.POLICY)
        return case.journal.after(answer)

    return await insisted(case, f"the question of {kind.value}", draft)
