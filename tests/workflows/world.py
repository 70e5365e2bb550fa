"""What does a test of the process say and see? Sentences over the real system."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.clients import http
from escalations import ids
from escalations.casefile import CaseFile, Closed, Opening
from escalations.consensus import GateKind, Stance
from escalations.messages import Decide, Receipt, ReportFinding, Said, TaskDone
from escalations.model import Action, AuthorityOrder, Domain, Facts, Intake, IntakeKind, Product
from escalations.record import Card, GateCard
from standins import serve
from starter.settings import Settings
from store import queries
from workflows import options
from workflows.escalation import Escalation

TOO_LATE = ("gate_closed", "already_voted", "already_done", "gate_open", "already_closed")
_numbers = itertools.count(1)
BLENDER = Product(name="Orbit Portable Blender", brand="Brightnook", models=("BN-OB300",), gtins=("9521100430043",))
POWER_BANK = Product(name="Peak 20K Power Bank", brand="Ohmberry", models=("OB-PK20",), gtins=("9521100200110",))
HEATER = Product(name="Ceramic Tower Heater", brand="Hearthlow", models=("HL-TH15",), gtins=("9521100315135",))
NOWHERE = Product(name="Zephyrine Quillbrush", brand="Zephyrine", models=("ZQ-99871",), gtins=("9521109990015",))
INJURED = Facts(serious_injuries=1, child_injured=True, serious_hazard=True, confirmed=True, units_sold=20_000)
COMPANY = Path(__file__).with_name("company")
PAUSABLE = "HOUSE-PAUSABLE"  # of the company's own rules
SILENCE = 60.0  # seconds without anything new, then a wait is given up
Handle = WorkflowHandle[Escalation, Closed]


def recall(product: Product = HEATER, **changes: Any) -> Intake:
    """A recall notice about a product, never the same one twice."""
    number = next(_numbers)
    given: dict[str, Any] = {
        "source": "cpsc",
        "source_ref": f"T{number:05}",
        "kind": IntakeKind.RECALL_NOTICE,
        "domain": Domain.PSAFE,
        "title": f"Recall of {product.name}",
        "received_at": datetime.now(UTC),
        "jurisdictions": ("US",),
        "product": product,
        "hazard": "can overheat",
    }
    return Intake(**{**given, **changes})


def order(listings: tuple[str, ...], **changes: Any) -> Intake:
    """A market-surveillance authority's order about a bath toy, never the same one twice."""
    number = next(_numbers)
    given: dict[str, Any] = {
        "source": "authority",
        "source_ref": f"ORDER-{number:05}",
        "kind": IntakeKind.AUTHORITY_ORDER,
        "title": "Order to remove a bath toy",
        "jurisdictions": ("DE",),
        "markets": ("DE",),
        "product": Product(name="Splash Whale", brand="Tumblebee", models=("TB-W055",), gtins=("9521100550116",)),
        "listings": listings,
        "order": AuthorityOrder(
            authority="Landesamt Nordmark",
            reference=f"ORDER-{number:05}",
            legal_basis="Regulation (EU) 2023/988 Art. 22(4)",
            country="DE",
            reply_to="marktaufsicht@authority.example",
            listings=listings,
        ),
    }
    return recall(**{**given, **changes})


def pausable_order(listings: tuple[str, ...]) -> Intake:
    """An order with a clock that may be suspended."""
    made = order(listings)
    assert made.order is not None
    return replace(made, order=replace(made.order, legal_basis="an act whose hour may be suspended"))


