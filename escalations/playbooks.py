"""How is one kind of harm handled? The frozen form of a file under `rulebook/playbooks/`."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from escalations.conditions import NEVER, Condition, Situation
from escalations.consensus import GateKind, Option
from escalations.model import Domain, Milestone, Part
from escalations.notices import Recipient

# Nobody judges what he took part in; a rulebook may ask for more distance than this, never for less.
APART = {
    GateKind.RATIFICATION: Part.EMERGENCY_ACT,
    GateKind.ROOT_CAUSE: Part.ROOT_CAUSE,
    GateKind.VERIFICATION: Part.CORRECTIVE_ACTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRule:
    """A role at a table. `required`: nothing is decided without its consent.

    `if_called`: the seat is there only for a case that calls the role (`Playbook.calls`); the quorum of its
    panel is never less than the required seats.
    """

    role: str
    required: bool
    may_veto: bool
    if_called: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Who sits at a table, and how many distinct persons must agree."""

    seats: tuple[SeatRule, ...]
    quorum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One question of the process: who answers, by when, and what holds when nobody does.

    `apart_from`: whoever took part in one of these may not decide here (separation of duties).

    `tiers` and `emergency` replace `panel` at a blast tier (0 to 3); `ladder` holds the panels of the levels above.
    `time_box` is indexed by priority, `minimum` is granted in any case; `before_clocks`: the time-box ends before the
    nearest binding due time minus its margin. The other defaults apply when the act is ordered (`if_binding`), when a
    safety floor holds (`if_floor`), and when the question went one level up (`if_escalated`).
    """

    kind: GateKind
    question: str
    options: tuple[Option, ...]
    recommended: str
    default: str
    if_binding: str
    if_floor: str
    if_escalated: str
    panel: Panel
    tiers: tuple[tuple[int, Panel], ...]
    emergency: tuple[tuple[int, Panel], ...]
    ladder: tuple[Panel, ...]
    time_box: tuple[timedelta, ...]
    minimum: timedelta
    before_clocks: bool
    apart_from: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRule:
    """Who is told what after the act. `per_order`: one letter for each order; `stops`: the clocks it fulfils."""

    template: str
    recipient: Recipient
    meets: Milestone
    duty: str
    stops: tuple[str, ...]
    when: Condition
    per_order: bool
    mandatory: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """The act of this playbook, and its values in a statement of reasons (codes without their common beginning)."""

    action: str
    reason_code: str
    restriction: str
    category: str
    keywords: tuple[str, ...]
    ground: str
    basis: str
    explanation: str
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """One rung of containment, 0 mildest to 11 (domain part 6.1).

    `reversible` is `yes`, `partly` or `no`; `statement` the value of the DSA Transparency Database (without its common
    beginning), empty where none is owed; `hand` the act of the marketplace hand, empty where people do it.
    """

    key: str
    rung: int
    title: str
    reversible: str
    statement: str = ""
    hand: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What people do to contain the harm, beyond the marketplace hand. `rung` is the key of its ladder step.

    `before_review`: done at once, without waiting for legal review; only what can be undone may be.
    """

    key: str
    title: str
    owner: str
    reversible: bool
    rung: str
    when: Condition
    before_review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRule:
    """An answer owed that people write, because no wording of ours fits it. `stops`: the clocks it fulfils."""

    key: str
    title: str
    recipient: str
    duty: str
    owner: str
    meets: Milestone
    stops: tuple[str, ...]
    when: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A role that sits only where its condition holds, such as Legal for a counter-notice."""

    role: str
    when: Condition


class Ring(StrEnum):
    """Who may see a case, from everybody on duty to a few named roles."""

    OPEN = "open"
    PRIVILEGED = "privileged"
    NEED_TO_KNOW = "need_to_know"
    TIPPING_OFF = "tipping_off"
    CSAM_RESTRICTED = "csam_restricted"
    GAG = "gag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidentiality:
    """A ring and the roles that may look inside; nobody is named for `open`, which everybody may see."""

    ring: Ring
    viewers: tuple[str, ...]
    when: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """Everything about one domain. A root cause is owed at a priority up to `root_cause_to` (0 is worst).

    `approve`, `veto` and `consulted` are the sign-off roles; `calls` those that sit under a condition. `ladder` are the
    rungs allowed, `emergency` those that may be climbed before legal review. `targets` replace house targets: priority,
    name, time. `rings` are tried in order, the last always holds. `takes_over_when`: the case is this playbook's,
    whatever the reports say.
    """

    id: str
    version: int
    domain: Domain
    title: str
    owner: str
    stand_in: str
    channel: str
    page: Condition
    contain_first: Condition
    evidence: tuple[str, ...]
    containment: Containment
    gates: tuple[GateRule, ...]
    notices: tuple[NoticeRule, ...]
    resweeps: tuple[timedelta, ...]
    root_cause_to: int
    sources: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    veto: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    ladder: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    responses: tuple[ResponseRule, ...] = ()
    targets: tuple[tuple[int, str, timedelta], ...] = ()
    rings: tuple[Confidentiality, ...] = ()
    takes_over_when: Condition = NEVER

    def confidentiality(self, situation: Situation) -> Confidentiality:
        """Find the ring of a case: the first that holds. The loader lets no playbook pass without a last one."""
        return next(one for one in self.rings if one.when.holds(situation))

    def gate(self, kind: GateKind) -> GateRule:
        """Find the rule of one question. The loader lets no playbook pass that lacks one."""
        return next(rule for rule in self.gates if rule.kind is kind)
