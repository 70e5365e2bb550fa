"""Where do a thousand varied cases come from? From the simulator: a seeded world of reports, people and systems.

Nothing in it is recorded by a server. That the simulator lives as a server does is shown elsewhere, on the recorded
cases (`test_simulator.py`) and on the real server (`test_whatif_second_opinion.py`); here it is the source of histories
whose every time is known, so that what a rulebook changes can be computed without it.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.child_workflow import ChildWorkflowResult
from temporalio.converter import DefaultPayloadConverter

from activities.evidence import Gathered
from escalations import ids
from escalations.casefile import CaseFile, Opening
from escalations.consensus import Gate, Stance
from escalations.enforcement import Manifest, SweepOrder, Swept, Tally
from escalations.messages import Abort, Appeal, Claim, Decide, Learn, Report, ReportFinding, Said, TaskDone, Withdraw
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Product
from escalations.notices import NoticeOrder, Sent
from escalations.rulebook import Rulebook
from replay.simulation.simulator import Simulation
from replay.simulation.traces import Answer, Deed, Message, Run, Timer, Trace
from replay.simulation.values import Values
from replay.simulation.world import Beginning, Birth, Call, Coming, Living
from replay.whatif.life import MUTABLE, RECORD, Desk, Life, file_of, lived
from replay.whatif.people import Anchor, Watcher
from replay.whatif.rules import Rules, Whichever

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
BEGAN = datetime(2026, 11, 2, 6, tzinfo=UTC)
PLACES = ("US", "DE", "FR", "IE", "GB", "CA", "AU", "JP", "IN", "BR", "KR", "SG", "CN", "ID")
MARKS = ("personal_data_breach", "significant_incident", "content_matter")
WORDS = ("ordinary", "silent", "vetoed", "other", "slow")


@dataclass(kw_only=True)
class Story:
    """One generated case: the world around it while it is lived, and what is remembered for its trace."""

    number: int
    desk: Desk
    book: Rulebook
    rng: random.Random
    sim: Simulation | None = None
    watcher: Watcher = field(default_factory=Watcher)
    answers: list[Answer] = field(default_factory=list)
    said: dict[str, Message] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    temper: str = "ordinary"
    quiet: bool = False

    @property
    def case_id(self) -> str:
        intake = self.intake()
        return ids.case_id(intake.source, intake.source_ref)

    # what is reported

    def intake(self, again: int = 0) -> Intake:
        """Report something; every case in its own way, the same way each time."""
        rng = random.Random(f"{self.number}/{again}")
        kind = rng.choice(list(IntakeKind))
        began = BEGAN + timedelta(minutes=rng.randrange(60 * 24 * 20))
        places = tuple(sorted(rng.sample(PLACES, rng.randint(1, 3))))
        product = Product(name="Lamp", brand="Glow", models=("GL-1",)) if rng.random() < 0.7 else None
        order = None
        if kind is IntakeKind.AUTHORITY_ORDER:
            order = AuthorityOrder(
                authority="Landesamt Nordmark",
                reference=f"ORDER-{self.number}-{again}",
                legal_basis="Regulation (EU) 2023/988 Art. 22(4)",
                country=rng.choice(("DE", "FR", "IE", "IN", "ID")),
                reply_to="office@authority.example",
            )
        return Intake(
            source="generated",
            source_ref=f"G{self.number}-{again}",
            kind=kind,
            title="Report of a lamp",
            received_at=began,
            domain=rng.choice([*Domain, *(5 * [Domain.PSAFE]), *(4 * [Domain.PRIV]), None]),
            jurisdictions=places,
            product=product,
            order=order,
            facts=Facts(
                deaths=int(rng.random() < 0.04),
                serious_injuries=rng.choice((0, 0, 0, 1, 2)),
                minor_injuries=rng.choice((0, 0, 1)),
                serious_hazard=rng.random() < 0.3,
                units_sold=rng.choice((None, 5, 200, 5_000, 200_000)),
                independent_reports=rng.randint(1, 4),
                confirmed=rng.random() < 0.4,
                vulnerable_users=rng.random() < 0.2,
                media=rng.randint(0, 4),
                velocity=rng.randint(0, 4),
                evading=rng.random() < 0.1,
                marks=tuple(mark for mark in MARKS if rng.random() < 0.4),
            ),
        )

    # what the outside answers

    def _took(self, least: int, most: int) -> int:
        return self.rng.randint(least, most)

    def answer(self, living: Living, call: Call) -> Coming:
        """Answer any activity."""
        if call.type == RECORD:
            resolution, took = self.desk.recorded(call), self._took(2_000_000, 9_000_000)
        elif self.desk.rules_on(call):
            resolution, took = self.desk.ruled(call, Whichever(self.book)), self._took(3_000_000, 30_000_000)
        else:
            asked = self.desk.values.value(call.arguments[0]) if call.arguments else None
            resolution = ActivityResolution()
            resolution.completed.result.CopyFrom(self.desk.values.payload(self._outside(call, asked)))
            took = self._took(SECOND // 50, SECOND if call.kind == "local" else 20 * SECOND)
        return self._remembered(living, call, Coming(at=call.at + took, resolution=resolution))

    def _outside(self, call: Call, asked: Any) -> Any:
        if call.type == "find_listings":
            count = self.rng.choice((0, 1, 7, 40, 900, 4_000))
            digest = ids.digest(f"{self.number}/{count}/{len(self.answers)}".encode())
            return Manifest(
                digest=digest, count=count, sellers=max(1, count // 3) if count else 0, markets=("DE", "US")
            )
        if isinstance(asked, NoticeOrder):
            at = datetime.fromtimestamp(call.at / 1e9, UTC)
            problem = "one has no address; reach them another way" if self.rng.random() < 0.1 else ""
            return Sent(recipient=asked.notice.recipient, proof="letters", at=at, count=1, problem=problem)
        return Gathered(digests=("0" * 64,)) if call.type == "gather" else f"{call.type}-{call.key}"

    def _remembered(self, living: Living, call: Call, coming: Coming) -> Coming:
        self.answers.append(
            Answer(
                kind=call.kind,
                type=call.type,
                key=call.key,
                run=living.number,
                task=0,
                input=call.arguments,
                resolution=coming.resolution,
                child=coming.child,
                failure=coming.failure,
                seen=coming.at,
            )
        )
        return coming

    def birth(self, living: Living, call: Call) -> Birth:
        """Begin a child; a sweep ends after a while, a follow-up and a watch outlive the case."""
        begun = call.at + self._took(SECOND // 20, SECOND)
        order, end = self.desk.values.value(call.arguments[0]), None
        if isinstance(order, SweepOrder) and order.mode != "watch":
            tally = Tally(done=order.manifest.count)
            swept = Swept(order=order.number, applied=tally, verified=tally)
            if order.mode == "restore":
                swept = Swept(order=order.number, reversed=tally)
            child = ChildWorkflowResult()
            child.completed.result.CopyFrom(self.desk.values.payload(swept))
            end = Coming(at=begun + self._took(MINUTE, 90 * MINUTE), child=child)
        self._remembered(living, call, end or Coming(at=begun))
        last = self.answers[-1]
        last.begun, last.child_run, last.seen = begun, "child", end.at if end else None
        return Birth(at=begun, end=end)

    def passed_on(self, living: Living, call: Call) -> Coming:
        """Carry a signal."""
        return self._remembered(living, call, Coming(at=call.at + self._took(SECOND // 20, SECOND)))

    def rings(self, _living: Living, _key: str, lasts: int, at: int) -> int:
        """Ring a little late, as a server does."""
        return at + lasts + self._took(1_000_000, 20_000_000)

    def goes_on(self, living: Living, payloads: tuple[Payload, ...], at: int) -> Beginning | None:
        """No generated case grows that long."""
        raise AssertionError("a generated case grew long")

    def unheard(self, number: str) -> None:
        """What comes after the end leaves no trace."""
        self.said.pop(number, None)

    # what people say

    def lived(self, living: Living, at: int) -> None:
        """Answer what the case has just asked."""
        file = file_of(living)
        if file is None or self.quiet:
            return
        for anchor in self.watcher.look(file, at):
            self._answered(anchor, file, at)

    def _answered(self, anchor: Anchor, file: CaseFile, at: int) -> None:
        kind, name, _ = anchor
        if kind == "gate":
            card = next(card for card in reversed(file.gates) if self.watcher.gates.get(card.gate.id) == anchor)
            self._voted(card.gate, at)
        elif kind == "task" and self.rng.random() < 0.97:
            self.say(at + self._patience(), "task", TaskDone(said=self.by("ana.ic"), task=name, proof="done"))
        elif kind == "cause":
            finding = ReportFinding(said=self.by("sam.safety"), kind="root_cause", text="import", factors=("DET-1",))
            self.say(at + self._patience(), "finding", finding)
        elif kind == "sweep" and self.rng.random() < 0.15:
            appeal = Appeal(said=self.by("a.seller"), listings=("L-1",), reason="mine is another lamp")
            self.say(at + 5 * 60 * MINUTE, "appeal", appeal)
            later = replace(appeal, said=self.by("someone.else"), **{self.rng.choice(("grant", "deny")): True})
            self.say(at + 9 * 60 * MINUTE, "appeal", later)

    def _patience(self) -> int:
        return int(self.rng.lognormvariate(4.3, 1.4) * MINUTE * (6 if self.temper == "slow" else 1))

    def _voted(self, gate: Gate, at: int) -> None:
        if self.temper == "silent" and self.rng.random() < 0.6:
            return
        option = gate.recommended
        if self.temper == "other" and self.rng.random() < 0.5:
            option = self.rng.choice([one.key for one in gate.options])
        heard, taken = at, set(gate.excluded)
        seats = sorted((seat for seat in gate.seats if seat.persons), key=lambda seat: not seat.required)
        for seat in seats[: max(gate.quorum + 1, sum(seat.required for seat in seats))]:
            person = next((one for one in seat.persons if one not in taken), None)
            if person is None:
                continue
            taken.add(person)
            heard += self._patience() // 4
            veto = self.temper == "vetoed" and seat.may_veto and self.rng.random() < 0.5
            vote = Decide(
                said=self.by(person),
                gate=gate.id,
                digest=gate.digest,
                option=option,
                stance=Stance.VETO if veto else Stance.APPROVE,
                role=seat.role,
                reason="seen",
            )
            self.say(heard, "decide", vote)

    def by(self, person: str) -> Said:
        """Who says it."""
        return Said(request_id=f"g-{len(self.said)}-{person}", person=person, door="generated")

    def say(self, at: int, name: str, message: Any) -> None:
        """Let somebody say something."""
        number = str(len(self.heard))
        self.heard[number] = at
        kind = "signal" if name == "claim" else "update"
        payloads = (self.desk.values.payload(message),)
        self.said[number] = Message(kind=kind, name=name, id=f"m{number}", payloads=payloads, seen=at, run=0)
        assert self.sim is not None
        self.sim.say(at, self.case_id, self.said[number], number)

    def by_the_way(self, began: int) -> None:
        """Say what nobody asked for: facts, reports, second thoughts."""
        chance = self.rng.random()
        at = began + self._patience()
        if chance < 0.12:
            self.say(at, "learn", Learn(said=self.by("ana.ic"), fact="serious_injuries", value="1", reason="called"))
        elif chance < 0.2:
            self.say(at, "report", Report(said=self.by("feed"), intake=replace(self.intake(1), received_at=_at(at))))
        elif chance < 0.25:
            self.say(at, "withdraw", Withdraw(said=self.by("ana.ic"), reason="it was another product"))
        elif chance < 0.29:
            self.say(at, "abort", Abort(said=self.by("ana.ic"), reason="wrong product"))
        elif chance < 0.35:
            self.say(at, "claim", Claim(said=self.by("ana.ic")))


def _at(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // SECOND, UTC)


def generated(number: int, rules: Rules, book: Rulebook, classes: dict[str, type]) -> tuple[Trace, Life, Values]:
    """Live one case and take its trace: the case itself, what came of it, and the values both name."""
    values = Values(DefaultPayloadConverter(), MUTABLE)
    desk = Desk(rules=rules, values=values)
    story = Story(number=number, desk=desk, book=book, rng=random.Random(number))
    story.temper = story.rng.choice(WORDS)
    intake = story.intake()
    began = int(intake.received_at.timestamp()) * SECOND + 5 * SECOND
    until = began + 200 * 86_400 * SECOND
    sim = story.sim = Simulation(story, values, classes, until=until)
    opening = values.payload(Opening(case_id=story.case_id, intake=intake))
    begun = Beginning(at=began, run_id=f"run-{number}", type="Escalation", input=(opening,), started=began)
    sim.begin(story.case_id, begun)
    story.by_the_way(began)
    given_up = began + 60 * 86_400 * SECOND
    nothing = Trace(case_id=story.case_id, runs=[], messages=[], answers=[], ends=0)
    life = lived(sim, nothing, desk, lambda: sim.now > given_up)
    assert not life.halted, life.halted
    return _trace(story, life, begun), life, values


def _trace(story: Story, life: Life, begun: Beginning) -> Trace:
    """Remember a life as its history would, with one task for each time that it acted or heard."""
    living = life.runs[0]
    taken = [number for number in story.said if number not in living.refusals and story.heard[number] <= life.ended_at]
    taken.sort(key=lambda number: (story.heard[number], int(number)))
    messages = [story.said[number] for number in taken]
    place = {number: str(at) for at, number in enumerate(taken)}
    run = Run(run_id=begun.run_id, type=begun.type, input=begun.input, started=begun.started, closed=bool(living.ended))
    run.tasks = sorted({begun.at, *(deed.at for deed in living.deeds)})
    for deed in living.deeds:
        key = place[deed.key] if deed.kind == "answer" else deed.key
        cut = living.cut.get(deed.key) if deed.kind == "timer" else None
        if cut is not None and run.task_of(cut) == run.task_of(deed.at):
            continue
        run.deeds.append(Deed(at=run.task_of(deed.at), kind=deed.kind, key=key, value=deed.value))
        if deed.kind == "timer":
            run.timers[deed.key] = Timer(key=deed.key, lasts=deed.value, seen=living.rang.get(deed.key))
    for answer in story.answers:
        if answer.seen is not None and answer.seen > life.ended_at:
            answer.seen = None
        if answer.begun is not None and answer.begun > life.ended_at:
            answer.begun = None
    return Trace(case_id=story.case_id, runs=[run], messages=messages, answers=story.answers, ends=life.ended_at)
