"""Does policy pin in its answers whom to ask at that instant, and count business time at the right desk?"""

from dataclasses import replace

import pytest

from activities.policy import Policy
from escalations.consensus import Gate, GateKind
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Part, Product, TookPart
from escalations.plans import DutyRequest, GateRequest, Plan, PlanRequest
from escalations.rulebook import OneRulebook
from tests.domain.roster_cases import CALENDARS, LEVELS, PERSONS, book, shipped, utc

POLICY = Policy(OneRulebook(shipped()), CALENDARS)
CASE = "ESC-0000-0000-0000"
RECALL = Intake(
    source="cpsc",
    source_ref="1",
    kind=IntakeKind.RECALL_NOTICE,
    title="a recall",
    received_at=utc("2026-12-25T02:00"),
    domain=Domain.PSAFE,
    jurisdictions=("US",),
    product=Product(name="Power bank", gtins=("9521100200110",)),
    facts=Facts(units_sold=500),
)
HURT = replace(RECALL, facts=Facts(serious_injuries=1, child_injured=True, confirmed=True, units_sold=500))
ORDER = replace(
    RECALL,
    kind=IntakeKind.AUTHORITY_ORDER,
    jurisdictions=("DE",),
    order=AuthorityOrder(authority="A", reference="1", legal_basis="", country="DE", reply_to="a@b.example"),
)


async def planned(intake: Intake, at: str) -> Plan:
    return await POLICY.plan_case(PlanRequest(case_id=CASE, intakes=(intake,), now=utc(at)))


async def asked(kind: GateKind, plan: Plan, at: str, *acted: str) -> Gate:
    parts = tuple(TookPart(part=Part.EMERGENCY_ACT, person=person) for person in acted)
    request = GateRequest(case_id=CASE, number=1, kind=kind, plan=plan, digest="0" * 64, now=utc(at), parts=parts)
    return await POLICY.draft_gate(request)


def ask(plan: Plan) -> list[str]:
    assert plan.on_duty is not None
    return [person for person, _ in plan.on_duty.ask]


@pytest.mark.parametrize(
    ("intake", "at", "people"),
    [
        pytest.param(RECALL, "2026-12-25T02:00", ["sofia.safety"], id="the-evening-in-seattle"),
        pytest.param(RECALL, "2026-12-25T12:00", ["sam.safety"], id="christmas-noon-in-dublin"),
        pytest.param(RECALL, "2026-12-01T18:30", ["sofia.safety"], id="a-working-day"),
        pytest.param(HURT, "2026-12-25T12:00", ["ana.ic", "sam.safety"], id="an-emergency-asks-the-commander-first"),
        pytest.param(ORDER, "2026-12-01T16:30", ["sam.safety"], id="a-member-state-asks-dublin-first"),
    ],
)
async def test_a_plan_names_who_leads_at_that_instant(intake: Intake, at: str, people: list[str]) -> None:
    plan = await planned(intake, at)

    assert ask(plan)[: len(people)] == people
    assert len(ask(plan)) <= 3


async def test_a_gate_names_who_is_on_duty_and_lets_everybody_vote() -> None:
    plan = await planned(RECALL, "2026-12-01T10:00")

    morning = await asked(GateKind.LEGAL_REVIEW, plan, "2026-12-01T10:00")
    evening = await asked(GateKind.LEGAL_REVIEW, plan, "2026-12-01T22:00")

    assert morning.seats == evening.seats
    assert {seat.role for seat in morning.seats if "leo.legal" in seat.persons} == {"LEG"}
    assert morning.ask == ("leo.legal", "sam.safety")
    assert evening.ask == ("lena.legal", "sofia.safety")


async def test_the_emergency_gate_asks_the_commander_and_the_lead_on_duty() -> None:
    plan = await planned(HURT, "2026-12-25T12:00")

    gate = await asked(GateKind.CONTAINMENT, plan, "2026-12-25T12:00")

    assert gate.ask == ("ana.ic", "sam.safety")


async def test_whoever_may_not_decide_is_not_asked() -> None:
    plan = await planned(HURT, "2026-12-01T10:00")

    gate = await asked(GateKind.RATIFICATION, plan, "2026-12-01T10:00", "leo.legal")

    assert "leo.legal" not in gate.ask
    assert gate.ask[0] in gate.seats[0].persons


async def test_who_is_on_duty_later_is_asked_anew_and_from_a_level_on() -> None:
    request = DutyRequest(
        case_id=CASE,
        rulebook="",
        role="PSAF",
        domain=Domain.PSAFE,
        now=utc("2026-12-01T19:30"),
        places=("DE",),
    )

    now = await POLICY.who_is_on_duty(request)
    above = await POLICY.who_is_on_duty(replace(request, level=2, excluded=("leo.legal",)))

    assert now.ask[0] == ("sofia.safety", "PSAF, on shift at seattle until Wed 02 Dec 02:00Z")
    assert [(person, why[:8]) for person, why in above.ask] == [("eric.exec", "EXEC, L2"), ("emma.exec", "EXEC, L3")]
    assert now.asked != above.asked


async def test_a_person_who_owes_something_is_asked_before_the_role() -> None:
    request = DutyRequest(
        case_id=CASE, rulebook="", role="petra.product", domain=Domain.PSAFE, now=utc("2026-12-01T19:30")
    )

    found = await POLICY.who_is_on_duty(request)

    assert [person for person, _ in found.ask][:2] == ["petra.product", "piotr.product"]
    assert found.ask[0][1] == "PROD, owes it"


async def test_a_target_in_business_time_is_pinned_with_the_hours_of_the_desk_that_owns_the_case() -> None:
    plan = await planned(ORDER, "2026-12-04T17:00")  # a Friday
    first = plan.on_duty

    assert plan.priority >= 2
    assert "decide" in plan.targets.business
    assert first is not None
    assert (first.desk, first.hours[:4]) == ("dublin", (-480, 540, 3780, 540))


async def test_what_runs_around_the_clock_pins_no_hours() -> None:
    plan = await planned(HURT, "2026-12-04T17:00")

    assert plan.priority <= 1
    assert plan.targets.business == ()
    assert plan.on_duty is not None
    assert plan.on_duty.hours == ()


async def test_a_roster_of_before_is_asked_as_before() -> None:
    people = PERSONS.replace("{name: S, roles: [PSAF]}", "{name: S, roles: [PSAF, OPS, FIN]}")
    policy = Policy(OneRulebook(replace(shipped(), roster=book(people=people).roster)), CALENDARS)

    plan = await policy.plan_case(PlanRequest(case_id=CASE, intakes=(ORDER,), now=utc("2026-12-25T03:00")))

    assert ask(plan) == ["sam.safety"]
    assert plan.on_duty is not None
    assert (plan.on_duty.desk, plan.on_duty.hours) == ("", ())


async def test_nobody_to_ask_is_an_answer_too() -> None:
    policy = Policy(OneRulebook(replace(shipped(), roster=book(people=PERSONS + LEVELS).roster)), CALENDARS)
    request = DutyRequest(
        case_id=CASE,
        rulebook="",
        role="WIZARD",
        domain=Domain.TVEC,
        now=utc("2026-12-25T03:00"),
        excluded=("ana.ic", "emma.exec", "leo.legal", "lena.legal"),
    )

    assert (await policy.who_is_on_duty(request)).ask == ()
