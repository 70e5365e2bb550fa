"""What is the ordinary case? A published recall of a product that one seller offers, in the United States only.

Triage, investigation, legal review (2 decisions), containment, external response (2), root cause (1) with one
corrective action, prevention begun, closed: what design section 10 sets a budget for. No clock of law, no emergency.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from escalations import ids
from escalations.casefile import Opening
from escalations.consensus import Gate, GateKind
from escalations.messages import Decide, ReportFinding, Said
from escalations.model import Action, Domain, Facts, Intake, IntakeKind, Product, Stage
from escalations.record import Card
from starter.say import say
from starter.signin import attested, new_request_id
from store import queries
from workflows.attributes import DOMAIN, STAGE

DOOR = "console"
LOOK_EVERY = 0.05  # seconds
WITHIN = 300.0  # seconds
PRODUCT = Product(name="Classic USB-C Charger", brand="Pellamore", models=("PUC-496",), gtins=("9527867718936",))
DECISIONS = (
    (GateKind.LEGAL_REVIEW, ("LEG", "PSAF"), "the listings match the product of the notice"),
    (GateKind.RESPONSE, ("PSAF", "LEG"), "facts checked; no admission, no minimising words"),
)
AUTHOR, PREVENTER = "sofia.safety", "petra.product"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where cases live: how they are started, read and spoken to."""

    client: Client
    engine: AsyncEngine
    home: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to run the ordinary case: the workflow and where it is worked."""

    workflow: str
    task_queue: str


def intake(number: int) -> Intake:
    """Make the n-th notice."""
    return Intake(
        source="cpsc",
        source_ref=f"{number:05}",
        kind=IntakeKind.RECALL_NOTICE,
        domain=Domain.PSAFE,
        title="Pellamore Recalls Classic USB-C Chargers Due to Burn Hazard",
        summary="This recall involves USB-C wall chargers, model PUC-496. The model number is printed on the plug.",
        received_at=datetime.now(UTC),
        jurisdictions=("US",),
        markets=("US",),
        product=PRODUCT,
        facts=Facts(confirmed=True, units_sold=8000),
        hazard="The charger can overheat, posing a burn hazard.",
        remedy="Refund",
        raw_digest=ids.digest(str(number).encode()),
        url=f"https://www.cpsc.gov/Recalls/2026/{number}",
    )


async def opened(house: House, kind: Kind, number: int) -> WorkflowHandle[Any, Any]:
    """Start one case as the intake door does."""
    notice = intake(number)
    case_id = ids.case_id(notice.source, notice.source_ref)
    shown = [SearchAttributePair(STAGE, Stage.INTAKE.value), SearchAttributePair(DOMAIN, Domain.PSAFE.value)]
    return await house.client.start_workflow(
        kind.workflow,
        Opening(case_id=case_id, intake=notice),
        id=case_id,
        task_queue=kind.task_queue,
        search_attributes=TypedSearchAttributes(shown),
        static_summary=f"{notice.kind.value} from {notice.source}",
    )


async def lived(house: House, kind: Kind, number: int) -> str:
    """Run one case from its notice to closed, saying what people would say; return its id."""
    handle = await opened(house, kind, number)
    for asks, roles, reason in DECISIONS:
        for role in roles:
            await _vote(house, handle.id, await _gate(house, handle.id, asks), role, reason)
    await seen(house, handle.id, lambda card: any("root cause" in wait.reason for wait in card.waiting))
    await _say(house, handle.id, "finding", _analysis())
    gate = await _gate(house, handle.id, GateKind.ROOT_CAUSE)
    await _vote(house, handle.id, gate, "PSAF", "deep enough, and the action is stronger than training")
    await handle.result()
    return handle.id


async def seen(house: House, case_id: str, wanted: Callable[[Card], Any]) -> Card:
    """Wait until the casebook shows something. Raises TimeoutError after five minutes."""
    async with asyncio.timeout(WITHIN):
        while True:
            card = await queries.card(house.engine, case_id)
            if card is not None and wanted(card):
                return card
            await asyncio.sleep(LOOK_EVERY)


def asked(card: Card, kind: GateKind) -> Gate | None:
    """Find the open question of a kind."""
    return next((one.gate for one in card.gates if one.gate.kind is kind and one.outcome is None), None)


async def _gate(house: House, case_id: str, kind: GateKind) -> Gate:
    gate = asked(await seen(house, case_id, lambda card: asked(card, kind)), kind)
    assert gate is not None
    return gate


async def _vote(house: House, case_id: str, gate: Gate, role: str, reason: str) -> None:
    seat = next(seat for seat in gate.seats if seat.role == role)
    person = next(one for one in seat.persons if one not in gate.excluded)
    vote = Decide(
        said=_said(person), gate=gate.id, digest=gate.digest, option=gate.recommended, role=role, reason=reason
    )
    await _say(house, case_id, "decide", vote)


def _analysis() -> ReportFinding:
    action = Action(
        id="relist-block",
        title="Block relisting by GTIN and model before a listing goes live",
        owner=PREVENTER,
        strength="automate",
        due=timedelta(days=30),
        verifier_role="PSAF",
    )
    return ReportFinding(
        said=_said(AUTHOR),
        kind="root_cause",
        text="Listings with a recalled GTIN could go live: recalls were read weekly, by hand",
        factors=("DET-1", "ENF-3"),
        actions=(action,),
    )


def _said(person: str) -> Said:
    return Said(request_id=new_request_id(), person=person, door=DOOR)


async def _say(house: House, case_id: str, name: str, message: Any) -> None:
    await say(house.client, case_id, name, attested(message, case_id, door=DOOR, home=house.home))
