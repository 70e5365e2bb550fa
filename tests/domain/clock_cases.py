"""Which report starts which clock of the EU and of the house, and when is it due? One line for each rule and version.

Due times were counted by hand from the text of the rule; a duty without a number has its internal target here.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from escalations.attaching import Known
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Product

LONG_BEFORE = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A rule, what happened at `at`, and when the rule's clock is due. `told` are fields of the report's facts.

    `ordered` is the date an order sets; `event` the kind of a dated event at `at`; `act` what is known of the act,
    whose time is `at`. `opens` is the last day on which it is too early, `latest` the most lenient reading
    where it differs.
    """

    rule: str
    at: str
    due: str
    domain: str
    place: str
    version: int = 1
    kind: str = "incident_report"
    basis: str = ""
    ordered: str = ""
    identical: bool = False
    event: str = ""
    marks: tuple[str, ...] = ()
    told: dict[str, Any] = field(default_factory=dict)
    product: str | None = None
    act: dict[str, bool] = field(default_factory=dict)
    opens: str = ""
    latest: str = ""

    @property
    def name(self) -> str:
        """Name the rule and its version."""
        return f"{self.rule}/{self.version}"


def moment(text: str) -> datetime:
    """Read a time with its offset."""
    return datetime.fromisoformat(text)


def known(case: Case) -> Known:
    """Describe the case to the clock engine: one report, and the act where the rule starts after it."""
    at = moment(case.at)
    order = None
    if case.kind == "authority_order":
        order = AuthorityOrder(
            authority="an authority", reference="REF-1", legal_basis=case.basis or "the law", country=case.place,
            reply_to="authority@authority.example", due_at=moment(case.ordered) if case.ordered else None,
            identical_content=case.identical,
        )  # fmt: skip
    events = (Event(kind=case.event, at=at, place=case.place),) if case.event else ()
    intake = Intake(
        source="test", source_ref="R-1", kind=IntakeKind(case.kind), title="a report", domain=Domain(case.domain),
        received_at=at - LONG_BEFORE if case.event or case.act else at, jurisdictions=(case.place,), order=order,
        product=None if case.product is None else Product(name="a thing", category=case.product),
        legal_basis="" if order else case.basis, facts=Facts(marks=case.marks, events=events, **case.told),
    )  # fmt: skip
    act = {"acted": True, "contained": True, "contained_at": at, **case.act} if case.act else {}
    return Known(intakes=(intake,), domain=Domain(case.domain), now=at, **act)


def moved(case: Case, place: str) -> Case:
    """Let the same thing happen elsewhere."""
    return replace(case, place=place)


def psafe(rule: str, at: str, due: str, **more: Any) -> Case:
    """A case of product safety."""
    return Case(**({"rule": rule, "at": at, "due": due, "domain": "PSAFE", "place": "IE", "product": ""} | more))


def eu(rule: str, at: str, due: str, domain: str, **more: Any) -> Case:
    """A case of the EU."""
    return Case(**({"rule": rule, "at": at, "due": due, "domain": domain, "place": "IE"} | more))


TCO = "Regulation (EU) 2021/784 art. 3"
EVIDENCE = "Regulation (EU) 2023/1543"
SUMMER_ENDS = "2026-10-24T22:00Z"
CHRISTMAS_EVE = "2026-12-24T14:40Z"
HIDDEN = {"restricted": True}
HIDDEN_FREELY = {"restricted": True, "voluntary": True}

