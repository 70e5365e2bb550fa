"""What is policy asked in its tests? Five reports, and one way to put each question."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import rulebook
from activities.policy import Policy
from escalations.enforcement import Manifest
from escalations.model import AuthorityOrder, Facts, Intake, IntakeKind, Product, TookPart
from escalations.plans import GateRequest, NoticesRequest, PlanRequest
from escalations.rulebook import OneRulebook
from rulebook.calendars import Calendars

NOW = datetime(2026, 12, 24, 15, 40, tzinfo=UTC)
CASE = "ESC-0000-0000-0001"
BANK = Product(
    name="VoltPeak 20K", brand="VoltPeak", models=("VP-20K",), gtins=("0860009999112",), batches=("VP-26-08",)
)
ORDER = AuthorityOrder(
    authority="Marktüberwachung Nord", reference="MSA-2026-7", legal_basis="Regulation (EU) 2023/988 art. 22(4), (5)",
    country="DE", reply_to="msa@authority.example", listings=("L-771",), identical_content=True,
)  # fmt: skip
BOOK = rulebook.load()
POLICY = Policy(OneRulebook(BOOK), Calendars())
PEOPLE = BOOK.roster


def at(text):
    return datetime.fromisoformat(text)


def report(kind, **options):
    plain = {"source": "test", "source_ref": f"ref-{kind.value}", "kind": kind, "title": "a report", "received_at": NOW}
    return Intake(**(plain | options))


RECALL = report(IntakeKind.RECALL_NOTICE, jurisdictions=("US",), product=BANK, hazard="It can overheat and burn.")
ORDERED = report(
    IntakeKind.AUTHORITY_ORDER, jurisdictions=("DE",), product=BANK, order=ORDER, received_at=at("2026-12-24T14:40:00Z")
)
SYDNEY = report(
    IntakeKind.INCIDENT_REPORT, jurisdictions=("AU",), product=BANK, received_at=at("2026-12-24T09:05:00Z"),
    facts=Facts(serious_injuries=1, child_injured=True, velocity=3, media=2, units_sold=11_714),
)  # fmt: skip
AGENT = report(IntakeKind.INCIDENT_REPORT, source_ref="us", jurisdictions=("US",), product=BANK)
TEXT_ORDER = AuthorityOrder(
    authority="a court", reference="C-1", legal_basis="penal code", country="FR", reply_to="c@court.example",
    listings=("L-1",),
)  # fmt: skip
SPEECH = report(IntakeKind.AUTHORITY_ORDER, jurisdictions=("FR",), order=TEXT_ORDER)


async def planned(*intakes, clocks=(), now=NOW):
    return await POLICY.plan_case(PlanRequest(case_id=CASE, intakes=intakes, now=now, clocks=clocks))


def manifest(count=3, sellers=2, markets=("US",), by_tier=(("gtin", 3),)):
    return Manifest(digest="d" * 64, count=count, sellers=sellers, markets=markets, by_tier=by_tier)


async def asked(kind, *intakes, found=None, plan=None, parts=(), escalated=0, now=NOW):
    plan = plan or await planned(*intakes)
    request = GateRequest(
        case_id=CASE, number=1, kind=kind, plan=plan, digest="e" * 64, now=now, manifest=found or manifest(),
        parts=parts, escalated=escalated,
    )  # fmt: skip
    return await POLICY.draft_gate(request)


def took(part, *persons):
    return tuple(TookPart(part=part, person=person) for person in persons)


async def told(*intakes, found, restricted, contained_at=NOW + timedelta(hours=1)):
    plan = await planned(*intakes)
    request = NoticesRequest(
        case_id=CASE, plan=replace(plan, clocks=()), intakes=intakes, manifest=found, restricted=restricted,
        contained_at=contained_at if restricted else None, now=NOW + timedelta(hours=2), clocks=plan.clocks,
    )  # fmt: skip
    return await POLICY.draft_notices(request)


def by_rule(clocks):
    return {clock.rule: clock for clock in clocks}
