"""What may be said to a case? One type per message; the same type as an update (judged, answered) and as a signal.

Types without rules: new fields have defaults, names never change. `request_id` is stable per delivery (the case
keeps `request id -> receipt`, so a repeat gets the first answer); `person` is who speaks, `door` the way it came,
`attestation` the door's proof that it authenticated that person.
"""

from dataclasses import dataclass, field
from datetime import datetime

from escalations.clocks import Clock
from escalations.consensus import Stance
from escalations.model import Action, Intake


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who said a message, by which door, under which delivery id."""

    request_id: str
    person: str
    door: str = ""
    attestation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Another report about the same matter."""

    said: Said
    intake: Intake


@dataclass(frozen=True, slots=True, kw_only=True)
class Learn:
    """A fact about the case: `fact` names a field of `model.Facts`, a mark or an event of `facts`, or the domain.

    Also `aware_at`, `order_due_at`, `order_withdrawn`. `place` is the country where an event happened.
    `value` is written as text (`"2"`, `"true"`, an RFC 3339 time); `at` is when the company first knew it.
    """

    said: Said
    fact: str
    value: str
    at: datetime | None = None
    reason: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A vote at a gate, bound to the digest of what the voter was shown."""

    said: Said
    gate: str
    digest: str
    option: str
    stance: Stance = Stance.APPROVE
    role: str = ""
    reason: str = ""
    conditions: tuple[str, ...] = ()
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Take the case as its owner."""

    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Give the case to somebody else."""

    said: Said
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate:
    """Let somebody speak for the sender in one role until a time; conflicts are inherited."""

    said: Said
    to: str
    role: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFinding:
    """Something the investigation established. With `factors` it is the root cause analysis and carries actions."""

    said: Said
    kind: str
    text: str
    evidence: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDone:
    """A task or condition is fulfilled."""

    said: Said
    task: str
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Suspend a clock, where its rule allows it."""

    said: Said
    clock: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Restart a suspended clock."""

    said: Said
    clock: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exempt:
    """A clock does not apply, and why. What the law set takes two persons who say the same."""

    said: Said
    clock: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """Go on under the rulebook of today instead of the one the case was opened with; takes two persons."""

    said: Said
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Stop a sweep between two batches; what it did stays until it is resumed or reversed."""

    said: Said
    sweep: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on with a killed sweep."""

    said: Said
    sweep: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Another case is about the same matter: take over its intake and its clocks, unchanged."""

    said: Said
    other: str
    intake: Intake | None = None
    reason: str = ""
    clocks: tuple[Clock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Undo a merge: the other case's intake and clocks go back to it."""

    said: Said
    other: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The reporter or authority takes the matter back. What was contained because of it is reversed."""

    said: Said
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """A seller says some of its listings were hidden wrongly. Granted or denied by a person who did not decide
    the act."""

    said: Said
    listings: tuple[str, ...]
    reason: str
    grant: bool = False
    deny: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """Go on with a closed case."""

    said: Said
    reason: str
    intake: Intake | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """Stop the takedown; the answer says whether it came in time, or that a reversal was ordered."""

    said: Said
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The case's answer to a message, the same for every repeat of its request id.

    `code` is `taken`, `duplicate`, or a refusal code such as `stale_digest`, `already_voted`, `gate_closed`.
    """

    request_id: str
    code: str
    text: str
    at: datetime
    data: dict[str, str] = field(default_factory=dict)
