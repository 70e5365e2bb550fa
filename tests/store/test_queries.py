"""Do people find what they look for, page by page, nothing twice and nothing left out?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.clocks import Clock, ClockStatus
from escalations.consensus import Stance, Vote
from escalations.enforcement import Manifest, Swept, Tally
from escalations.model import Action, Domain, Milestone, Stage, Task
from escalations.notices import Recipient, Sent
from escalations.record import Batch, Card, Wait
from store import queries
from store.intakes import Accepted, accept
from store.ledger import append
from tests.store.examples import CASE, NOON, card, case, entry, gate


async def show(engine: AsyncEngine, shown: Card) -> Card:
    entries = tuple(entry(seq) for seq in range(1, shown.seq + 1))
    await append(engine, Batch(case_id=shown.case_id, entries=entries, card=shown))
    return shown


@pytest.fixture
async def board(engine: AsyncEngine) -> list[Card]:
    """Fifteen cases, as they should be listed: most urgent first."""
    shown = [
        card(
            1,
            case(number),
            stage=(Stage.TRIAGE, Stage.CONTAINMENT, Stage.CLOSED)[number % 3],
            priority=None if number % 5 == 4 else number % 5,
            domain=(Domain.PSAFE, Domain.ILLEG)[number % 2],
            owner=("IC", "LEG")[number % 2],
            opened_at=NOON + timedelta(minutes=number // 2),
            closed_at=NOON + timedelta(days=1) if number % 3 == 2 else None,
            next_due_at=None if number % 4 == 3 else NOON + timedelta(hours=number % 4),
        )
        for number in range(15)
    ]
    for each in shown:
        await show(engine, each)
    far = NOON + timedelta(days=9999)
    return sorted(
        shown, key=lambda each: (5 if each.priority is None else each.priority, each.next_due_at or far, each.case_id)
    )


async def test_a_card_comes_back_whole(engine: AsyncEngine) -> None:
    clock = Clock(
        rule="gpsr-22-order",
        version=1,
        duty="Act on the order",
        instrument="GPSR 22(4)",
        meets=Milestone.CONTAINED,
        t0=NOON,
        t0_basis="order received",
        status=ClockStatus.RUNNING,
        owner="LEG",
        recipient="authority",
        margin=timedelta(hours=2),
        due_operational=NOON + timedelta(days=2),
    )
    vote = Vote(gate="g", person="leo.legal", role="LEG", option="hide", stance=Stance.CONDITIONS, at=NOON)
    tally = Tally(done=3, failed=("L-1: gone",), at=NOON)
    full = replace(
        card(1, priority=0, domain=Domain.PSAFE),
        severity=0,
        urgency=1,
        reasons=("a child was hurt",),
        waiting=(Wait(owner="LEG", reason="gate", until=NOON, then="default"),),
        clocks=(clock,),
        gates=(replace(gate(1, "LEG"), votes=(vote,)), gate(2, "IC", outcome="hide")),
        tasks=(Task(id="t", title="Ask", owner="IC", due_at=NOON),),
        manifest=Manifest(digest="d" * 64, count=3, sellers=2, by_tier=(("gtin", 3),)),
        sweeps=(Swept(order=1, applied=tally),),
        sent=(Sent(recipient=Recipient.AUTHORITY, proof="m-1", at=NOON),),
        actions=(
            Action(id="a", title="Gate", owner="PROD", strength="strong", due=timedelta(days=30), verifier_role="GOV"),
        ),
    )

    await show(engine, full)

    assert await queries.card(engine, CASE) == full


async def test_an_unknown_case_has_no_card_and_no_entries(engine: AsyncEngine) -> None:
    for unknown in ("ESC-NONE", "ESC\x00NONE", "' OR 1=1--", ""):
        assert await queries.card(engine, unknown) is None
        assert await queries.entries(engine, unknown) == []
        assert await queries.reports(engine, unknown) == []


async def test_the_most_urgent_case_is_listed_first(engine: AsyncEngine, board: list[Card]) -> None:
    assert await queries.cards(engine) == board


@pytest.mark.parametrize("newest", [False, True])
async def test_pages_together_are_the_list(engine: AsyncEngine, board: list[Card], newest: bool) -> None:
    whole = await queries.cards(engine, newest=newest)

    after, paged = "", list[Card]()
    for _ in range(4):
        page = await queries.cards(engine, newest=newest, after=after, limit=4)
        paged += page
        after = queries.cursor(page[-1], newest=newest)

    assert paged == whole
    assert await queries.cards(engine, newest=newest, after=after) == []
    assert {each.case_id for each in paged} == {each.case_id for each in board}


async def test_the_newest_case_can_be_listed_first(engine: AsyncEngine, board: list[Card]) -> None:
    expected = sorted(board, key=lambda each: (each.opened_at, each.case_id), reverse=True)

    assert await queries.cards(engine, newest=True) == expected


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"stage": Stage.CONTAINMENT}, lambda each: each.stage is Stage.CONTAINMENT),
        ({"priority": 2}, lambda each: each.priority == 2),
        ({"domain": Domain.ILLEG}, lambda each: each.domain is Domain.ILLEG),
        ({"owner": "LEG"}, lambda each: each.owner == "LEG"),
        ({"open": True}, lambda each: each.closed_at is None),
        ({"open": False}, lambda each: each.closed_at is not None),
        ({"stage": Stage.TRIAGE, "priority": 0}, lambda each: each.stage is Stage.TRIAGE and each.priority == 0),
    ],
    ids=["stage", "priority", "domain", "owner", "open", "closed", "two at once"],
)
async def test_a_list_can_be_narrowed(
    engine: AsyncEngine, board: list[Card], asked: dict[str, object], wanted: object
) -> None:
    assert await queries.cards(engine, **asked) == [each for each in board if wanted(each)]


async def test_a_hostile_filter_is_only_a_value(engine: AsyncEngine, board: list[Card]) -> None:
    assert await queries.cards(engine, owner="' OR 1=1--") == []
    assert len(await queries.cards(engine)) == 15


@pytest.mark.parametrize("cursor", ["%%%", "bm9wZQ", "W10", "WzEsMl0", "W3t9LHt9LHt9XQ", "é" * 9])
async def test_a_place_that_no_page_gave_out_is_refused(engine: AsyncEngine, cursor: str) -> None:
    with pytest.raises(queries.BadCursor):
        await queries.cards(engine, after=cursor)
    with pytest.raises(queries.BadCursor):
        await queries.inbox(engine, after=cursor)


async def test_the_place_of_one_order_is_refused_in_the_other(engine: AsyncEngine, board: list[Card]) -> None:
    with pytest.raises(queries.BadCursor):
        await queries.cards(engine, newest=True, after=queries.cursor(board[0]))


async def test_an_inbox_holds_the_open_gates_of_its_roles_nearest_due_first(engine: AsyncEngine) -> None:
    hours = timedelta(hours=1)
    await show(
        engine,
        card(1, case(1), priority=1, gates=(gate(1, "LEG", "IC", case_id=case(1), due_in=3 * hours),)),
    )
    await show(engine, card(1, case(2), gates=(gate(1, "LEG", case_id=case(2), due_in=hours),)))
    await show(engine, card(1, case(3), gates=(gate(1, "POL", case_id=case(3), due_in=2 * hours),)))
    await show(engine, card(1, case(4), gates=(gate(1, "LEG", case_id=case(4), outcome="hide"),)))

    def found(questions: list[queries.Question]) -> list[str]:
        return [question.case_id for question in questions]

    assert found(await queries.inbox(engine, ["LEG"])) == [case(2), case(1)]
    assert found(await queries.inbox(engine, ["IC", "POL"])) == [case(3), case(1)]
    assert found(await queries.inbox(engine, ["IC", "LEG"])) == [case(2), case(1)]
    assert found(await queries.inbox(engine)) == [case(2), case(3), case(1)]
    assert found(await queries.inbox(engine, [])) == []


async def test_an_inbox_line_tells_the_case_and_the_whole_gate(engine: AsyncEngine) -> None:
    asked = gate(1, "LEG")
    await show(engine, card(1, gates=(asked,), priority=2, stage=Stage.LEGAL_REVIEW))

    (question,) = await queries.inbox(engine, ["LEG"])

    assert question == queries.Question(
        case_id=CASE, title="Space heater, risk of fire", stage=Stage.LEGAL_REVIEW, priority=2, gate=asked
    )


async def test_pages_of_an_inbox_together_are_the_inbox(engine: AsyncEngine) -> None:
    for number in range(9):
        due_in = timedelta(hours=number // 3)
        await show(engine, card(1, case(number), gates=(gate(1, "LEG", case_id=case(number), due_in=due_in),)))

    after, paged = "", list[queries.Question]()
    for _ in range(5):
        page = await queries.inbox(engine, ["LEG"], after=after, limit=2)
        paged += page
        after = queries.cursor(page[-1])

    assert [question.case_id for question in paged] == [case(number) for number in range(9)]


async def test_the_raw_reports_of_a_case_are_found(engine: AsyncEngine) -> None:
    report = Accepted(
        source="cpsc", source_ref="26-101", raw=b"{}", content_type="application/json", received_at=NOON, case_id=CASE
    )
    await accept(engine, report)

    assert [kept.raw for kept in await queries.reports(engine, CASE)] == [b"{}"]


async def test_a_case_is_found_by_the_id_its_source_gave_it(engine: AsyncEngine, board: list[Card]) -> None:
    wanted = board[3]
    report = Accepted(
        source="cpsc",
        source_ref="26%101",
        raw=b"{}",
        content_type="application/json",
        received_at=NOON,
        case_id=wanted.case_id,
    )
    await accept(engine, report)

    assert await queries.cards(engine, words="6%10") == [wanted]
    assert await queries.cards(engine, words="6_10") == []
    assert await queries.cards(engine, words=f"6%10 {wanted.case_id[4:8].lower()}") == [wanted]
    assert await queries.cards(engine, words="") == board
