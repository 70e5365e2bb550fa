"""Does policy ask the right people, until the right time, with the right default?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from escalations.consensus import GateKind
from escalations.model import IntakeKind, Part, TookPart
from tests.domain.policy_cases import (
    CASE,
    NOW,
    ORDER,
    ORDERED,
    PEOPLE,
    RECALL,
    SPEECH,
    SYDNEY,
    asked,
    manifest,
    report,
    took,
)


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
