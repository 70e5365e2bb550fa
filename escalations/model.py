"""What is a case made of? The nouns every other module shares.

Everything here may cross a Temporal boundary, so these are types without rules: no validators, new fields have
defaults, enum values never change (history written today must be readable in ten years).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Stage(StrEnum):
    """Where a case stands. Stages overlap in time; this is the furthest one reached."""

    INTAKE = "intake"
    TRIAGE = "triage"
    INVESTIGATION = "investigation"
    LEGAL_REVIEW = "legal_review"
    CONTAINMENT = "containment"
    RESPONSE = "external_response"
    ROOT_CAUSE = "root_cause"
    PREVENTION = "prevention"
    CLOSED = "closed"


class Domain(StrEnum):
    """The kind of harm a case is about; one playbook each."""

    PSAFE = "PSAFE"
    PROHIB = "PROHIB"
    IPR = "IPR"
    FRAUD = "FRAUD"
    MINOR = "MINOR"
    TVEC = "TVEC"
    ILLEG = "ILLEG"
    NCII = "NCII"
    PRIV = "PRIV"
    IDV = "IDV"
    CREATOR = "CREATOR"
    CRISIS = "CRISIS"
    MEDIA = "MEDIA"
    REGINQ = "REGINQ"
    LERQ = "LERQ"
    PAYAML = "PAYAML"
    INTEG = "INTEG"
    ESG = "ESG"


class IntakeKind(StrEnum):
    """What sort of thing arrived at the door."""

    RECALL_NOTICE = "recall_notice"
    AUTHORITY_ORDER = "authority_order"
    NOTICE = "notice"
    INCIDENT_REPORT = "incident_report"
    COMPLAINT = "complaint"
    COUNTER_NOTICE = "counter_notice"
    REQUEST = "request"
    INQUIRY = "inquiry"
    ALERT = "alert"


class Milestone(StrEnum):
    """A thing done that a clock may have been waiting for."""

    INTAKE_ACKNOWLEDGED = "intake_acknowledged"
    CONTAINED = "contained"
    AUTHORITY_INFORMED = "authority_informed"
    SELLERS_INFORMED = "sellers_informed"
    STATEMENT_SUBMITTED = "statement_submitted"
    BUYERS_NOTIFIED = "buyers_notified"
    OPERATOR_INFORMED = "operator_informed"
    GATEWAY_FILED = "gateway_filed"
    REPORT_FILED = "report_filed"
    NOTIFIER_INFORMED = "notifier_informed"
    SUBJECTS_INFORMED = "subjects_informed"
    DECIDED = "decided"
    DISCLOSED = "disclosed"
    PRESERVED = "preserved"
    RESTORED = "restored"
    VERIFIED = "verified"
    SUSPENDED = "suspended"
    DELETED = "deleted"
    CONTRACT_ENDED = "contract_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The article a report is about, as its sender names it.

    `category` is empty when unknown; `medicine`, `food`, `feed`, `plant_or_animal` and `antique` are outside the
    General Product Safety Regulation (Regulation (EU) 2023/988 art. 2(2)).
    """

    name: str
    brand: str = ""
    models: tuple[str, ...] = ()
    gtins: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityOrder:
    """A binding order. `due_at` is the date the order itself sets, if it sets one."""

    authority: str
    reference: str
    legal_basis: str
    country: str
    reply_to: str
    due_at: datetime | None = None
    listings: tuple[str, ...] = ()
    identical_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A dated thing that starts a duty (`facts.EVENTS`). `place` is a country code, `subject` whom it is about."""

    kind: str
    at: datetime
    place: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about the harm. Counts are people unless named otherwise; None means not known.

    `media` and `velocity` are levels from 0 to 4 of the severity inputs of the same name. `marks` are what is true of
    the harm beyond the flags (`facts.MARKS`), `subjects` what it is about (listing, seller, creator, content, order,
    account), `people_affected` whose data or money is concerned, `events` the dated things that clocks start from.
    """

    deaths: int = 0
    serious_injuries: int = 0
    minor_injuries: int = 0
    child_injured: bool = False
    serious_hazard: bool = False
    units_sold: int | None = None
    independent_reports: int = 1
    confirmed: bool = False
    vulnerable_users: bool = False
    media: int = 0
    velocity: int = 0
    evading: bool = False
    marks: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    people_affected: int | None = None
    sellers_wronged: int = 0
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One report as a door accepted it. `raw_digest` names the untouched bytes in the evidence store."""

    source: str
    source_ref: str
    kind: IntakeKind
    title: str
    received_at: datetime
    summary: str = ""
    domain: Domain | None = None
    aware_at: datetime | None = None
    jurisdictions: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    product: Product | None = None
    order: AuthorityOrder | None = None
    listings: tuple[str, ...] = ()
    facts: Facts = Facts()
    remedy: str = ""
    hazard: str = ""
    raw_digest: str = ""
    url: str = ""
    legal_basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How bad (band 0 worst .. 4), from a 0-100 score and floors; `steps` explain it to a human.

    `floor` is the band of the worst floor that holds, None if none does.
    """

    band: int
    score: str
    steps: tuple[str, ...] = ()
    floor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Internal response targets of a priority; never shown as law. Those named in `business` count desk hours only."""

    acknowledge: timedelta
    triage: timedelta
    contain: timedelta
    decide: timedelta
    ratify: timedelta
    root_cause: timedelta = timedelta(days=5)
    business: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something a person owes the case; an open condition blocks closing."""

    id: str
    title: str
    owner: str
    due_at: datetime
    blocks_closing: bool = True
    done_at: datetime | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something an investigation established, with its evidence by digest. `kind` is a word of the playbook."""

    kind: str
    text: str
    by: str
    at: datetime
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A corrective action promised by the root cause analysis."""

    id: str
    title: str
    owner: str
    strength: str
    due: timedelta
    verifier_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCause:
    """Why it happened (factor codes of domain part 5.3) and what will prevent it."""

    summary: str
    factors: tuple[str, ...]
    author: str
    actions: tuple[Action, ...] = ()
    digest: str = ""


class Part(StrEnum):
    """What somebody can have taken part in."""

    EMERGENCY_ACT = "emergency_act"
    ROOT_CAUSE = "root_cause"
    CORRECTIVE_ACTION = "corrective_action"


@dataclass(frozen=True, slots=True, kw_only=True)
class TookPart:
    """One person's part in the case."""

    part: Part
    person: str
