"""Who plays the people in the demo? Persons of the roster, saying through the doors what a person would say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from escalations.consensus import GateKind, Seat
from escalations.messages import Appeal, Decide, ReportFinding, Said, TaskDone
from escalations.model import Action, Stage
from escalations.record import Card, GateCard
from escalations.rulebook import Roster
from starter.errors import Problem
from starter.say import say
from starter.signin import attested
from store import queries

DOOR = "cli"
REASONS = {
    GateKind.CONTAINMENT: "people may be hurt; hiding can be undone",
    GateKind.RATIFICATION: "the act was right, and proportionate",
    GateKind.LEGAL_REVIEW: "the listings match the product of the notice",
    GateKind.RESPONSE: "facts checked; no admission, no minimising words",
    GateKind.ROOT_CAUSE: "deep enough, and the action is stronger than training",
    GateKind.VERIFICATION: "seen working",
}


@dataclass(slots=True, kw_only=True)
class Cast:
    """The people, and what they have said so far. `wronged` names the listings that a case hid wrongly."""

    client: Client
    engine: AsyncEngine
    roster: Roster
    home: Path
    told: Callable[[str, str], None]
    wronged: Callable[[str], Awaitable[tuple[str, ...]]] | None = None
    said: set[str] = field(default_factory=set)
    restored: list[str] = field(default_factory=list)

    async def play(self, stop: asyncio.Event) -> None:
        """Answer whatever waits for a person, until told to stop."""
        while not stop.is_set():
            for card in await queries.cards(self.engine, open=True, limit=200):
                await self._attend(card)
            await asyncio.sleep(0.2)

    async def _attend(self, card: Card) -> None:
        for gate in card.gates:
            if gate.outcome is None:
                await self._decide(card, gate)
        if card.stage is Stage.ROOT_CAUSE and any("root cause" in wait.reason for wait in card.waiting):
            await self._explain(card)
        for task in card.tasks:
            if task.done_at is None:
                person = self._person(task.owner)
                done = TaskDone(said=self._said(card, f"task-{task.id}", person), task=task.id, proof="demo-receipt")
                await self._say(card, "task", done)
        if self.wronged and card.sweeps and card.case_id not in self.said:
            await self._appeal(card)

    async def _decide(self, card: Card, asked: GateCard) -> None:
        gate = asked.gate
        seat = _next_seat(asked)
        if seat is None:
            return
        heard = {vote.person for vote in asked.votes}
        person = next((one for one in seat.persons if one not in heard and one not in gate.excluded), None)
        if person is None:
            return
        decide = Decide(
            said=self._said(card, f"{gate.id}-{person}", person),
            gate=gate.id,
            digest=gate.digest,
            option=gate.recommended,
            role=seat.role,
            reason=REASONS[gate.kind],
        )
        await self._say(card, "decide", decide)

    async def _explain(self, card: Card) -> None:
        author = self._person(card.owner)
        action = Action(
            id="relist-block",
            title="Block relisting by GTIN and model before a listing goes live",
            owner=self._person("PROD"),
            strength="automate",
            due=timedelta(days=30),
            verifier_role="PSAF",
        )
        finding = ReportFinding(
            said=self._said(card, "root-cause", author),
            kind="root_cause",
            text="Listings with a recalled GTIN could go live: recalls were read weekly, by hand",
            factors=("DET-1", "ENF-3"),
            actions=(action,),
        )
        await self._say(card, "finding", finding)

    async def _appeal(self, card: Card) -> None:
        """A wrongly matched seller objects; somebody who did not decide the act grants it."""
        self.said.add(card.case_id)
        listings = await self.wronged(card.case_id) if self.wronged else ()
        if not listings:
            return
        deciders = {vote.person for gate in card.gates for vote in gate.votes}
        person = next(one for one in self.roster.persons_in("OPS") if one not in deciders)
        reason = "second generation of the product; it is not the one recalled"
        grant = Appeal(said=self._said(card, "appeal", person), listings=listings, reason=reason, grant=True)
        await self._say(card, "appeal", grant)
        self.restored.extend(listings)

    def _person(self, role: str) -> str:
        return role if self.roster.roles_of(role) else self.roster.persons_in(role)[0]

    def _said(self, card: Card, what: str, person: str) -> Said:
        return Said(request_id=f"demo-{card.case_id}-{what}", person=person, door=DOOR)

    async def _say(self, card: Card, name: str, message: Any) -> None:
        if message.said.request_id in self.said:
            return
        try:
            await say(self.client, card.case_id, name, attested(message, card.case_id, door=DOOR, home=self.home))
        except Problem as problem:
            # Another answer may have come first; what is still open is looked at again.
            self.told(card.case_id, f"{message.said.person}: {problem.line()}")
            return
        self.said.add(message.said.request_id)


def _next_seat(asked: GateCard) -> Seat | None:
    """Find who should speak next: required seats first, then others until the quorum is there."""
    heard = {vote.role for vote in asked.votes}
    open_seats = [seat for seat in asked.gate.seats if seat.role not in heard and seat.persons]
    required = [seat for seat in open_seats if seat.required]
    if required:
        return required[0]
    return open_seats[0] if open_seats and len(asked.votes) < asked.gate.quorum else None
