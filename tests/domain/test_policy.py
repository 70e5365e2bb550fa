"""Does policy plan a case as the playbooks and the law say?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.policy import Policy
from escalations.model import Domain, Facts, IntakeKind, Milestone
from escalations.plans import PlanRequest
from escalations.rulebook import OneRulebook
from rulebook.calendars import Calendars
from tests.domain.policy_cases import (
    AGENT,
    BANK,
    BOOK,
    CASE,
    NOW,
    ORDER,
    ORDERED,
    RECALL,
    SPEECH,
    SYDNEY,
    TEXT_ORDER,
    at,
    by_rule,
    manifest,
    planned,
    report,
    told,
)


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
