"""How does a test vote? At one gate of two options and three seats, directly or for somebody else."""

from datetime import UTC, datetime, timedelta

from escalations.consensus import (
    Gate,
    GateKind,
    Option,
    Outcome,
    Seat,
    Stance,
    Vote,
)
from escalations.messages import Decide, Delegate, Said
from escalations.voting import refusal, vote

OPENED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = OPENED + timedelta(minutes=5)
DUE = OPENED + timedelta(minutes=30)
GATE = Gate(
    id="ESC-1/gate/1",
    kind=GateKind.LEGAL_REVIEW,
    question="Hide the listings?",
    options=(
        Option(key="hide", label="Hide the listings"),
        Option(key="disclose", label="Tell the press", reversible=False, external=True, blast=2),
    ),
    recommended="hide",
    default="hide",
    seats=(
        Seat(role="IC", persons=("ana.ic", "ben.ic")),
        Seat(role="LEG", persons=("lea.legal", "leo.legal"), may_veto=True),
        Seat(role="OPS", persons=("oz.ops", "ben.ic"), required=False),
    ),
    quorum=2,
    opened_at=OPENED,
    due_at=DUE,
    digest="d1",
    excluded=("rex.reporter",),
)


def say(person: str, stance: Stance = Stance.APPROVE, option: str = "hide", **more: object) -> Decide:
    """Say something admissible unless `more` makes it otherwise."""
    said = Said(request_id=f"{person}-{stance}-{option}", person=person, door="test")
    given: dict[str, object] = {"digest": "d1", "reason": "because of X", "gate": GATE.id, **more}
    if stance is Stance.CONDITIONS:
        given.setdefault("conditions", ("only in Germany",))
    return Decide(said=said, option=option, stance=stance, **given)  # type: ignore[arg-type]  # the test names fields


def hands_over(principal: str, to: str, role: str, until: datetime = DUE) -> Delegate:
    return Delegate(said=Said(request_id=f"{principal}>{to}", person=principal), to=to, role=role, until=until)


def code(
    message: Decide,
    *,
    gate: Gate = GATE,
    votes: tuple[Vote, ...] = (),
    outcome: Outcome | None = None,
    now: datetime = NOW,
    delegations: tuple[Delegate, ...] = (),
) -> str | None:
    refused = refusal(gate, votes, outcome, message, now, delegations)
    return refused[0] if refused else None


def taken(*messages: Decide, gate: Gate = GATE, delegations: tuple[Delegate, ...] = ()) -> tuple[Vote, ...]:
    votes: tuple[Vote, ...] = ()
    for message in messages:
        assert refusal(gate, votes, None, message, NOW, delegations) is None
        votes += (vote(gate, message, NOW, delegations),)
    return votes