class Silence:
    """How long has nothing new been seen? On a busy machine all takes longer, but something always happens."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.last: object = None
        self.since = time.monotonic()

    def too_long(self, seen: object) -> bool:
        """Look once more; True when the same was seen for longer than is borne."""
        if seen != self.last:
            self.last, self.since = seen, time.monotonic()
        return time.monotonic() - self.since > self.seconds


@dataclass(slots=True, kw_only=True)
class World:
    """The system under test."""

    env: WorkflowEnvironment
    engine: AsyncEngine
    standins: serve.Running
    told: Settings
    lifted: int = 0
    cases: list[str] = field(default_factory=list)
    said: "itertools.count[int]" = field(default_factory=itertools.count)
    task_timeout: timedelta = timedelta(seconds=30)
    fatal: BaseException | None = None

    async def died(self, reason: BaseException) -> None:
        """Remember what the worker died of."""
        self.fatal = reason

    async def opened(self, intake: Intake) -> Handle:
        """Start a case; time stands still until a test moves it."""
        case_id = ids.case_id(intake.source, intake.source_ref)
        self.cases.append(case_id)
        with self.env.with_time_skipping_disabled():
            return await self.env.client.start_workflow(
                Escalation.run,
                Opening(case_id=case_id, intake=intake),
                id=case_id,
                task_queue=options.TASK_QUEUE,
                task_timeout=self.task_timeout,
            )

    async def card(self, handle: Handle) -> Card | None:
        """The case as the casebook shows it. Fails at once when nobody works on it any more."""
        assert self.fatal is None, f"the worker died: {self.fatal.__cause__ or self.fatal}"
        return await queries.card(self.engine, handle.id)

    async def until(self, handle: Handle, seen: Callable[[Card], Any], *, seconds: float = SILENCE) -> Card:
        """Wait until the casebook shows something; give up when it has shown nothing new for so many seconds."""
        silence = Silence(seconds)
        while (card := await self.card(handle)) is None or not seen(card):
            if silence.too_long(card.seq if card else 0):
                raise AssertionError(f"never seen; waits for {card.waiting if card else ()}; the case shows {card}")
            await asyncio.sleep(0.05)
        return card

    async def gate(self, handle: Handle, kind: GateKind) -> GateCard:
        """Wait for an open gate of a kind."""

        def found(card: Card) -> GateCard | None:
            return next((one for one in card.gates if one.gate.kind is kind and one.outcome is None), None)

        gate = found(await self.until(handle, found))
        assert gate is not None
        return gate

    def by(self, person: str, request_id: str = "") -> Said:
        """Who says it, with a delivery id of its own."""
        return Said(request_id=request_id or f"test-{next(self.said)}", person=person, door="test")

    async def say(self, handle: Any, name: str, message: Any) -> Receipt:
        """Say something and get the receipt."""
        receipt: Receipt = await handle.execute_update(
            name, message, id=f"u-{next(self.said)}", result_type=Receipt, rpc_timeout=timedelta(seconds=SILENCE)
        )
        return receipt

    async def vote(
        self, handle: Any, gate: GateCard, role: str, option: str, stance: Stance = Stance.APPROVE, reason: str = "seen"
    ) -> Receipt:
        """Let the next person of a role vote."""
        asked = gate.gate
        heard = {vote.person for vote in gate.votes}
        seat = next(seat for seat in asked.seats if seat.role == role)
        person = next(one for one in seat.persons if one not in heard and one not in asked.excluded)
        message = Decide(
            said=self.by(person),
            gate=asked.id,
            digest=asked.digest,
            option=option,
            stance=stance,
            role=role,
            reason=reason,
        )
        return await self.say(handle, "decide", message)

    async def agree(self, handle: Any, kind: GateKind, option: str) -> None:
        """Let as many people agree as the gate asks for, required seats first."""
        gate = await self.gate(handle, kind)
        seats = sorted((seat for seat in gate.gate.seats if seat.persons), key=lambda seat: not seat.required)
        taken: set[str] = {vote.person for vote in gate.votes}
        for number, seat in enumerate(seats):
            if number >= gate.gate.quorum and not seat.required:
                break
            person = next(one for one in seat.persons if one not in taken and one not in gate.gate.excluded)
            taken.add(person)
            message = Decide(
                said=self.by(person),
                gate=gate.gate.id,
                digest=gate.gate.digest,
                option=option,
                role=seat.role,
                reason="ok",
            )
            await self.say(handle, "decide", message)

    async def explain(self, handle: Handle, *actions: Action) -> None:
        """Write the root cause analysis."""
        finding = ReportFinding(
            said=self.by("sam.safety"), kind="root_cause", text="weekly import", factors=("DET-1",), actions=actions
        )
        await self.say(handle, "finding", finding)

    async def finish(self, handle: Handle) -> CaseFile:
        """Do whatever is still owed until the case is closed."""
        silence = Silence(SILENCE)
        while (card := await self.card(handle)) is None or card.closed_at is None:
            if silence.too_long(card.seq if card else 0):
                raise AssertionError(f"never closed; open: {card.open_items if card else 'nothing known'}")
            if card is not None:
                await self._owed_or_late(handle, card)
            await asyncio.sleep(0.05)
        await handle.result()
        return await handle.query(Escalation.file)

    async def _owed_or_late(self, handle: Handle, card: Card) -> None:
        """Do what the card asks for; what was answered since it was drawn is refused, and that is fine."""
        try:
            await self._owed(handle, card)
        except WorkflowUpdateFailedError as refused:
            cause = refused.cause
            if not isinstance(cause, ApplicationError) or cause.type not in TOO_LATE:
                raise

    async def _owed(self, handle: Handle, card: Card) -> None:
        for gate in card.gates:
            if gate.outcome is None:
                await self.agree(handle, gate.gate.kind, gate.gate.recommended)
        if any("root cause" in wait.reason for wait in card.waiting):
            await self.explain(handle)
        for task in card.tasks:
            if task.done_at is None:
                await self.say(handle, "task", TaskDone(said=self.by("ana.ic"), task=task.id, proof="by hand"))
        await asyncio.sleep(0.05)

    async def forward(self, handle: Any, how_long: timedelta) -> bool:
        """Let time pass for one workflow."""
        return await self.env.fast_forward(handle, how_long)

    async def listings(self, brand: str) -> dict[str, dict[str, Any]]:
        """What the marketplace shows of a brand, by listing id."""
        async with http.client(self.told.marketplace_url, self.standins.token) as client:
            answer = (await client.get("/v1/listings", params={"brand": brand})).json()
        return {item["id"]: item for item in answer["items"]}

    async def lift_all(self) -> None:
        """Lift every restriction in the marketplace."""
        applied = [e for e in self.standins.journal("marketplace") if e["op"] == "restrict" and e["kind"] == "applied"]
        async with http.client(self.told.marketplace_url, self.standins.token) as client:
            for entry in applied[self.lifted :]:
                await client.delete(f"/v1/listings/{entry['subject']}/restrictions/{entry['key']}")
        self.lifted = len(applied)

    def hidden(self, case_id: str) -> list[str]:
        """The listings that the marketplace was told to restrict for a case, one entry for each time it took effect."""
        return [
            str(entry["subject"])
            for entry in self.standins.journal("marketplace")
            if entry["op"] == "restrict" and entry["kind"] == "applied" and case_id in str(entry)
        ]
