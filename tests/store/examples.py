"""What do a batch, a card and a gate look like in these tests?"""

from datetime import UTC, datetime, timedelta

from escalations.consensus import Gate, GateKind, Option, Outcome, Seat
from escalations.model import Domain, Stage
from escalations.record import Batch, Card, Entry, GateCard

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CASE = "ESC-0000-0000-0001"


def case(number: int) -> str:
    return f"ESC-0000-0000-{number:04}"


def entry(seq: int, text: str = "The listing was hidden.", *, kind: str = "listing.hidden") -> Entry:
    at = NOON + timedelta(seconds=seq, microseconds=7)
    return Entry(seq=seq, at=at, kind=kind, actor="ana.ic", text=text, data=(("listing", f"L-{seq}"),))


def card(
    seq: int,
    case_id: str = CASE,
    *,
    stage: Stage = Stage.TRIAGE,
    priority: int | None = None,
    domain: Domain | None = None,
    owner: str = "",
    title: str = "Space heater, risk of fire",
    opened_at: datetime = NOON,
    closed_at: datetime | None = None,
    next_due_at: datetime | None = None,
    gates: tuple[GateCard, ...] = (),
) -> Card:
    return Card(
        case_id=case_id,
        seq=seq,
        title=title,
        stage=stage,
        priority=priority,
        domain=domain,
        owner=owner,
        opened_at=opened_at,
        updated_at=NOON + timedelta(seconds=seq),
        closed_at=closed_at,
        next_due_at=next_due_at,
        gates=gates,
    )


def batch(first: int, last: int, case_id: str = CASE, *, shown: Card | None = None) -> Batch:
    numbers = range(first, last + 1)
    return Batch(case_id=case_id, entries=tuple(entry(seq) for seq in numbers), card=shown or card(last, case_id))


def gate(
    number: int, *roles: str, case_id: str = CASE, due_in: timedelta = timedelta(hours=1), outcome: str = ""
) -> GateCard:
    asked = Gate(
        id=f"{case_id}/gate/{number}",
        kind=GateKind.LEGAL_REVIEW,
        question="Hide the listings?",
        options=(Option(key="hide", label="Hide"), Option(key="no_action", label="Leave")),
        recommended="hide",
        default="hide",
        seats=tuple(Seat(role=role, persons=(f"someone.{role.lower()}",)) for role in roles),
        quorum=1,
        opened_at=NOON,
        due_at=NOON + due_in,
        digest="d" * 64,
    )
    ended = Outcome(gate=asked.id, option=outcome, how="quorum", at=NOON) if outcome else None
    return GateCard(gate=asked, outcome=ended)
