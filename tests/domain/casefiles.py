"""What does a case look like in the middle of its life? One file for the tables of the domain."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from escalations import ids
from escalations.casefile import CaseFile
from escalations.clocks import Clock, ClockStatus
from escalations.consensus import Gate, GateKind, Option, Outcome, Seat, Stance, Vote
from escalations.enforcement import Manifest, Sought, SweepOrder, Swept
from escalations.messages import Said
from escalations.model import (
    AuthorityOrder,
    Domain,
    Intake,
    IntakeKind,
    Milestone,
    Severity,
    Stage,
    Targets,
    Task,
)
from escalations.plans import Plan
from escalations.record import GateCard

OPENED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = OPENED + timedelta(hours=2)
HOUR = timedelta(hours=1)


def said(person: str = "ana.ic", request_id: str = "r-1") -> Said:
    return Said(request_id=request_id, person=person)


def intake(ref: str = "24001", **changes: Any) -> Intake:
    given: dict[str, Any] = {
        "source": "cpsc",
        "source_ref": ref,
        "kind": IntakeKind.RECALL_NOTICE,
        "title": "Recall of a heater",
        "received_at": OPENED,
        "jurisdictions": ("US",),
    }
    return Intake(**{**given, **changes})


ORDERED = intake(
    "ORDER-1",
    kind=IntakeKind.AUTHORITY_ORDER,
    order=AuthorityOrder(
        authority="Landesamt Nordmark", reference="ORDER-1", legal_basis="GPSR", country="DE", reply_to="a@b.example"
    ),
)
OTHER = intake("24002")
OTHER_ID = ids.case_id(OTHER.source, OTHER.source_ref)
CASE_ID = ids.case_id("cpsc", "24001")


def clock(rule: str, status: ClockStatus = ClockStatus.RUNNING, **changes: Any) -> Clock:
    given: dict[str, Any] = {
        "rule": rule,
        "version": 1,
        "duty": "hide it",
        "instrument": "a law",
        "meets": Milestone.CONTAINED,
        "t0": OPENED,
        "t0_basis": "receipt",
        "status": status,
        "owner": "PSAF",
        "recipient": "",
        "margin": HOUR,
        "due_operational": OPENED + 24 * HOUR,
    }
    return Clock(**{**given, **changes})


def gate(
    number: int, kind: GateKind = GateKind.LEGAL_REVIEW, *, votes: tuple[str, ...] = (), over: bool = False
) -> GateCard:
    asked = Gate(
        id=ids.gate_id(CASE_ID, number),
        kind=kind,
        question="Shall they be hidden?",
        options=(Option(key="hide", label="Hide"), Option(key="no_action", label="Leave")),
        recommended="hide",
        default="hide",
        seats=(Seat(role="LEG", persons=("leo.legal", "lena.legal")),),
        quorum=1,
        opened_at=OPENED,
        due_at=OPENED + 8 * HOUR,
        digest="d" * 64,
    )
    cast = tuple(
        Vote(gate=asked.id, person=person, role="LEG", option="hide", stance=Stance.APPROVE, at=NOW) for person in votes
    )
    outcome = Outcome(gate=asked.id, option="hide", how="quorum", at=NOW) if over else None
    return GateCard(gate=asked, votes=cast, outcome=outcome)


def task(name: str = "t-1", **changes: Any) -> Task:
    return replace(Task(id=name, title="tell the importer", owner="OPS", due_at=NOW + HOUR), **changes)


MANIFEST = Manifest(digest="m" * 64, count=3, sellers=2)
ORDER = SweepOrder(
    case_id=CASE_ID, number=1, decision=1, action="hide", reason_code="unsafe_product", manifest=MANIFEST
)
PLAN = Plan(
    rulebook="2026.11",
    playbook="psafe/1",
    domain=Domain.PSAFE,
    severity=Severity(band=2, score="43.75", steps=("harm 2/4",)),
    urgency=3,
    priority=2,
    reasons=("priority 2",),
    clocks=(),
    targets=Targets(acknowledge=HOUR, triage=HOUR, contain=HOUR, decide=HOUR, ratify=HOUR),
    owner="PSAF",
    sought=Sought(case_id=CASE_ID, name="heater"),
    evidence=(),
    action="hide",
    reason_code="unsafe_product",
)


def casefile(**changes: Any) -> CaseFile:
    """A case that has hidden three listings and waits for its response to be decided."""
    given: dict[str, Any] = {
        "case_id": CASE_ID,
        "opened_at": OPENED,
        "seq": 12,
        "stage": Stage.RESPONSE,
        "owner": "PSAF",
        "intakes": [intake()],
        "plan": PLAN,
        "clocks": [
            clock("HOUSE-1", ClockStatus.MET),
            clock("TCO", may_suspend=True),
            clock("TCO#2", ClockStatus.SUSPENDED, may_suspend=True),
        ],
        "gates": [gate(1, votes=("leo.legal",), over=True), gate(2, GateKind.RESPONSE)],
        "tasks": [task(), task("t-2", done_at=NOW, done_by="ana.ic")],
        "manifest": MANIFEST,
        "orders": [ORDER],
        "sweeps": [Swept(order=1)],
        "restricted": 3,
        "ruling": "hide",
    }
    return CaseFile(**{**given, **changes})
