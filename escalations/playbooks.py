"""How is one kind of harm handled? The frozen form of a file under `rulebook/playbooks/`."""

from dataclasses import dataclass
from datetime import timedelta

from escalations.conditions import Condition, Groups
from escalations.consensus import GateKind, Option
from escalations.model import Domain, Milestone
from escalations.notices import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRule:
    """A role at a table. `required`: nothing is decided without its consent."""

    role: str
    required: bool
    may_veto: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Who sits at a table, and how many distinct persons must agree."""

    seats: tuple[SeatRule, ...]
    quorum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One question of the process: who answers, by when, and what holds when nobody does.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRule:
    """Who is told what after the act. `per_order`: one letter for each order; `stops`: the clocks it fulfils."""

    template: str
    recipient: Recipient
    meets: Milestone
    duty: str
    stops: tuple[str, ...]
    when: tuple[Condition, ...]
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
class Playbook:
    """Everything about one domain. A root cause is owed at a priority up to `root_cause_to` (0 is worst)."""

    id: str
    version: int
    domain: Domain
    title: str
    owner: str
    stand_in: str
    channel: str
    page: Groups
    contain_first: Groups
    evidence: tuple[str, ...]
    containment: Containment
    gates: tuple[GateRule, ...]
    notices: tuple[NoticeRule, ...]
    resweeps: tuple[timedelta, ...]
    root_cause_to: int

    def gate(self, kind: GateKind) -> GateRule:
        """Find the rule of one question. The loader lets no playbook pass that lacks one."""
        return next(rule for rule in self.gates if rule.kind is kind)
