"""Does policy answer a case as the playbooks say: plan, questions, notices, clocks?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

import rulebook
from activities.policy import Policy
from escalations import clocks as life
from escalations import notices as wordings
from escalations.clocks import ClockStatus
from escalations.consensus import GateKind
from escalations.enforcement import Manifest
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Milestone, Part, Product, TookPart
from escalations.notices import Recipient
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


# plans


async def test_a_recall_is_product_safety_and_gets_the_house_target_only():
    plan = await planned(RECALL)

    assert (plan.domain, plan.playbook, plan.owner) == (Domain.PSAFE, "psafe/1", "PSAF")
    assert [clock.rule for clock in plan.clocks] == ["HOUSE-RECALL-DELIST"]
    assert (plan.contain_first, plan.binding, plan.sought.exact_only) == (False, False, False)
    assert plan.sought.gtins == ("0860009999112",)


async def test_a_recall_of_what_was_never_offered_here_owes_no_report_to_anybody():
    recall = replace(RECALL, jurisdictions=("US", "CA", "AU", "DE"), facts=Facts(serious_injuries=1, deaths=1))

    answer = await told(recall, found=manifest(0, 0, (), ()), restricted=0)

    assert {clock.meets for clock in answer.clocks} == {Milestone.CONTAINED}
    assert answer.notices == ()


async def test_a_recall_of_what_was_offered_here_is_reported_where_the_law_wants_it():
    recall = replace(RECALL, jurisdictions=("US", "CA", "AU", "DE"), facts=Facts(serious_injuries=1))

    answer = await told(recall, found=manifest(markets=("DE", "CA", "AU")), restricted=3)

    assert {"CA-CCPSA-14-2", "AU-ACL-131", "EU-GPSR-22-12e"} <= set(by_rule(answer.clocks))


async def test_s1_gets_its_clocks_due_when_the_scenario_says():
    plan = await planned(SYDNEY, ORDERED, AGENT)
    found = by_rule(plan.clocks)

    assert found["AU-ACL-131"].due_operational == at("2026-12-29T12:59:59Z")
    assert found["EU-GPSR-22-4"].due_operational == at("2026-12-29T22:59:59Z")
    assert found["EU-GPSR-22-4"].due_legal_latest == at("2026-12-29T23:59:59Z")
    assert found["US-CPSA-15b"].due_operational == at("2026-12-28T09:05:00Z")
    assert found["US-CPSA-15b"].due_legal_latest == at("2026-12-28T15:40:00Z")
    assert found["US-CPSA-15b"].contested
    assert found["EU-GPSR-22-12d"].internal_target == at("2026-12-25T14:40:00Z")
    assert found["EU-GPSR-22-12e"].internal_target == at("2026-12-25T14:40:00Z")
    assert {"EU-DSA-32", "EU-GPSR-22-12a", "EU-DSA-9"} <= set(found)
    assert not [rule for rule in found if rule.startswith(("CA-", "IN-", "EU-TCO"))]


async def test_s1_is_p0_u3_contained_first_and_paged():
    plan = await planned(SYDNEY, ORDERED, AGENT)

    assert (plan.severity.score, plan.severity.band, plan.urgency, plan.priority) == ("80", 0, 3, 0)
    assert (plan.contain_first, plan.binding, plan.page) == (True, True, True)
    assert plan.sought.listings == ("L-771",)
    assert not plan.sought.exact_only
    assert "holidays 0." in by_rule(plan.clocks)["EU-GPSR-22-4"].pinned


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        pytest.param(Facts(serious_injuries=1), True, id="serious-injury"),
        pytest.param(Facts(deaths=1), True, id="death"),
        pytest.param(Facts(child_injured=True), True, id="child"),
        pytest.param(Facts(minor_injuries=2), False, id="minor-injuries"),
        pytest.param(Facts(serious_hazard=True), False, id="serious-hazard-at-p2"),
        pytest.param(Facts(serious_hazard=True, velocity=4, vulnerable_users=True), True, id="serious-hazard-at-p1"),
    ],
)
async def test_people_are_protected_before_any_review(facts, first):
    plan = await planned(replace(RECALL, facts=facts))

    assert plan.contain_first is first


async def test_an_order_alone_is_searched_for_exactly():
    plan = await planned(ORDERED)

    assert plan.binding
    assert plan.sought.exact_only
    assert plan.severity.floor == 2


@pytest.mark.parametrize(
    ("intake", "domain"),
    [
        pytest.param(RECALL, Domain.PSAFE, id="recall"),
        pytest.param(ORDERED, Domain.PSAFE, id="order-about-a-product"),
        pytest.param(SPEECH, Domain.ILLEG, id="order-about-something-else"),
        pytest.param(report(IntakeKind.NOTICE, listings=("L-2",)), Domain.ILLEG, id="notice-without-a-product"),
        pytest.param(report(IntakeKind.INCIDENT_REPORT, facts=Facts(minor_injuries=1)), Domain.PSAFE, id="injury"),
        pytest.param(replace(RECALL, domain=Domain.ILLEG), Domain.ILLEG, id="named"),
    ],
)
async def test_a_domain_nobody_named_is_taken_from_the_report(intake, domain):
    assert (await planned(intake)).domain is domain


async def test_a_domain_without_a_playbook_is_refused_with_the_next_step():
    without = replace(BOOK, playbooks=tuple(one for one in BOOK.playbooks if one.domain is not Domain.FRAUD))
    request = PlanRequest(case_id=CASE, intakes=(replace(RECALL, domain=Domain.FRAUD),), now=NOW)

    with pytest.raises(ApplicationError, match=r"add rulebook/playbooks/fraud\.yaml") as refused:
        await Policy(OneRulebook(without), Calendars()).plan_case(request)

    assert (refused.value.type, refused.value.non_retryable) == ("NoPlaybook", True)


async def test_gpsr_does_not_reach_medicines_but_the_order_is_answered():
    medicine = replace(BANK, name="slimming injection", category="medicine")

    plan = await planned(replace(ORDERED, product=medicine))

    assert not [clock for clock in plan.clocks if clock.rule.startswith("EU-GPSR")]
    assert "EU-DSA-9" in by_rule(plan.clocks)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        pytest.param("2026-02-19T10:00:00Z", "2026-02-20T22:00:00Z", id="36-hours-before-the-amendment"),
        pytest.param("2026-02-20T10:00:00Z", "2026-02-20T13:00:00Z", id="3-hours-since"),
    ],
)
async def test_an_indian_order_follows_the_rule_of_its_day(received, due):
    order = replace(TEXT_ORDER, country="IN", legal_basis="IT Rules 2021 r. 3(1)(d)")
    intake = replace(SPEECH, order=order, jurisdictions=("IN",), received_at=at(received))

    plan = await planned(intake, now=at(received))

    assert by_rule(plan.clocks)["IN-ITR-3-1-d"].due_operational == at(due)
    assert [rule for rule in by_rule(plan.clocks) if rule.startswith("EU-")] == []


async def test_three_hours_are_too_short_for_a_review():
    order = replace(TEXT_ORDER, country="IN")

    plan = await planned(replace(SPEECH, order=order, jurisdictions=("IN",)))

    assert (plan.urgency, plan.priority, plan.contain_first) == (0, 0, True)


async def test_a_terrorist_content_order_has_one_hour():
    order = replace(TEXT_ORDER, legal_basis="Regulation (EU) 2021/784 Article 3")

    clock = by_rule((await planned(replace(SPEECH, order=order))).clocks)["EU-TCO-3-3"]

    assert clock.due_operational == NOW + timedelta(hours=1)
    assert (clock.may_suspend, clock.restart_period) == (True, timedelta(hours=1))


async def test_an_order_from_a_country_with_no_rule_of_ours_is_due_when_it_says():
    order = replace(ORDER, country="GB", due_at=at("2026-12-28T17:00:00Z"))

    found = by_rule((await planned(replace(ORDERED, order=order, jurisdictions=("GB",)))).clocks)

    assert found["ORDER-DATE-ACT"].due_operational == at("2026-12-28T17:00:00Z")
    assert found["ORDER-DATE-TELL"].meets is Milestone.AUTHORITY_INFORMED
    assert not [rule for rule in found if rule.startswith("EU-")]


async def test_the_same_order_received_twice_is_one_clock_from_the_earlier_receipt():
    portal = replace(ORDERED, source_ref="portal", received_at=at("2026-12-23T10:00:00Z"))

    plan = await planned(ORDERED, portal)

    orders = [clock for clock in plan.clocks if clock.rule.startswith("EU-GPSR-22-4")]
    assert [clock.t0 for clock in orders] == [at("2026-12-23T10:00:00Z")]


async def test_two_orders_are_two_clocks_with_names_of_their_own():
    french = replace(ORDER, reference="FR-9", country="FR", authority="DGCCRF")

    plan = await planned(ORDERED, replace(ORDERED, source_ref="fr", order=french))

    orders = [(clock.rule, clock.subject) for clock in plan.clocks if clock.rule.startswith("EU-GPSR-22-4")]
    assert orders == [("EU-GPSR-22-4", "MSA-2026-7"), ("EU-GPSR-22-4#2", "FR-9")]


async def test_planning_again_keeps_every_clock():
    first = await planned(SYDNEY, ORDERED, AGENT)

    again = await planned(SYDNEY, ORDERED, AGENT, clocks=first.clocks, now=NOW + timedelta(hours=5))

    assert again.clocks == first.clocks


async def test_an_earlier_awareness_moves_the_clock_and_keeps_the_history():
    first = await planned(AGENT)
    earlier = replace(AGENT, aware_at=at("2026-12-23T15:40:00Z"))

    clock = by_rule((await planned(earlier, clocks=first.clocks)).clocks)["US-CPSA-15b"]

    assert clock.due_operational == at("2026-12-24T15:40:00Z")
    assert clock.due_history[0].due_operational == at("2026-12-28T15:40:00Z")


async def test_an_authority_may_extend_its_own_date():
    order = replace(ORDER, country="GB", due_at=at("2026-12-28T17:00:00Z"))
    intake = replace(ORDERED, order=order, jurisdictions=("GB",))
    first = await planned(intake)
    extended = replace(intake, order=replace(order, due_at=at("2027-01-04T17:00:00Z")))

    clock = by_rule((await planned(extended, clocks=first.clocks)).clocks)["ORDER-DATE-TELL"]

    assert clock.due_operational == at("2027-01-04T17:00:00Z")
    assert clock.due_history[0].due_operational == at("2026-12-28T17:00:00Z")


# questions


async def test_legal_review_of_a_recall_asks_legal_and_product_safety_and_hides_by_default():
    gate = await asked(GateKind.LEGAL_REVIEW, RECALL)

    assert {seat.role for seat in gate.seats if seat.required} == {"LEG", "PSAF"}
    assert (gate.quorum, gate.default, gate.binding) == (2, "hide", False)
    assert [seat.may_veto for seat in gate.seats if seat.role == "LEG"] == [True]
    assert gate.id == f"{CASE}/gate/1"


@pytest.mark.parametrize(
    ("count", "sellers", "roles", "quorum"),
    [
        pytest.param(10, 5, {"PSAF"}, 1, id="B0"),
        pytest.param(500, 20, {"PSAF"}, 2, id="B1"),
        pytest.param(10_000, 500, {"PSAF", "OPS", "LEG"}, 3, id="B2"),
        pytest.param(10_001, 501, {"PSAF", "OPS", "LEG", "EXEC"}, 4, id="B3"),
    ],
)
async def test_the_wider_the_act_the_more_people_must_agree(count, sellers, roles, quorum):
    gate = await asked(GateKind.CONTAINMENT, RECALL, found=manifest(count, sellers))

    assert {seat.role for seat in gate.seats if seat.required} == roles
    assert gate.quorum == quorum


async def test_an_emergency_is_decided_by_the_commander_and_one_more():
    gate = await asked(GateKind.CONTAINMENT, SYDNEY, found=manifest(41, 7))

    assert [seat.role for seat in gate.seats if seat.required] == ["IC"]
    assert (gate.quorum, gate.default) == (2, "proceed")
    assert gate.due_at == NOW + timedelta(minutes=30)


async def test_a_speech_notice_is_left_alone_by_default_and_a_binding_order_is_not():
    notice = await asked(GateKind.LEGAL_REVIEW, report(IntakeKind.NOTICE, listings=("L-2",), jurisdictions=("FR",)))
    order = await asked(GateKind.LEGAL_REVIEW, SPEECH)

    assert (notice.default, order.default) == ("no_action", "hide")
    assert (notice.binding, order.binding) == (False, True)


async def test_the_time_box_ends_before_the_nearest_binding_due_time():
    order = replace(ORDER, due_at=NOW + timedelta(hours=7))

    gate = await asked(GateKind.LEGAL_REVIEW, replace(ORDERED, order=order, received_at=NOW))

    assert gate.due_at == NOW + timedelta(hours=1)
    assert any("EU-GPSR-22-4" in step for step in gate.steps)


async def test_a_due_time_too_near_still_leaves_the_minimum_to_answer():
    order = replace(ORDER, due_at=NOW + timedelta(minutes=5))

    gate = await asked(GateKind.LEGAL_REVIEW, replace(ORDERED, order=order, received_at=NOW))

    assert gate.due_at == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("intake", "default"),
    [
        pytest.param(SYDNEY, "ratify", id="a-safety-floor-forbids-undoing"),
        pytest.param(ORDERED, "ratify", id="an-order-forbids-undoing"),
        pytest.param(RECALL, "revoke", id="otherwise-it-is-undone"),
    ],
)
async def test_an_emergency_act_nobody_ratifies_is_undone_unless_that_is_forbidden(intake, default):
    assert (await asked(GateKind.RATIFICATION, intake)).default == default


async def test_who_acted_may_not_ratify_and_an_executive_sits_in_when_all_acted():
    one = await asked(GateKind.RATIFICATION, RECALL, parts=took(Part.EMERGENCY_ACT, "leo.legal"))
    both = await asked(GateKind.RATIFICATION, RECALL, parts=took(Part.EMERGENCY_ACT, *PEOPLE.persons_in("LEG")))

    assert one.excluded == ("leo.legal",)
    assert [seat.role for seat in both.seats] == ["EXEC"]
    assert any(step.startswith("EXEC sits for LEG") for step in both.steps)


@pytest.mark.parametrize("kind", GateKind)
async def test_only_the_parts_that_a_gate_names_keep_somebody_from_it(kind):
    parts = [TookPart(part=part, person=f"{part.value}.person") for part in Part]

    gate = await asked(kind, RECALL, parts=tuple(parts))

    named = {"ratification": "emergency_act", "root_cause": "root_cause", "verification": "corrective_action"}
    assert gate.excluded == ((f"{named[kind.value]}.person",) if kind.value in named else ())


async def test_a_quorum_that_nobody_can_reach_is_said_so():
    everybody = tuple(person.id for person in PEOPLE.persons)

    with pytest.raises(ApplicationError, match=r"add a person to rulebook/rosters/persons\.yaml") as refused:
        await asked(GateKind.ROOT_CAUSE, RECALL, parts=took(Part.ROOT_CAUSE, *everybody))

    assert refused.value.type == "QuorumUnreachable"


async def test_notices_nobody_decides_on_go_one_level_up_and_then_out():
    first = await asked(GateKind.RESPONSE, RECALL)
    second = await asked(GateKind.RESPONSE, RECALL, escalated=1)
    last = await asked(GateKind.RESPONSE, RECALL, escalated=3)

    assert (first.default, second.default, last.default) == ("hold_back", "send", "send")
    assert "EXEC" in {seat.role for seat in second.seats}
    assert [seat.role for seat in last.seats] == ["EXEC"]


@pytest.mark.parametrize("kind", list(GateKind), ids=lambda kind: kind.value)
@pytest.mark.parametrize("intake", [RECALL, SYDNEY, ORDERED, SPEECH], ids=["recall", "injury", "order", "speech"])
async def test_every_question_has_an_answer_by_default_that_can_be_undone(kind, intake):
    gate = await asked(kind, intake)
    options = {option.key: option for option in gate.options}

    assert options[gate.default].reversible
    assert gate.recommended in options
    assert gate.due_at > gate.opened_at
    assert gate.quorum <= len({person for seat in gate.seats for person in seat.persons})


# notices


def fits(notice):
    """The wording takes exactly the fields that were drafted, and none of them plays the risk down."""
    template = next(one for one in BOOK.templates if one.name == notice.template)
    senders = {"case_id": CASE, "listings": ("L-1",), "trader": "a trader"}
    return bool(wordings.letter(template, notice, senders)[1])


async def test_an_order_is_answered_its_sellers_told_and_nothing_is_published():
    answer = await told(ORDERED, found=manifest(1, 1, ("DE",), (("listing_id", 1),)), restricted=1)
    letters = {notice.recipient: notice for notice in answer.notices if notice.template != "buyer_illegal"}

    reply = letters[Recipient.AUTHORITY]
    assert (reply.reply_to, reply.clocks, reply.mandatory) == ("msa@authority.example", ("EU-DSA-9",), True)
    assert letters[Recipient.SELLERS].clocks == ("EU-DSA-9-5",)
    assert Recipient.TRANSPARENCY_DATABASE not in letters
    assert not {"EU-DSA-17", "EU-DSA-24-5"} & set(by_rule(answer.clocks))


async def test_look_alikes_hidden_beside_an_order_get_full_reasons():
    found = manifest(5, 3, ("DE", "US"), (("listing_id", 1), ("gtin", 1), ("model", 3)))

    answer = await told(SYDNEY, ORDERED, found=found, restricted=5)

    assert {"EU-DSA-17", "EU-DSA-24-5", "EU-DSA-9-5"} <= set(by_rule(answer.clocks))
    sellers = next(notice for notice in answer.notices if notice.recipient is Recipient.SELLERS)
    assert set(sellers.clocks) == {"EU-DSA-17", "EU-DSA-9-5"}


async def test_a_recall_hidden_in_the_eu_starts_the_clocks_of_the_eu():
    answer = await told(RECALL, found=manifest(markets=("DE", "US")), restricted=3)
    found = by_rule(answer.clocks)

    expected = {"EU-DSA-17", "EU-DSA-24-5", "EU-GPSR-22-12a", "EU-GPSR-22-12b", "EU-GPSR-22-12d", "EU-DSA-32"}
    assert expected <= set(found)
    assert found["EU-DSA-17"].due_operational == at("2026-12-24T23:59:59Z")
    assert [notice.template for notice in answer.notices] == [
        "seller_statement", "statement_of_reasons", "buyer_recall", "buyer_illegal", "operator_notice",
    ]  # fmt: skip
    reasons = wordings.reasons(answer.notices[1].fields)
    assert (reasons.territory, reasons.restriction, reasons.category) == (
        ("DE",), "CONTENT_DISABLED", "UNSAFE_AND_PROHIBITED_PRODUCTS",
    )  # fmt: skip


async def test_buyers_outside_the_eu_are_told_by_house_policy():
    answer = await told(RECALL, found=manifest(markets=("US",)), restricted=3)

    assert [notice.template for notice in answer.notices] == ["seller_statement", "buyer_recall"]
    assert not any(notice.mandatory for notice in answer.notices)
    assert by_rule(answer.clocks)["HOUSE-BUYERS"].force.value == "house"
    assert not [rule for rule in by_rule(answer.clocks) if rule.startswith("EU-")]


async def test_an_authority_is_answered_even_when_nothing_was_found():
    answer = await told(ORDERED, found=manifest(0, 0, (), ()), restricted=0)

    assert [notice.template for notice in answer.notices] == ["authority_reply"]
    assert dict(answer.notices[0].fields)["effect"].startswith("No offer of the product was found")


async def test_each_order_gets_its_own_letter_and_stops_its_own_clock():
    french = replace(
        ORDERED, source_ref="fr", order=replace(ORDER, reference="FR-9", country="FR", reply_to="fr@a.example")
    )

    answer = await told(ORDERED, french, found=manifest(1, 1, ("DE", "FR"), (("listing_id", 1),)), restricted=1)

    replies = [notice for notice in answer.notices if notice.template == "authority_reply"]
    assert [(notice.reply_to, notice.clocks) for notice in replies] == [
        ("msa@authority.example", ("EU-DSA-9",)),
        ("fr@a.example", ("EU-DSA-9#2",)),
    ]


async def test_drafting_twice_starts_no_clock_twice():
    found = manifest(markets=("DE",))
    first = await told(RECALL, found=found, restricted=3)
    plan = await planned(RECALL)
    request = NoticesRequest(
        case_id=CASE, plan=replace(plan, clocks=()), intakes=(RECALL,), manifest=found, restricted=3,
        contained_at=NOW + timedelta(hours=1), now=NOW + timedelta(hours=3), clocks=first.clocks,
    )  # fmt: skip

    assert (await POLICY.draft_notices(request)).clocks == first.clocks


@pytest.mark.parametrize(
    "intake",
    [
        pytest.param(RECALL, id="recall"),
        pytest.param(ORDERED, id="order"),
        pytest.param(SYDNEY, id="injury"),
        pytest.param(SPEECH, id="speech"),
        pytest.param(replace(RECALL, hazard="Burns. No injuries were reported. A voluntary act."), id="played-down"),
        pytest.param(replace(RECALL, product=Product(name="x")), id="product-without-identifiers"),
        pytest.param(report(IntakeKind.NOTICE, listings=("L-2",), jurisdictions=("FR",)), id="notice"),
    ],
)
@pytest.mark.parametrize("markets", [("DE", "FR"), ("US",), ("EU",)], ids=["states", "us", "eu"])
async def test_every_drafted_notice_fits_its_wording(intake, markets):
    answer = await told(intake, found=manifest(markets=markets), restricted=3)

    assert answer.notices
    assert all(fits(notice) for notice in answer.notices)


async def test_every_duty_of_law_is_met_by_a_letter_or_left_to_a_person():
    answer = await told(SYDNEY, ORDERED, AGENT, found=manifest(5, 3, ("DE", "US"), (("gtin", 5),)), restricted=5)
    clocks = answer.clocks
    for notice in answer.notices:
        clocks = life.meet(clocks, notice.meets, NOW + timedelta(hours=3), "sent", notice.clocks)

    left = {clock.meets for clock in clocks if clock.status is ClockStatus.RUNNING}

    assert left == {Milestone.CONTAINED, Milestone.GATEWAY_FILED, Milestone.REPORT_FILED}