GPSR = (
    psafe(
        "EU-GPSR-22-4",
        CHRISTMAS_EVE,
        "2026-12-29T22:59:59Z",
        kind="authority_order",
        place="DE",
        latest="2026-12-29T23:59:59Z",
    ),
    psafe(
        "EU-GPSR-22-5",
        CHRISTMAS_EVE,
        "2027-01-15T12:00Z",
        kind="authority_order",
        place="DE",
        ordered="2027-01-15T12:00Z",
        identical=True,
    ),
    psafe("EU-GPSR-22-8", "2026-04-02T09:00Z", "2026-04-08T22:59:59Z", kind="notice"),
    psafe(
        "EU-GPSR-22-6",
        "2026-12-26T10:00Z",
        "2026-12-27T10:00Z",
        kind="alert",
        basis="Regulation (EU) 2023/988 art. 22(6)",
    ),
    psafe("EU-GPSR-22-12a", SUMMER_ENDS, "2026-10-26T22:00Z", kind="authority_order"),
    psafe("EU-GPSR-22-12b", SUMMER_ENDS, "2026-10-25T22:00Z", act=HIDDEN),
    psafe("EU-GPSR-22-12d", CHRISTMAS_EVE, "2026-12-25T14:40Z", kind="authority_order", place="DE"),
    psafe("EU-GPSR-22-12e", CHRISTMAS_EVE, "2026-12-25T14:40Z", told={"minor_injuries": 1}),
    psafe("EU-GPSR-22-12e-M", CHRISTMAS_EVE, "2026-12-25T14:40Z", told={"minor_injuries": 1}),
    psafe("EU-GPSR-20", CHRISTMAS_EVE, "2026-12-25T14:40Z", marks=("manufacturer_role",), told={"serious_injuries": 1}),
    psafe("EU-PLEDGE", "2026-10-23T10:00Z", "2026-10-28T23:59:59Z", kind="recall_notice"),
    psafe("EU-PLEDGE-5", "2026-12-24T10:00Z", "2027-01-04T23:59:59Z", kind="complaint"),
)
DSA = (
    eu("EU-DSA-9", SUMMER_ENDS, "2026-10-25T22:00Z", "ILLEG", kind="authority_order"),
    eu("EU-DSA-9-5", SUMMER_ENDS, "2026-10-25T10:00Z", "ILLEG", kind="authority_order", act=HIDDEN),
    eu("EU-DSA-10", SUMMER_ENDS, "2026-10-25T22:00Z", "LERQ", kind="authority_order"),
    eu("EU-DSA-10-5", SUMMER_ENDS, "2026-10-25T10:00Z", "LERQ", kind="authority_order", act=HIDDEN),
    eu("EU-DSA-16-4", SUMMER_ENDS, "2026-10-24T22:05Z", "ILLEG", kind="notice"),
    eu("EU-DSA-16-5", SUMMER_ENDS, "2026-10-25T22:00Z", "ILLEG", kind="notice", act=HIDDEN),
    eu("EU-DSA-17", "2026-10-24T22:30Z", "2026-10-24T22:59:59Z", "ILLEG", act=HIDDEN_FREELY),
    eu("EU-DSA-24-5", SUMMER_ENDS, "2026-10-25T22:00Z", "ILLEG", act=HIDDEN_FREELY),
    eu("EU-DSA-18", SUMMER_ENDS, "2026-10-24T23:00Z", "ILLEG", kind="notice", marks=("imminent_threat",)),
    eu("EU-DSA-20", SUMMER_ENDS, "2026-10-31T22:00Z", "ILLEG", kind="complaint"),
    eu(
        "EU-DSA-21",
        "2026-09-26T10:00Z",
        "2026-12-25T23:59:59Z",
        "ILLEG",
        event="dispute_received",
        latest="2026-12-28T23:59:59Z",
    ),
    eu(
        "EU-DSA-21-X",
        "2026-09-28T10:00Z",
        "2027-03-27T23:59:59Z",
        "ILLEG",
        event="dispute_received",
        marks=("complex_dispute",),
        latest="2027-03-30T22:59:59Z",
    ),
    eu("EU-DSA-20-R", SUMMER_ENDS, "2026-10-25T22:00Z", "ILLEG", event="complaint_upheld"),
    eu("EU-DSA-22", "2026-11-14T09:05Z", "2026-11-15T09:05Z", "IPR", kind="notice", marks=("trusted_flagger",)),
    eu("EU-DSA-30-3", SUMMER_ENDS, "2026-11-03T22:00Z", "IDV", marks=("trader_data_wrong",)),
    eu("EU-DSA-30-3-S", SUMMER_ENDS, "2026-10-25T22:00Z", "IDV", marks=("trader_data_wrong",), event="remedy_lapsed"),
    eu("EU-DSA-30-5", "2026-08-31T10:00Z", "2027-03-31T22:59:59Z", "IDV", event="contract_ended", opens="2027-02-28"),
    eu("EU-DSA-32", SUMMER_ENDS, "2026-10-27T22:00Z", "ILLEG", kind="authority_order", product=""),
)
TERROR = (
    eu("EU-TCO-3-3", "2026-12-24T23:30Z", "2026-12-25T00:30Z", "TVEC", kind="authority_order", basis=TCO),
    eu("EU-TCO-3-6", "2026-12-25T00:10Z", "2026-12-25T01:10Z", "TVEC", kind="authority_order", basis=TCO, act=HIDDEN),
    eu(
        "EU-TCO-3-7",
        "2026-12-25T00:10Z",
        "2026-12-25T01:10Z",
        "TVEC",
        kind="authority_order",
        basis=TCO,
        event="compliance_impossible",
    ),
    eu(
        "EU-TCO-3-8",
        "2026-12-25T00:10Z",
        "2026-12-25T01:10Z",
        "TVEC",
        kind="authority_order",
        basis=TCO,
        event="order_unclear",
    ),
    eu("EU-TCO-4-48H", SUMMER_ENDS, "2026-10-26T22:00Z", "TVEC", kind="authority_order", basis=TCO, place="FR"),
    eu(
        "EU-TCO-4-R",
        SUMMER_ENDS,
        "2026-10-25T02:00Z",
        "TVEC",
        kind="authority_order",
        basis=TCO,
        place="FR",
        event="order_annulled",
    ),
    eu("EU-TCO-6", "2026-08-31T10:00Z", "2027-02-28T23:59:59Z", "TVEC", act=HIDDEN),
    eu(
        "EU-TCO-10",
        "2026-10-12T10:00Z",
        "2026-10-26T23:59:59Z",
        "TVEC",
        kind="complaint",
        latest="2026-10-27T23:59:59Z",
    ),
    eu("EU-TCO-11", SUMMER_ENDS, "2026-10-25T22:00Z", "TVEC", act=HIDDEN),
    eu(
        "EU-TCO-11-C",
        "2026-10-01T10:00Z",
        "2026-11-13T23:59:59Z",
        "TVEC",
        marks=("gag_order",),
        act=HIDDEN,
        opens="2026-11-12",
    ),
    eu("EU-TCO-14-5", SUMMER_ENDS, "2026-10-24T23:00Z", "TVEC", marks=("imminent_threat",)),
)
S3 = "2026-10-23T14:20Z"
BREACH = ("personal_data_breach",)
DATA = (
    eu("EU-GDPR-33", S3, "2026-10-26T14:20Z", "PRIV", marks=BREACH, latest="2026-10-28T23:59:59Z"),
    eu("EU-GDPR-33-2", S3, "2026-10-24T14:20Z", "PRIV", marks=(*BREACH, "processor_role")),
    eu("EU-GDPR-34", S3, "2026-10-26T14:20Z", "PRIV", marks=(*BREACH, "high_risk_breach")),
    eu("EU-GDPR-12-3", "2026-09-26T10:00Z", "2026-10-27T23:59:59Z", "PRIV", kind="request"),
    eu(
        "EU-GDPR-12-3-X",
        "2026-09-25T10:00Z",
        "2026-12-28T23:59:59Z",
        "PRIV",
        kind="request",
        marks=("request_extended",),
    ),
    eu("EU-P2B-4", "2026-12-25T10:00Z", "2026-12-25T23:59:59Z", "FRAUD", told={"subjects": ("seller",)}, act=HIDDEN),
    eu("EU-P2B-4-T", SUMMER_ENDS, "2026-10-25T22:00Z", "FRAUD", event="termination_decided"),
    eu(
        "EU-P2B-4-30D",
        SUMMER_ENDS,
        "2026-12-23T23:59:59Z",
        "FRAUD",
        event="termination_reasons_given",
        opens="2026-11-23",
    ),
    eu(
        "EU-EEV-10-10D",
        "2026-12-16T10:00Z",
        "2026-12-26T23:59:59Z",
        "LERQ",
        kind="authority_order",
        basis=EVIDENCE,
        latest="2026-12-28T23:59:59Z",
    ),
    eu(
        "EU-EEV-10-8H",
        SUMMER_ENDS,
        "2026-10-25T06:00Z",
        "LERQ",
        kind="authority_order",
        basis=EVIDENCE,
        marks=("emergency_request",),
    ),
    eu(
        "EU-EEV-11",
        "2026-09-01T10:00Z",
        "2026-10-31T23:59:59Z",
        "LERQ",
        kind="authority_order",
        basis=EVIDENCE,
        marks=("preservation_order",),
    ),
    eu("EU-NIS2-23-24H", SUMMER_ENDS, "2026-10-25T22:00Z", "INTEG", marks=("significant_incident",)),
    eu("EU-NIS2-23-72H", SUMMER_ENDS, "2026-10-27T22:00Z", "INTEG", marks=("significant_incident",)),
    eu(
        "EU-NIS2-23-1M",
        "2026-09-26T10:00Z",
        "2026-10-26T23:59:59Z",
        "INTEG",
        marks=("significant_incident",),
        latest="2026-10-27T23:59:59Z",
    ),
    eu(
        "EU-CRA-14-24H",
        SUMMER_ENDS,
        "2026-10-25T22:00Z",
        "INTEG",
        marks=("manufacturer_role", "exploited_vulnerability"),
    ),
    eu(
        "EU-CRA-14-72H",
        SUMMER_ENDS,
        "2026-10-27T22:00Z",
        "INTEG",
        marks=("manufacturer_role", "exploited_vulnerability"),
    ),
    eu(
        "EU-CRA-14-14D",
        "2026-10-12T10:00Z",
        "2026-10-26T23:59:59Z",
        "INTEG",
        marks=("manufacturer_role", "exploited_vulnerability"),
        event="fix_available",
        latest="2026-10-27T23:59:59Z",
    ),
    eu(
        "EU-SANC",
        "2026-12-12T10:00Z",
        "2026-12-26T23:59:59Z",
        "PAYAML",
        marks=("sanctions_match",),
        latest="2026-12-28T23:59:59Z",
    ),
)
HOUSE = (
    eu(
        "ORDER-DATE-ACT",
        "2026-11-13T16:30Z",
        "2026-11-16T17:00Z",
        "PSAFE",
        place="GB",
        kind="authority_order",
        ordered="2026-11-16T17:00Z",
    ),
    eu(
        "ORDER-DATE-TELL",
        "2026-11-16T13:00Z",
        "2026-11-18T13:00Z",
        "PROHIB",
        place="BR",
        kind="authority_order",
        ordered="2026-11-18T13:00Z",
    ),
    psafe("HOUSE-RECALL-DELIST", SUMMER_ENDS, "2026-10-25T22:00Z", kind="recall_notice", place="US"),
    eu("HOUSE-NCII", SUMMER_ENDS, "2026-10-25T00:00Z", "NCII", place="GB", kind="complaint"),
    psafe("HOUSE-BUYERS", SUMMER_ENDS, "2026-10-27T22:00Z", place="US", act=HIDDEN),
)
CASES = (*GPSR, *DSA, *TERROR, *DATA, *HOUSE)
