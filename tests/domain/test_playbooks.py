"""Is every kind of harm handled as its playbook says: who sits where, what people do, who is told, who may look?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rulebook
from escalations import attaching, gates, planning, situation, telling
from escalations.attaching import Known
from escalations.consensus import GateKind
from escalations.enforcement import Manifest
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Product
from escalations.plans import GateRequest, NoticesRequest, PlanRequest
from rulebook.calendars import Calendars
from tests.domain import playbook_facts

HERE = Path(__file__).parent / "golden"
BOOK = rulebook.load()
CALENDARS = Calendars()
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
CASE = "ESC-0000-0000-0001"


def report(kind, domain=None, **options):
    plain = {"source": "test", "source_ref": "1", "kind": kind, "title": "a report", "received_at": NOW}
    return Intake(**(plain | {"domain": domain} | options))


def ordered(legal_basis, country="DE", **options):
    return AuthorityOrder(
        authority="an authority", reference="A-1", legal_basis=legal_basis, country=country,
        reply_to="reply@authority.example", **options,
    )  # fmt: skip


def marked(*marks, **options):
    return Facts(marks=marks, **options)


TYPICAL = {
    Domain.PSAFE: report(
        IntakeKind.INCIDENT_REPORT, jurisdictions=("DE",), product=Product(name="VoltPeak 20K"),
        facts=Facts(serious_injuries=1),
    ),
    Domain.PROHIB: report(
        IntakeKind.NOTICE, Domain.PROHIB, jurisdictions=("FR",), listings=("L-1",), facts=marked("crime_suspected")
    ),
    Domain.IPR: report(
        IntakeKind.COUNTER_NOTICE, Domain.IPR, jurisdictions=("US",), listings=("L-1",), facts=marked("copyright")
    ),
    Domain.FRAUD: report(
        IntakeKind.ALERT, Domain.FRAUD, jurisdictions=("FR",), facts=Facts(velocity=4, media=2, people_affected=4000)
    ),
    Domain.MINOR: report(IntakeKind.ALERT, jurisdictions=("US",), facts=marked("csam")),
    Domain.TVEC: report(
        IntakeKind.AUTHORITY_ORDER, Domain.TVEC, jurisdictions=("DE",),
        order=ordered("Regulation (EU) 2021/784 art. 3"), facts=marked("terrorist_content", "live"),
    ),
    Domain.ILLEG: report(IntakeKind.NOTICE, jurisdictions=("FR",), listings=("L-1",)),
    Domain.NCII: report(
        IntakeKind.REQUEST, Domain.NCII, jurisdictions=("US",), listings=("L-1",), facts=marked("intimate_image")
    ),
    Domain.PRIV: report(
        IntakeKind.ALERT, Domain.PRIV, jurisdictions=("DE", "GB"),
        facts=marked("personal_data_breach", "sensitive_data"),
    ),
    Domain.IDV: report(
        IntakeKind.ALERT, Domain.IDV, jurisdictions=("DE",), facts=marked("trader_data_wrong", "sanctions_match")
    ),
    Domain.CREATOR: report(IntakeKind.COMPLAINT, Domain.CREATOR, jurisdictions=("FR",), facts=marked("live", media=3)),
    Domain.CRISIS: report(IntakeKind.ALERT, Domain.CRISIS, jurisdictions=("FR",), facts=marked("public_emergency")),
    Domain.MEDIA: report(IntakeKind.INQUIRY, Domain.MEDIA, jurisdictions=("FR",)),
    Domain.REGINQ: report(
        IntakeKind.INQUIRY, Domain.REGINQ, jurisdictions=("DE",), facts=marked("executive_commitment")
    ),
    Domain.LERQ: report(IntakeKind.REQUEST, Domain.LERQ, jurisdictions=("DE",), facts=marked("gag_order")),
    Domain.PAYAML: report(
        IntakeKind.ALERT, Domain.PAYAML, jurisdictions=("DE",), facts=marked("money_laundering", "sanctions_match")
    ),
    Domain.INTEG: report(IntakeKind.ALERT, Domain.INTEG, jurisdictions=("DE",), facts=Facts(sellers_wronged=120)),
    Domain.ESG: report(IntakeKind.NOTICE, Domain.ESG, jurisdictions=("DE",), facts=marked("forced_labour")),
}  # fmt: skip


def planned(*intakes, book=BOOK):
    return planning.planned(book, CALENDARS, PlanRequest(case_id=CASE, intakes=intakes, now=NOW))


def manifest(count=3, sellers=2, markets=("DE",), by_tier=(("gtin", 3),)):
    return Manifest(digest="d" * 64, count=count, sellers=sellers, markets=markets, by_tier=by_tier)


def asked(kind, *intakes, found=None, book=BOOK):
    request = GateRequest(
        case_id=CASE, number=1, kind=kind, plan=planned(*intakes, book=book), digest="e" * 64, now=NOW,
        manifest=found or manifest(),
    )  # fmt: skip
    return gates.drafted(book, request)


def told(*intakes, found=None, book=BOOK):
    plan, found = planned(*intakes, book=book), found or manifest()
    request = NoticesRequest(
        case_id=CASE, plan=plan, intakes=intakes, manifest=found, restricted=found.count, contained_at=NOW,
        now=NOW + timedelta(hours=1),
    )  # fmt: skip
    known = Known(
        intakes=intakes, domain=plan.domain, now=request.now, clocks=plan.clocks, markets=found.markets,
        contained=True, acted=True, contained_at=NOW, restricted=found.count > 0, voluntary=telling.voluntary(request),
    )  # fmt: skip
    clocks = attaching.attached(book, CALENDARS, known)
    after = telling.seen(book, request, situation.reported(book, request.intakes))
    return telling.drafted(book, request, clocks, after), {clock.rule for clock in clocks}


def templates(*intakes, **options):
    return [notice.template for notice in told(*intakes, **options)[0]]


def seats(gate):
    shown = [f"{seat.role}{'!' * seat.required}{'~' * seat.may_veto}" for seat in gate.seats]
    return f"{gate.quorum} of {' '.join(shown)} else {gate.default}"


def summary(domain):
    """Write down what matters of a plan and its questions: `!` is required, `~` may veto."""
    intake = TYPICAL[domain]
    plan = planned(intake)
    lines = [
        f"{plan.domain.value} P{plan.severity.band} owner {plan.owner} ring {plan.ring or 'open'}",
        f"contain first {plan.contain_first}, page {plan.page}, root cause {plan.root_cause_required}",
        f"called {' '.join(plan.called) or '-'}",
        *(f"step {step.owner} {step.key}{' at once' * step.before_review}" for step in plan.steps),
        *(f"{kind.value}: {seats(asked(kind, intake))}" for kind in GateKind),
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["psafe", "illeg"])
def test_shared_questions_leave_product_safety_and_illegal_content_as_they_were(name):
    playbook = next(one for one in BOOK.playbooks if one.id == name)

    assert playbook_facts.gates(playbook) == (HERE / f"gates_{name}.txt").read_text(encoding="utf-8")


def test_every_domain_has_a_playbook():
    assert {one.domain for one in BOOK.playbooks} == set(Domain)
    assert len(BOOK.playbooks) == 18


@pytest.mark.parametrize("domain", list(Domain), ids=lambda domain: domain.value)
def test_a_typical_report_is_planned_and_asked_as_its_playbook_says(domain):
    assert summary(domain) == (HERE / f"plan_{domain.value.lower()}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("domain", list(Domain), ids=lambda domain: domain.value)
@pytest.mark.parametrize("found", [(5, 2), (400, 10), (5_000, 300), (50_000, 900)], ids=["B0", "B1", "B2", "B3"])
def test_every_question_can_be_answered_at_every_blast_tier(domain, found):
    for kind in GateKind:
        gate = asked(kind, TYPICAL[domain], found=manifest(*found))

        assert gate.default in {option.key for option in gate.options if option.reversible}
        assert gate.quorum >= len([seat for seat in gate.seats if seat.required])


@pytest.mark.parametrize("playbook", BOOK.playbooks, ids=lambda playbook: playbook.id)
def test_what_leaves_the_house_needs_two_people(playbook):
    assert playbook.gate(GateKind.RESPONSE).panel.quorum >= 2


@pytest.mark.parametrize("playbook", rulebook.load(overlay="demo").playbooks, ids=lambda playbook: playbook.id)
def test_the_demonstration_shortens_every_playbook(playbook):
    assert max(span for rule in playbook.gates for span in rule.time_box) <= timedelta(minutes=2)
    assert max(playbook.resweeps) <= timedelta(seconds=10)


def test_the_ladder_has_twelve_rungs_of_which_the_marketplace_hand_climbs_one():
    assert [rung.rung for rung in BOOK.ladder] == list(range(12))
    assert [rung.key for rung in BOOK.ladder if rung.hand] == ["hide"]
    assert [rung.key for rung in BOOK.ladder if rung.reversible == "no"] == ["terminate"]


# domain traps


MEDICINE = Product(name="slimming injection", category="medicine", gtins=("1",))


def test_gpsr_never_for_medicines():
    intake = replace(TYPICAL[Domain.PSAFE], product=MEDICINE)

    notices, clocks = told(intake)

    assert not [rule for rule in clocks if rule.startswith("EU-GPSR")]
    assert not [notice for notice in notices if "GPSR" in notice.duty and "house policy" not in notice.duty]
    assert "buyer_illegal" in [notice.template for notice in notices]


@pytest.mark.parametrize(
    ("marks", "put_back"),
    [
        pytest.param(("copyright",), True, id="512g-copyright"),
        pytest.param(("trademark",), False, id="trademark"),
        pytest.param(("counterfeit",), False, id="counterfeit"),
        pytest.param(("copyright", "counterfeit"), False, id="both-is-not-put-back"),
    ],
)
def test_put_back_is_for_copyright_only(marks, put_back):
    plan = planned(replace(TYPICAL[Domain.IPR], facts=marked(*marks)))

    assert ("put_back" in [step.key for step in plan.steps]) is put_back
    if "copyright" not in marks:
        assert not [clock for clock in plan.clocks if clock.rule.startswith("US-DMCA-g")]


ORDER = ordered("Regulation (EU) 2023/988 art. 22(4)", listings=("L-1",))
ORDERED = report(
    IntakeKind.AUTHORITY_ORDER, jurisdictions=("DE",), product=Product(name="x", gtins=("1",)), order=ORDER
)


@pytest.mark.parametrize(
    ("by_tier", "inside"),
    [
        pytest.param((("listing_id", 1),), False, id="17-5-ordered"),
        pytest.param((("listing_id", 1), ("model", 2)), True, id="17-look-alikes"),
    ],
)
def test_ordered_removals_are_outside_article_17_and_look_alikes_inside(by_tier, inside):
    count = sum(number for _, number in by_tier)

    notices, clocks = told(ORDERED, found=manifest(count, 1, ("DE",), by_tier))

    assert ({"EU-DSA-17", "EU-DSA-24-5"} <= clocks) is inside
    assert ("statement_of_reasons" in [notice.template for notice in notices]) is inside
    assert "seller_statement" in [notice.template for notice in notices]


def test_two_groups_of_buyers_get_two_letters():
    notices, _ = told(TYPICAL[Domain.PSAFE])

    buyers = {notice.template: notice.duty for notice in notices if notice.recipient == "buyers"}

    assert buyers == {"buyer_recall": "GPSR art. 22(12)(a), 35", "buyer_illegal": "DSA art. 32(1)"}


@pytest.mark.parametrize(
    ("size", "owed"), [("micro", False), ("small", False), ("medium", True), ("large", True)],
    ids=["29-micro", "29-small", "medium", "large"],
)  # fmt: skip
def test_section_4_exempts_micro_and_small_marketplaces(size, owed):
    book = replace(BOOK, platform=replace(BOOK.platform, size=size))

    notices, clocks = told(TYPICAL[Domain.PSAFE], book=book)

    assert ("buyer_illegal" in [notice.template for notice in notices]) is owed
    assert ("EU-DSA-32" in clocks) is owed
    assert "EU-DSA-17" in clocks


@pytest.mark.parametrize("mark", ["csam", "minor_depicted"])
def test_a_child_in_the_picture_flips_approvers_evidence_and_ring(mark):
    before = TYPICAL[Domain.NCII]
    after = replace(before, facts=marked("intimate_image", mark))

    plan, first, then = planned(after), asked(GateKind.LEGAL_REVIEW, before), asked(GateKind.LEGAL_REVIEW, after)

    assert (planned(before).domain, plan.domain, plan.ring) == (Domain.NCII, Domain.MINOR, "csam_restricted")
    assert {seat.role for seat in first.seats} == {"POL"}
    assert {seat.role for seat in then.seats} == {"CSAFE", "LEG"}
    assert "listing_snapshots" not in plan.evidence
    assert "seller_statement" not in templates(after)
    assert plan.severity.floor == 0


def test_no_commander_sees_what_only_child_safety_may_see():
    minor, typical = BOOK.playbook(Domain.MINOR), TYPICAL[Domain.MINOR]

    roles = {seat.role for kind in GateKind for seat in asked(kind, typical).seats}

    assert [one.viewers for one in minor.rings] == [("CSAFE",)]
    assert roles <= {"CSAFE", "LEG", "DPO"}


def test_disclosure_to_the_police_needs_two_people_of_lert_and_leg():
    gate = asked(GateKind.RESPONSE, TYPICAL[Domain.LERQ])

    assert gate.quorum == 2
    assert {seat.role for seat in gate.seats if seat.required} == {"LERT", "LEG"}
    assert planned(TYPICAL[Domain.LERQ]).ring == "gag"


def test_nobody_tips_a_money_launderer_off():
    gate = asked(GateKind.RESPONSE, TYPICAL[Domain.PAYAML])

    assert {seat.role for seat in gate.seats} == {"FIN"}
    assert templates(TYPICAL[Domain.PAYAML]) == []


@pytest.mark.parametrize("mark", ["gag_order", "money_laundering"])
def test_a_seller_is_not_told_what_must_stay_secret_in_any_domain(mark):
    intake = replace(TYPICAL[Domain.ILLEG], facts=marked(mark))

    assert "seller_statement" not in templates(intake)
    assert "silence_ends" in [one.key for one in BOOK.playbook(Domain.ILLEG).responses]


@pytest.mark.parametrize(
    ("intake", "called"),
    [
        pytest.param(TYPICAL[Domain.IPR], ("LEG",), id="counter-notice"),
        pytest.param(replace(TYPICAL[Domain.IPR], kind=IntakeKind.NOTICE), (), id="plain-notice"),
        pytest.param(
            replace(TYPICAL[Domain.CREATOR], facts=Facts(events=(Event(kind="contract_ended", at=NOW),))),
            ("LEG",), id="contract",
        ),
        pytest.param(replace(TYPICAL[Domain.NCII], facts=marked("age_doubt")), ("CSAFE",), id="age-in-doubt"),
    ],
)  # fmt: skip
def test_a_role_that_sits_under_a_condition_is_called_when_it_holds(intake, called):
    plan, gate = planned(intake), asked(GateKind.RESPONSE, intake)

    assert plan.called == called
    assert set(called) <= {seat.role for seat in gate.seats if seat.required}
    assert gate.quorum >= len([seat for seat in gate.seats if seat.required])


def test_a_quorum_counts_the_seats_that_are_called():
    plain = asked(GateKind.LEGAL_REVIEW, replace(TYPICAL[Domain.IPR], kind=IntakeKind.NOTICE))
    called = asked(GateKind.LEGAL_REVIEW, TYPICAL[Domain.IPR])

    assert (plain.quorum, called.quorum) == (1, 2)


def test_a_playbook_may_set_a_target_of_its_own():
    psafe = replace(BOOK.playbook(Domain.PSAFE), targets=((0, "contain", timedelta(minutes=10)),))
    book = replace(BOOK, playbooks=tuple(psafe if one.domain is Domain.PSAFE else one for one in BOOK.playbooks))
    hurt = replace(TYPICAL[Domain.PSAFE], facts=Facts(deaths=1))

    plan = planned(hurt, book=book)

    assert plan.targets.contain == timedelta(minutes=10)
    assert plan.targets.decide == BOOK.severity.targets[0].decide
