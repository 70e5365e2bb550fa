"""What does the ordinary case cost without Seawall? The same hands, votes, children and entries in a straight line.

No timers, clocks, refusals, search attributes or answers kept: whatever it saves against the real workflow is what
those cost.
"""

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.casebook import Casebook
    from activities.chat import Chat, ChatPost
    from activities.evidence import EvidenceRoom, Gather
    from activities.mail import Mail
    from activities.marketplace import Marketplace
    from activities.policy import Policy
    from escalations import ids
    from escalations.casefile import Closed, Opening
    from escalations.consensus import GateKind, Outcome, Vote
    from escalations.enforcement import Manifest, SweepOrder
    from escalations.messages import Decide, Receipt, ReportFinding
    from escalations.model import Part, Stage, TookPart
    from escalations.notices import Notice, NoticeOrder, Sent
    from escalations.plans import GateRequest, NoticesRequest, Plan, PlanRequest
    from escalations.record import Batch, Card, Entry, GateCard, Wait
    from workflows import options
    from workflows.prevention import Prevention, PreventionOrder
    from workflows.sweep import Sweep


@workflow.defn
class Control:
    """plan → search → vote → sweep → vote → notices → root cause → vote → follow-up."""

    @workflow.init
    def __init__(self, opening: Opening) -> None:
        intake = opening.intake
        now = workflow.now()
        self.entries: list[Entry] = []
        self.finding: ReportFinding | None = None
        self.card = Card(
            case_id=opening.case_id,
            seq=0,
            title=intake.title,
            stage=Stage.INTAKE,
            opened_at=now,
            updated_at=now,
            source=intake.source,
            source_ref=intake.source_ref,
            jurisdictions=intake.jurisdictions,
        )

    @workflow.run
    async def run(self, opening: Opening) -> Closed:
        """Go from the first hand to the last."""
        plan = await self._planned(opening)
        self._see(plan)
        found, _, _ = await asyncio.gather(self._found(plan), self._gathered(opening, plan), self._told(plan))
        await self._agreed(GateKind.LEGAL_REVIEW, plan, found.digest, found, Stage.LEGAL_REVIEW)
        await self._swept(plan, found)
        notices = await self._drafted(opening, plan, found)
        digest = ids.digest(repr(notices).encode())
        await self._agreed(GateKind.RESPONSE, plan, digest, found, Stage.RESPONSE)
        await asyncio.gather(*(self._sent(number, notice, found) for number, notice in enumerate(notices, 1)))
        await self._explained(plan)
        await self._followed_up(plan)
        self.card = replace(self.card, closed_at=workflow.now(), stage=Stage.CLOSED)
        self._note("case.closed", "closed", ruling="hide")
        self._note("stage.entered", "stage: closed", stage="closed")
        await self._record()
        return Closed(case_id=self.card.case_id, ruling="hide", closed_at=self.card.closed_at, runs=1)

    @workflow.update
    async def decide(self, message: Decide) -> Receipt:
        """Vote."""
        now = workflow.now()
        asked = next(one for one in self.card.gates if one.gate.id == message.gate)
        vote = Vote(
            gate=message.gate,
            person=message.said.person,
            role=message.role,
            option=message.option,
            stance=message.stance,
            at=now,
            reason=message.reason,
            door=message.said.door,
            request_id=message.said.request_id,
        )
        self._note("vote.cast", f"{vote.role}: {vote.option}", actor=vote.person, gate=vote.gate, reason=vote.reason)
        votes = (*asked.votes, vote)
        outcome = None
        if len(votes) >= asked.gate.quorum:
            outcome = Outcome(gate=vote.gate, option=vote.option, how="quorum", at=now, votes=votes)
            self._note("gate.decided", f"{asked.gate.kind.value}: {vote.option}", gate=vote.gate, option=vote.option)
        gates = tuple(replace(asked, votes=votes, outcome=outcome) if one is asked else one for one in self.card.gates)
        self.card = replace(self.card, gates=gates)
        await self._record()
        text = f"recorded; {asked.gate.kind.value} {'decided: ' + vote.option if outcome else 'is not decided yet'}"
        return Receipt(request_id=message.said.request_id, code="taken", text=text, at=now)

    @workflow.update(name="finding")
    async def report_finding(self, message: ReportFinding) -> Receipt:
        """Write the root cause."""
        self.finding = message
        self.card = replace(self.card, waiting=(), actions=message.actions)
        self._note("root_cause.written", message.text, actor=message.said.person)
        text = "root cause written; somebody else approves it"
        return Receipt(request_id=message.said.request_id, code="taken", text=text, at=workflow.now())

    async def _planned(self, opening: Opening) -> Plan:
        request = PlanRequest(case_id=opening.case_id, intakes=(opening.intake,), now=workflow.now())
        return await workflow.execute_local_activity_method(Policy.plan_case, request, **options.POLICY)

    def _see(self, plan: Plan) -> None:
        self.card = replace(
            self.card,
            stage=Stage.INVESTIGATION,
            domain=plan.domain,
            severity=plan.severity.band,
            urgency=plan.urgency,
            priority=plan.priority,
            score=plan.severity.score,
            reasons=(*plan.severity.steps, *plan.reasons),
            rulebook=plan.rulebook,
            playbook=plan.playbook,
            owner=plan.owner,
            clocks=plan.clocks,
        )
        self._note("case.opened", self.card.title, source=self.card.source)
        for clock in plan.clocks:
            self._note("clock.started", f"{clock.rule}: {clock.duty}", rule=clock.rule, why="; ".join(clock.derivation))
        self._note("case.triaged", f"P{plan.severity.band}", reasons="; ".join(self.card.reasons))
        self._note("stage.entered", "stage: investigation", stage="investigation")

    async def _found(self, plan: Plan) -> Manifest:
        why = options.why(options.SEARCH, "find matching listings")
        found = await workflow.execute_activity_method(Marketplace.find_listings, plan.sought, **why)
        self.card = replace(self.card, manifest=found)
        self._note("listings.found", f"{found.count} listings", manifest=found.digest)
        return found

    async def _gathered(self, opening: Opening, plan: Plan) -> None:
        gather = Gather(case_id=opening.case_id, intakes=(opening.intake,), kinds=plan.evidence)
        recording = asyncio.create_task(self._record())
        kept = await workflow.execute_local_activity_method(EvidenceRoom.gather, gather, **options.EVIDENCE_AT_ONCE)
        digests = kept.digests
        await recording
        self._note("evidence.gathered", f"{len(digests)} pieces of evidence kept", digests=" ".join(digests))

    async def _told(self, plan: Plan) -> None:
        text = f"{self.card.case_id}: priority {plan.priority}, {plan.playbook}"
        post = ChatPost(case_id=self.card.case_id, channel=plan.channel, text=text)
        await workflow.execute_activity_method(Chat.post, post, **options.why(options.CHAT, "announce in chat"))

    async def _agreed(
        self,
        kind: GateKind,
        plan: Plan,
        digest: str,
        found: Manifest | None,
        stage: Stage,
        parts: tuple[TookPart, ...] = (),
    ) -> None:
        number = len(self.card.gates) + 1
        request = GateRequest(
            case_id=self.card.case_id,
            number=number,
            kind=kind,
            plan=replace(plan, clocks=self.card.clocks),
            digest=digest,
            now=workflow.now(),
            manifest=found,
            parts=parts,
        )
        gate = await workflow.execute_local_activity_method(Policy.draft_gate, request, **options.POLICY)
        wait = Wait(owner="", reason=gate.question, until=gate.due_at, then=gate.default)
        self.card = replace(self.card, stage=stage, gates=(*self.card.gates, GateCard(gate=gate)), waiting=(wait,))
        self._note("stage.entered", f"stage: {stage.value}", stage=stage.value)
        self._note("gate.opened", gate.question, gate=gate.id, asks=kind.value)
        await self._record()
        await workflow.wait_condition(
            lambda: self.card.gates[number - 1].outcome is not None and workflow.all_handlers_finished()
        )

    async def _swept(self, plan: Plan, found: Manifest) -> None:
        order = SweepOrder(
            case_id=self.card.case_id,
            number=1,
            decision=1,
            action=plan.action,
            reason_code=plan.reason_code,
            manifest=found,
            batch=plan.batch,
            resweeps=plan.resweeps,
            sought=replace(plan.sought, beyond=(found.digest,)),
        )
        swept = await workflow.execute_child_workflow(
            Sweep.run,
            order,
            id=ids.sweep_id(self.card.case_id, 1),
            parent_close_policy=ParentClosePolicy.ABANDON,
        )
        self.card = replace(self.card, sweeps=(swept,))
        self._note("listings.hidden", f"{swept.applied.done} hidden", manifest=found.digest)

    async def _drafted(self, opening: Opening, plan: Plan, found: Manifest) -> tuple[Notice, ...]:
        request = NoticesRequest(
            case_id=self.card.case_id,
            plan=replace(plan, clocks=()),
            intakes=(opening.intake,),
            manifest=found,
            restricted=self.card.sweeps[0].applied.done,
            contained_at=workflow.now(),
            now=workflow.now(),
            clocks=self.card.clocks,
        )
        answer = await workflow.execute_local_activity_method(Policy.draft_notices, request, **options.POLICY)
        self.card = replace(self.card, clocks=answer.clocks)
        return answer.notices

    async def _sent(self, number: int, notice: Notice, found: Manifest) -> None:
        order = NoticeOrder(
            case_id=self.card.case_id, number=number, notice=notice, at=workflow.now(), manifest=found.digest
        )
        why = options.why(options.MAIL, f"tell {notice.recipient.value}")
        sent: Sent = await workflow.execute_activity_method(Mail.send_notice, order, **why)
        self.card = replace(self.card, sent=(*self.card.sent, sent))
        self._note("notice.sent", f"{notice.recipient.value}: {sent.count} sent", proof=sent.proof)

    async def _explained(self, plan: Plan) -> None:
        wait = Wait(owner=plan.owner, reason="the root cause analysis", until=workflow.now(), then="")
        self.card = replace(self.card, stage=Stage.ROOT_CAUSE, waiting=(wait,))
        self._note("stage.entered", "stage: root_cause", stage="root_cause")
        await self._record()
        await workflow.wait_condition(lambda: self.finding is not None)
        finding = self.finding
        if finding is not None:
            digest = ids.digest(repr(finding.actions).encode())
            author = TookPart(part=Part.ROOT_CAUSE, person=finding.said.person)
            await self._agreed(GateKind.ROOT_CAUSE, plan, digest, None, Stage.ROOT_CAUSE, (author,))

    async def _followed_up(self, plan: Plan) -> None:
        for number, action in enumerate(self.card.actions, 1):
            brief = replace(plan, clocks=(), reasons=(), evidence=(), resweeps=())
            order = PreventionOrder(
                case_id=self.card.case_id, number=number, action=action, plan=brief, opened_at=workflow.now()
            )
            await workflow.start_child_workflow(
                Prevention.run,
                order,
                id=ids.prevention_id(self.card.case_id, number),
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
            self._note("prevention.started", action.title, action=action.id)

    def _note(self, kind: str, text: str, *, actor: str = "control", **data: str) -> None:
        seq = self.card.seq + 1
        self.card = replace(self.card, seq=seq, updated_at=workflow.now())
        self.entries.append(
            Entry(seq=seq, at=workflow.now(), kind=kind, actor=actor, text=text, data=tuple(sorted(data.items())))
        )

    async def _record(self) -> None:
        entries, self.entries = tuple(self.entries), []
        batch = Batch(case_id=self.card.case_id, entries=entries, card=self.card)
        await workflow.execute_local_activity_method(Casebook.record, batch, **options.CASEBOOK_AT_ONCE)
