"""What does the rulebook say should happen? Questions a case asks of policy, and the answers it pins."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalations.clocks import Clock
from escalations.consensus import GateKind
from escalations.enforcement import Manifest, Sought
from escalations.model import Domain, Intake, Milestone, Severity, Targets, TookPart
from escalations.notices import Notice
from escalations.rosters import OnDuty


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Ask how to handle a case. `intakes` in order of arrival; `clocks` are the running ones, kept or moved earlier.

    `rulebook` is the version the case was opened with, empty for the one of today.
    """

    case_id: str
    intakes: tuple[Intake, ...]
    now: datetime
    clocks: tuple[Clock, ...] = ()
    contained: bool = False
    rulebook: str = ""
    contained_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleStep:
    """What people do to contain the harm: at once if `before_review`, else when legal review has agreed."""

    key: str
    owner: str
    title: str
    before_review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a case is handled, with reasons; the rulebook version it came from is pinned in it.

    `priority` is the worse (lower) of severity band and urgency. `contain_first` means an emergency act before legal
    review. `owner` is the role that leads. `page` and `channel` say who is told that it exists. `steps` are for people;
    `called` are the roles that sit because of what this case is; `ring` says who may see it, empty for everybody.
    `asked` is the digest of the request, for replay; the case does not keep it. `on_duty` says whom to ask at the
    instant of the plan, None in a plan of before rosters had hours.
    """

    rulebook: str
    playbook: str
    domain: Domain
    severity: Severity
    urgency: int
    priority: int
    reasons: tuple[str, ...]
    clocks: tuple[Clock, ...]
    targets: Targets
    owner: str
    sought: Sought
    evidence: tuple[str, ...]
    action: str
    reason_code: str
    contain_first: bool = False
    binding: bool = False
    page: bool = False
    channel: str = ""
    root_cause_required: bool = True
    batch: int = 200
    resweeps: tuple[timedelta, ...] = ()
    short_timeboxes: bool = False
    steps: tuple[PeopleStep, ...] = ()
    called: tuple[str, ...] = ()
    ring: str = ""
    asked: str = ""
    on_duty: OnDuty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """Ask who must agree to something, by when, and what happens otherwise. `number` is the n-th gate of the case.

    `parts` says who took part in what may be judged; the rulebook says which of them keeps somebody from this gate.
    """

    case_id: str
    number: int
    kind: GateKind
    plan: Plan
    digest: str
    now: datetime
    manifest: Manifest | None = None
    parts: tuple[TookPart, ...] = ()
    escalated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRequest:
    """Ask whom to wake at an instant. `role` may be a person who owes something; from `level` of the ladder on.

    `rulebook` is the version that the case follows; `excluded` persons may not decide and are not asked.
    """

    case_id: str
    rulebook: str
    role: str
    domain: Domain
    now: datetime
    places: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesRequest:
    """Ask who must be told after containment, and which new clocks that starts."""

    case_id: str
    plan: Plan
    intakes: tuple[Intake, ...]
    manifest: Manifest
    restricted: int
    contained_at: datetime | None
    now: datetime
    clocks: tuple[Clock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePlan:
    """The notices owed, what people must tell by themselves, and all clocks after adding the ones these start.

    `asked` is the digest of the request, for replay.
    """

    notices: tuple[Notice, ...]
    clocks: tuple[Clock, ...]
    rulebook: str
    by_people: tuple[PeopleStep, ...] = ()
    asked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A milestone reached, with its proof."""

    milestone: Milestone
    at: datetime
    proof: str = ""
    extra: dict[str, str] = field(default_factory=dict)
