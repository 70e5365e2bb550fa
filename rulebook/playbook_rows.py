"""Which shape may a playbook have, and the questions that all playbooks share?

A playbook says only what is its own: `rulebook/gates.yaml` holds the six questions, the notices and the answers that
nearly all domains share, with seats by part (`@approvers`, `@veto`, `@consulted`, `@owner`) instead of by role.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from escalations.conditions import ALWAYS, NEVER
from escalations.consensus import GateKind
from escalations.model import Domain, Milestone, Part
from escalations.notices import Recipient
from escalations.playbooks import Ring
from rulebook.schema import Band, Cell, Name, OneOf, Role, Span, Text, words

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,39}$")]
Chair = Annotated[str, Field(pattern=r"^([A-Z]{2,8}|@approvers|@veto|@consulted|@owner)$")]
Seating = Annotated[GateKind, OneOf]
Priority = Annotated[int, Field(ge=0, le=4)]
TargetName = Literal["acknowledge", "triage", "contain", "decide", "ratify", "root_cause"]


def role_alone(value: Any) -> Any:
    """Let a role's name stand for the role without a condition."""
    return {"role": value} if isinstance(value, str) else value


class Shape(BaseModel):
    """The common strictness of every row."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SeatRow(Shape):
    """A role's place at a table."""

    required: bool = False
    may_veto: bool = False


class PanelRow(Shape):
    """A table. Without a `quorum` it needs all required seats, `beyond` people more, and at `least` so many in all."""

    seats: Annotated[dict[Chair, SeatRow], Field(min_length=1)]
    quorum: Annotated[int, Field(ge=1, le=20)] | None = None
    beyond: Annotated[int, Field(ge=0, le=5)] = 0
    least: Annotated[int, Field(ge=1, le=5)] = 1


class OptionRow(Shape):
    """One possible answer."""

    label: Text
    reversible: bool
    external: bool


class GateRow(Shape):
    """One question of the process."""

    question: Text
    options: Annotated[dict[Name, OptionRow], Field(min_length=2)]
    recommended: Name
    default: Name
    if_binding: str = ""
    if_floor: str = ""
    if_escalated: str = ""
    time_box: Annotated[list[Span], Field(min_length=5, max_length=5)]
    minimum: Span
    before_clocks: bool
    apart_from: list[Annotated[Part, OneOf]] | None = None
    panel: PanelRow
    tiers: dict[Band, PanelRow] = {}
    emergency: dict[Band, PanelRow] = {}
    ladder: list[PanelRow] = []


class NoticeRow(Shape):
    """One letter owed."""

    template: Name
    recipient: Annotated[Recipient, OneOf]
    meets: Annotated[Milestone, OneOf]
    duty: Text
    stops: list[Name]
    when: Cell
    per_order: bool = False
    mandatory: bool


class ResponseRow(Shape):
    """One answer owed that people write."""

    key: Key
    by: Literal["people"]
    title: Text
    recipient: Text
    duty: Text
    owner: Role
    meets: Annotated[Milestone, OneOf]
    stops: list[Name] = []
    when: Cell = ALWAYS


class StatementRow(Shape):
    """Values of a statement of reasons."""

    restriction: Name
    category: Name
    keywords: list[Name]
    ground: Name
    basis: Annotated[str, Field(min_length=1, max_length=500)]
    explanation: Text


class ContainmentRow(Shape):
    """The act."""

    action: Name
    reason_code: Name
    batch: Annotated[int, Field(ge=1, le=10_000)] = 200
    statement: StatementRow


class SignRow(Shape):
    """A role that must agree, always or where a condition holds."""

    role: Role
    when: Cell = ALWAYS


class ConsultedRow(Shape):
    """A role that is heard: a seat without a vote that is waited for, at the questions named."""

    role: Role
    when: Cell = ALWAYS
    at: Annotated[list[Seating], BeforeValidator(words), Field(min_length=1)] = [GateKind.RESPONSE]


class SignOffRow(Shape):
    """Who signs. `closed`: nobody sits at any table but these, the owner, and executives where the tables say so."""

    approve: Annotated[list[Annotated[SignRow, BeforeValidator(role_alone)]], Field(min_length=1)]
    veto: list[Annotated[SignRow, BeforeValidator(role_alone)]]
    consulted: list[Annotated[ConsultedRow, BeforeValidator(role_alone)]] = []
    closed: bool = False


class StepRow(Shape):
    """What people do."""

    key: Key
    title: Annotated[str, Field(min_length=1, max_length=120)]
    owner: Role
    rung: Name
    reversible: bool
    when: Cell = ALWAYS
    before_review: bool = False


class RingRow(Shape):
    """Who may see a case; the last of a list has no condition."""

    ring: Annotated[Ring, OneOf]
    viewers: list[Role] = []
    when: Cell = ALWAYS


class PlaybookFile(Shape):
    """One file under playbooks/, completed with what all share."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    domain: Annotated[Domain, OneOf]
    title: Text
    owner: Role
    stand_in: Role
    channel: Text
    sources: Annotated[list[Text], Field(min_length=1)]
    subjects: Annotated[list[Name], Field(min_length=1)]
    sign_off: SignOffRow
    page: Cell
    contain_first: Cell
    takes_over_when: Cell = NEVER
    evidence: Annotated[list[Name], Field(min_length=1)]
    containment: ContainmentRow
    ladder: Annotated[list[Name], Field(min_length=1)]
    emergency: list[Name] = []
    steps: list[StepRow] = []
    resweeps: list[Span]
    targets: dict[Priority, dict[TargetName, Span]] = {}
    rings: Annotated[list[RingRow], Field(min_length=1)]
    root_cause_to: Annotated[int, Field(ge=-1, le=4)]
    gates: dict[Seating, GateRow]
    notices: list[NoticeRow]
    responses: list[ResponseRow]


class LadderRow(Shape):
    """One rung."""

    title: Text
    reversible: Literal["yes", "partly", "no"]
    statement: str = ""
    hand: str = ""


class LimitRow(Shape):
    """The most that a blast tier may touch."""

    items: Annotated[int, Field(ge=1)]
    sellers: Annotated[int, Field(ge=1)]
    either: bool = False


class BlastRow(Shape):
    """The limits of B0, B1 and B2; what is wider is B3."""

    tiers: Annotated[list[LimitRow], Field(min_length=3, max_length=3)]
    funds_usd: Annotated[int, Field(ge=1)]


class LadderFile(Shape):
    """ladder.yaml, mildest first. A rulebook kept from before there was `blast` has the house's limits."""

    ladder: Annotated[dict[Name, LadderRow], Field(min_length=12, max_length=12)]
    blast: BlastRow | None = None
