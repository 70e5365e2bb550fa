"""Does policy tell everybody whom the law and the house want told?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from escalations import clocks as life
from escalations import notices as wordings
from escalations.clocks import ClockStatus
from escalations.model import IntakeKind, Milestone, Product
from escalations.notices import Recipient
from escalations.plans import NoticesRequest
from tests.domain.policy_cases import (
    AGENT,
    BOOK,
    CASE,
    NOW,
    ORDER,
    ORDERED,
    POLICY,
    RECALL,
    SPEECH,
    SYDNEY,
    at,
    by_rule,
    manifest,
    planned,
    report,
    told,
)


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
