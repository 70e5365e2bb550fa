"""What was reported in the worked scenarios S1, S3, S4 and S8? The reports, and how a test asks for a plan.

All facts are invented; the company is the one of the shipped rulebook (Dublin, with a US entity, fulfils some goods).
"""

from dataclasses import replace
from datetime import UTC, datetime

import rulebook
from escalations import gates, planning, severity, situation
from escalations.clocks import Clock
from escalations.consensus import Gate, GateKind
from escalations.enforcement import Manifest
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Product
from escalations.plans import GateRequest, Plan, PlanRequest
from rulebook.calendars import Calendars

BOOK, CALENDARS = rulebook.load(), Calendars()
CASE = "ESC-0000-0000-0000"


def at(text: str) -> datetime:
    """Read an instant with its offset, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def report(ref: str, kind: IntakeKind, received: str, *places: str, **told: object) -> Intake:
    """Make a report that concerns some places."""
    given = {"source": "test", "source_ref": ref, "kind": kind, "title": ref, "received_at": at(received)}
    return Intake(**{**given, "jurisdictions": places, **told})  # type: ignore[arg-type]


def planned(*intakes: Intake, now: str, clocks: tuple[Clock, ...] = (), contained: str = "") -> Plan:
    """Plan a case from its reports, with the clocks that run already."""
    request = PlanRequest(
        case_id=CASE,
        intakes=intakes,
        now=at(now),
        clocks=clocks,
        contained=bool(contained),
        contained_at=at(contained) if contained else None,
    )
    return planning.planned(BOOK, CALENDARS, request)


def asked(kind: GateKind, plan: Plan, now: str, manifest: Manifest | None = None) -> Gate:
    """Draft one question of a case."""
    request = GateRequest(
        case_id=CASE, number=1, kind=kind, plan=plan, digest="d" * 64, now=at(now), manifest=manifest
    )  # fmt: skip
    return gates.drafted(BOOK, request)


def found(count: int, sellers: int, *markets: str) -> Manifest:
    """Make the summary of a sweep that found so many listings."""
    return Manifest(digest="d" * 64, count=count, sellers=sellers, markets=markets, by_tier=(("gtin", count),))


def due(plan: Plan) -> dict[str, datetime | None]:
    """List the due times of law, by rule."""
    return {clock.rule: clock.due_operational for clock in plan.clocks}


def by_rule(plan: Plan) -> dict[str, Clock]:
    """List the clocks, by rule."""
    return {clock.rule: clock for clock in plan.clocks}


def vector(*intakes: Intake, now: str) -> tuple[int, ...]:
    """Find the levels of the eight inputs, H L R V U X M C, with the clocks that run then."""
    plan = planned(*intakes, now=now)
    seen = situation.situation(BOOK, intakes, plan.domain)
    return severity.levels(BOOK.severity, situation.with_clocks(seen, plan.clocks, at(now)))


# S1: a burning power bank over Christmas

BANK = Product(name="VoltPeak 20K", gtins=("0860009999112",), batches=("VP-26-08",))
SYDNEY = report(
    "sydney", IntakeKind.INCIDENT_REPORT, "2026-12-24T20:05+11:00", "AU", product=BANK, domain=Domain.FRAUD,
    facts=Facts(serious_injuries=1, child_injured=True, units_sold=11_714, velocity=3, media=2),
)  # fmt: skip
BERLIN = report(
    "berlin", IntakeKind.AUTHORITY_ORDER, "2026-12-24T15:40+01:00", "DE", "FR", "IE", product=BANK,
    order=AuthorityOrder(
        authority="a market surveillance authority", reference="MSA-1", country="DE", reply_to="m@authority.example",
        legal_basis="Regulation (EU) 2023/988 art. 22(4), (5)", listings=("L-771",), identical_content=True,
    ),
)  # fmt: skip
RETURNS = report("returns", IntakeKind.INCIDENT_REPORT, "2026-12-24T10:40-05:00", "US", product=BANK)
S1 = (SYDNEY, BERLIN, RETURNS)
S1_NOW = "2026-12-24T15:40Z"

# S3: identity documents exposed

LEAKED = Facts(
    marks=("high_risk_breach", "leak_closed", "personal_data_breach", "sensitive_data"),
    confirmed=True,
    people_affected=18_204,
    media=1,
    events=(
        Event(kind="breach_assessed", at=at("2026-10-24T11:00+08:00"), place="SG"),
        Event(kind="awareness_claimed", at=at("2026-10-23T09:02Z")),
    ),
)
AWARE = at("2026-10-23T15:20+01:00")
LEAK_PLACES = ("IE", "DE", "GB", "BR", "SG", "KR", "IN")
RESEARCHER = report("researcher", IntakeKind.ALERT, "2026-10-22T21:10Z", "IE", domain=Domain.PRIV, aware_at=AWARE)
TICKET = report("ticket", IntakeKind.ALERT, "2026-10-23T09:02Z", "IE", domain=Domain.PRIV, aware_at=AWARE)
ENGINEER = report("bucket", IntakeKind.ALERT, "2026-10-23T14:20Z", *LEAK_PLACES, domain=Domain.PRIV, facts=LEAKED)
S3 = (RESEARCHER, TICKET, ENGINEER)
S3_NOW = "2026-10-23T14:20Z"

# S4: an intimate-image request that turns into child sexual abuse material, over the end of US summer time

VIDEO = ("V-1",)
REQUEST = report(
    "tida", IntakeKind.NOTICE, "2026-10-31T22:15-04:00", "US", domain=Domain.NCII, listings=VIDEO,
    legal_basis="TAKE IT DOWN Act s. 3", facts=Facts(marks=("intimate_image",), people_affected=640, velocity=3),
)  # fmt: skip
ESAFETY = report(
    "esafety", IntakeKind.AUTHORITY_ORDER, "2026-11-01T14:00+11:00", "AU", domain=Domain.NCII, listings=VIDEO,
    order=AuthorityOrder(
        authority="eSafety", reference="ES-1", legal_basis="Online Safety Act 2021 s. 77", country="AU",
        reply_to="es@authority.example", listings=VIDEO,
    ),
)  # fmt: skip
COMPLAINT = report(
    "india", IntakeKind.COMPLAINT, "2026-11-01T09:40+05:30", "IN", domain=Domain.NCII, listings=VIDEO,
    facts=Facts(marks=("intimate_image",)),
)  # fmt: skip
S4 = (REQUEST, ESAFETY, COMPLAINT)
S4_NOW = "2026-11-01T04:10Z"
FLIPPED = replace(REQUEST, facts=replace(REQUEST.facts, marks=("csam", "intimate_image", "minor_depicted")))

# S8: counterfeit slimming injections, reported to three desks

PEN = Product(name="slimming injection", category="medicine", gtins=("9521100200110",))
HURT = Facts(serious_injuries=2, marks=("imminent_threat",), units_sold=4_300, velocity=3, evading=True)
MHRA = report(
    "mhra", IntakeKind.AUTHORITY_ORDER, "2026-11-13T16:30Z", "GB", domain=Domain.PSAFE, product=PEN, facts=HURT,
    order=AuthorityOrder(
        authority="MHRA", reference="M-1", legal_basis="Human Medicines Regulations 2012", country="GB",
        reply_to="m@authority.example", due_at=at("2026-11-16T17:00Z"),
    ),
)  # fmt: skip
FLAGGED = report(
    "flagger", IntakeKind.NOTICE, "2026-11-14T09:05Z", "IE", "DE", domain=Domain.PSAFE, product=PEN,
    facts=Facts(marks=("trusted_flagger",)),
)  # fmt: skip
PAPER = report(
    "paper", IntakeKind.INQUIRY, "2026-11-14T13:00Z", "GB", domain=Domain.MEDIA, facts=Facts(media=3)
)  # fmt: skip
ANVISA = report(
    "anvisa", IntakeKind.AUTHORITY_ORDER, "2026-11-16T13:00Z", "BR", domain=Domain.PSAFE, product=PEN,
    order=AuthorityOrder(
        authority="Anvisa", reference="A-1", legal_basis="Law 6.360/1976", country="BR",
        reply_to="a@authority.example", due_at=at("2026-11-18T13:00Z"),
    ),
)  # fmt: skip
S8 = (MHRA, FLAGGED, PAPER, ANVISA)
