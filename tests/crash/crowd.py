"""Who decides while workers and servers die under them? People who say everything until it was heard, under one id."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from escalations.consensus import GateKind, Seat
from escalations.messages import Decide, ReportFinding, Said, TaskDone
from escalations.record import Card, GateCard
from starter.errors import REFUSED, Problem
from starter.say import say
from starter.saying import Message
from store import queries
from tests.crash.ground import Ground
from tests.workflows.world import Silence

PATIENCE = timedelta(seconds=5)  # of one try to be heard
SILENCE = 120.0  # seconds without anything new; a worker that dies has to be noticed and born again first
AUTHOR = "sam.safety"


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Answers whatever a case asks; `options` names the answers that are not the recommended ones.

    `heard` keeps the request ids that got a receipt: each of them must be in the case's memory at the end.
    """

    ground: Ground
    options: Mapping[GateKind, str] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    async def until(self, case_id: str, seen: Callable[[Card], Any]) -> Card:
        """Attend a case until the casebook shows something; give up when it has shown nothing new for too long."""
        silence = Silence(SILENCE)
        while (card := await queries.card(self.ground.engine, case_id)) is None or not seen(card):
            self.ground.assert_alive()
            assert not silence.too_long((card and card.seq, len(self.heard))), f"never seen; the case shows {card}"
            if card is not None:
                await self._attend(card)
            await asyncio.sleep(0.05)
        return card

    async def closed(self, case_id: str) -> Card:
        """Attend a case until it is closed."""
        return await self.until(case_id, lambda card: card.closed_at)

    async def vote(self, case_id: str, asked: GateCard, seat: Seat) -> None:
        """Let the first free person of a seat vote."""
        gate = asked.gate
        voted = {vote.person for vote in asked.votes}
        person = next((one for one in seat.persons if one not in voted | {*gate.excluded}), "")
        if person:
            said = Said(request_id=f"{gate.id}-{person}", person=person, door="test")
            option = self.options.get(gate.kind, gate.recommended)
            decide = Decide(said=said, gate=gate.id, digest=gate.digest, option=option, role=seat.role, reason="seen")
            await self._say(case_id, "decide", decide)

    async def _attend(self, card: Card) -> None:
        for asked in card.gates:
            if asked.outcome is None and (seat := _next_seat(asked)) is not None:
                await self.vote(card.case_id, asked, seat)
        if any("root cause" in wait.reason for wait in card.waiting):
            said = Said(request_id=f"{card.case_id}-cause", person=AUTHOR, door="test")
            cause = ReportFinding(said=said, kind="root_cause", text="weekly import", factors=("DET-1",))
            await self._say(card.case_id, "finding", cause)
        for task in card.tasks:
            if task.done_at is None:
                said = Said(request_id=f"{card.case_id}-{task.id}", person="ana.ic", door="test")
                await self._say(card.case_id, "task", TaskDone(said=said, task=task.id, proof="by hand"))

    async def _say(self, case_id: str, name: str, message: Message) -> None:
        """Say it once more each time round, until it was answered."""
        request_id = message.said.request_id
        if request_id in self.heard | self.refused.keys():
            return
        try:
            receipt = await say(self.ground.client, case_id, name, message, timeout=PATIENCE)
        except Problem as problem:
            if problem.exit_code == REFUSED:
                self.refused[request_id] = problem.code
        else:
            assert receipt.request_id == request_id
            self.heard.add(request_id)


def _next_seat(asked: GateCard) -> Seat | None:
    """Find who should speak next: required seats first, then others until the quorum is there."""
    spoken = {vote.role for vote in asked.votes}
    seats = [seat for seat in asked.gate.seats if seat.role not in spoken and seat.persons]
    required = [seat for seat in seats if seat.required]
    if required:
        return required[0]
    return seats[0] if seats and len(asked.votes) < asked.gate.quorum else None
