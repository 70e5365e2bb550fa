"""Which cases do the console's tests look at? One rich case, written through the real casebook."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from escalations import ids
from escalations.clocks import Clock, ClockStatus, DueChange
from escalations.consensus import Gate, GateKind, Option, Outcome, Seat, Stance, Vote
from escalations.enforcement import Manifest, Swept, Tally
from escalations.model import Action, Domain, Milestone, Stage, Task
from escalations.notices import Recipient, Sent
from escalations.record import Batch, Card, Entry, GateCard, Wait
from store import ledger

CASE = ids.case_id("cpsc", "24-001")
HEATER = "Portable ceramic space heaters recalled: fire and burn hazard"


def vote(gate: str, person: str, role: str, at: datetime, *, stance: Stance = Stance.APPROVE, reason: str = "") -> Vote:
    return Vote(gate=gate, person=person, role=role, option="hide", stance=stance, at=at, reason=reason)


def gate(case_id: str, number: int, now: datetime, *, kind: GateKind = GateKind.LEGAL_REVIEW) -> Gate:
    return Gate(
        id=ids.gate_id(case_id, number),
        kind=kind,
        question="Hide the 214 matched listings of the recalled heater?",
        options=(
            Option(key="hide", label="Hide all matched listings", blast=1),
            Option(key="no_action", label="Leave them visible", external=False),
            Option(key="refer", label="Hide and refer to the police", reversible=False, external=True, blast=2),
        ),
        recommended="hide",
        default="no_action",
        seats=(
            Seat(role="LEG", persons=("leo.legal", "lena.legal"), may_veto=True),
            Seat(role="PSAF", persons=("sam.safety", "sofia.safety")),
            Seat(role="OPS", persons=("omar.ops", "olga.ops"), required=False),
        ),
        quorum=2,
        opened_at=now - timedelta(minutes=20),
        due_at=now + timedelta(minutes=40, seconds=5),
        digest=ids.digest(b"evidence and plan"),
        excluded=("lena.legal",),
        rulebook="2026.11-0a1b2c3d4e5f",
        steps=("214 listings match by GTIN or model", "Two burns are reported", "A recall notice names this model"),
    )


def clocks(now: datetime) -> tuple[Clock, ...]:
    return (
        Clock(
            rule="eu.gpsr.22.4",
            version=2,
            duty="Remove the listings an authority named",
            instrument="Regulation (EU) 2023/988, Article 22(4)",
            meets=Milestone.CONTAINED,
            t0=now - timedelta(hours=20),
            t0_basis="the order was received",
            status=ClockStatus.RUNNING,
            owner="OPS",
            recipient="market surveillance authority",
            margin=timedelta(hours=4),
            due_operational=now + timedelta(hours=20),
            due_legal_latest=now + timedelta(hours=68),
            contested=True,
            derivation=("received 07:00 UTC on a Saturday", "two working days in DE and FR", "earliest candidate: DE"),
            due_history=(
                DueChange(
                    due_operational=now + timedelta(hours=44),
                    changed_at=now - timedelta(hours=2),
                    reason="the order sets an earlier date",
                ),
            ),
        ),
        Clock(
            rule="us.cpsa.15b",
            version=1,
            duty="Report to the Commission",
            instrument="15 U.S.C. 2064(b)",
            meets=Milestone.GATEWAY_FILED,
            t0=now - timedelta(hours=25),
            t0_basis="the first injury became known",
            status=ClockStatus.RUNNING,
            owner="LEG",
            recipient="CPSC",
            margin=timedelta(hours=2),
            due_operational=now - timedelta(minutes=12),
            derivation=("24 hours elapsed from knowledge",),
        ),
        Clock(
            rule="house.acknowledge",
            version=1,
            duty="Acknowledge the report",
            instrument="house target",
            meets=Milestone.INTAKE_ACKNOWLEDGED,
            t0=now - timedelta(hours=20),
            t0_basis="received",
            status=ClockStatus.MET,
            owner="IC",
            recipient="reporter",
            margin=timedelta(),
            internal_target=now - timedelta(hours=19),
            met_at=now - timedelta(hours=20) + timedelta(minutes=3),
            proof="ack-1",
        ),
    )


def rich_card(now: datetime, *, title: str = HEATER, seq: int = 40, case_id: str = CASE) -> Card:
    asked = gate(case_id, 2, now)
    earlier = gate(case_id, 1, now - timedelta(hours=3), kind=GateKind.CONTAINMENT)
    emergency = vote(earlier.id, "ana.ic", "IC", now - timedelta(hours=3))
    decided = Outcome(gate=earlier.id, option="hide", how="quorum", at=now - timedelta(hours=3), votes=(emergency,))
    said = vote(asked.id, "sam.safety", "PSAF", now - timedelta(minutes=8), reason="Two burns in one week are enough.")
    return Card(
        case_id=case_id,
        seq=seq,
        title=title,
        stage=Stage.LEGAL_REVIEW,
        opened_at=now - timedelta(hours=20),
        updated_at=now,
        domain=Domain.PSAFE,
        severity=1,
        urgency=0,
        priority=0,
        score="72",
        reasons=("serious hazard: +40", "two injuries: +20", "4,200 units sold: +12", "a 24-hour duty runs: U0"),
        rulebook="2026.11-0a1b2c3d4e5f",
        playbook="product_safety",
        owner="ana.ic",
        source="cpsc",
        source_ref="24-001",
        jurisdictions=("DE", "FR", "US"),
        next_due_at=now - timedelta(minutes=12),
        waiting=(
            Wait(
                owner="LEG, OPS",
                reason="Hide the 214 matched listings?",
                until=asked.due_at,
                then="default: Leave them visible",
            ),
        ),
        clocks=clocks(now),
        gates=(GateCard(gate=earlier, votes=(emergency,), outcome=decided), GateCard(gate=asked, votes=(said,))),
        tasks=(
            Task(id="T1", title="Ask the seller for the test report", owner="OPS", due_at=now + timedelta(hours=6)),
        ),
        manifest=Manifest(
            digest=ids.digest(b"manifest"),
            count=214,
            sellers=31,
            markets=("DE", "FR", "US"),
            by_tier=(("gtin", 180), ("model", 34)),
            sample=("L-100238", "L-100777", "L-104112"),
        ),
        sweeps=(Swept(order=1, applied=Tally(done=9, gone=1, failed=("L-7: the seller's page was locked",))),),
        sent=(Sent(recipient=Recipient.AUTHORITY, proof="mail-20261122-1", at=now - timedelta(hours=1)),),
        actions=(
            Action(
                id="A1",
                title="Block the GTIN at listing time",
                owner="PROD",
                strength="strong",
                due=timedelta(days=14),
                verifier_role="PSAF",
            ),
        ),
        open_items=("gate 2 is undecided", "task T1 is open"),
    )


async def plant(engine: AsyncEngine, card: Card, *, text: str = "The matched listings were counted.") -> None:
    """Write a card with as many entries as it counts."""
    entries = tuple(
        Entry(
            seq=number,
            at=card.opened_at + timedelta(minutes=number),
            kind="listing.counted",
            actor="seawall" if number % 3 else "ana.ic",
            text=f"{number}: {text}",
            data=(("listings", str(number)),),
        )
        for number in range(1, card.seq + 1)
    )
    await ledger.append(engine, Batch(case_id=card.case_id, entries=entries, card=card))


async def plant_others(engine: AsyncEngine, now: datetime) -> None:
    """Write some plainer cases around the rich one: other priorities, other seats, one closed, one not triaged."""
    stroller = ids.case_id("eu", "A12/0001")
    asked = gate(stroller, 1, now + timedelta(hours=7), kind=GateKind.ROOT_CAUSE)
    await plant(
        engine,
        Card(
            case_id=stroller,
            seq=3,
            title="Folding stroller, hinge traps fingers",
            stage=Stage.ROOT_CAUSE,
            opened_at=now - timedelta(days=4),
            updated_at=now,
            domain=Domain.PSAFE,
            severity=2,
            urgency=3,
            priority=2,
            owner="ivo.ic",
            next_due_at=asked.due_at,
            waiting=(Wait(owner="LEG", reason="Approve the root cause?", until=asked.due_at, then="rework"),),
            gates=(GateCard(gate=asked),),
        ),
    )
    for number, (title, priority, closed) in enumerate(
        (
            ("Counterfeit medicine ring, 12 sellers", 1, None),
            ("Laser pointers above class 2", 3, now),
            ("Report", None, None),
        )
    ):
        await plant(
            engine,
            Card(
                case_id=ids.case_id("other", str(number)),
                seq=2,
                title=title,
                stage=Stage.CLOSED if closed else Stage.TRIAGE,
                opened_at=now - timedelta(days=number),
                updated_at=now,
                domain=Domain.PROHIB,
                priority=priority,
                closed_at=closed,
                next_due_at=None if closed else now + timedelta(days=3 + number),
            ),
        )


def start() -> datetime:
    """A fixed moment for tests that do not watch the real time go by."""
    return datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
