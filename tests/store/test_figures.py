"""Are the figures over the casebook the same in both dialects, and do they follow what happens?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations import ids
from escalations.clocks import Clock, ClockStatus
from escalations.consensus import Gate, GateKind, Seat
from escalations.model import Milestone, Stage
from escalations.record import Batch, Card, Entry, GateCard
from store import figures, quarantine
from store.archive import Index, Row
from store.figures import Figures
from store.intakes import Accepted, accept
from store.ledger import append

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, OTHER = ids.case_id("figures", "1"), ids.case_id("figures", "2")


def card(case_id: str = ONE, **changed: Any) -> Card:
    made = Card(case_id=case_id, seq=1, title="A charger", stage=Stage.TRIAGE, opened_at=NOW, updated_at=NOW)
    return replace(made, **changed)


async def shown(engine: AsyncEngine, card: Card, kind: str = "case.opened", at: datetime = NOW) -> None:
    entry = Entry(seq=card.seq, at=at, kind=kind, actor="seawall", text="told")
    await append(engine, Batch(case_id=card.case_id, entries=(entry,), card=card))


def clock(due: datetime, *, margin: timedelta = 2 * HOUR, status: ClockStatus = ClockStatus.RUNNING) -> Clock:
    return Clock(
        rule=f"R-{due:%d%H%M}",
        version=1,
        duty="tell",
        instrument="law",
        meets=Milestone.CONTAINED,
        t0=NOW,
        t0_basis="report",
        status=status,
        owner="LEG",
        recipient="authority",
        margin=margin,
        due_operational=due,
    )


def gate(number: int, due: datetime, *roles: str) -> GateCard:
    asked = Gate(
        id=f"{ONE}/gate/{number}",
        kind=GateKind.CONTAINMENT,
        question="Hide?",
        options=(),
        recommended="hide",
        default="hide",
        seats=tuple(Seat(role=role, persons=("ana.ic",), required=True) for role in roles),
        quorum=1,
        opened_at=NOW,
        due_at=due,
        digest="0",
    )
    return GateCard(gate=asked)


async def counted(engine: AsyncEngine) -> Figures:
    return await figures.figures(engine, now=NOW, near=NOW + HOUR / 2)


async def test_an_empty_casebook_has_nothing_to_count(engine: AsyncEngine) -> None:
    assert await counted(engine) == Figures()
    assert await figures.unarchived(engine) == (0, None)
    assert await figures.most_messages(engine) == 0


async def test_open_cases_are_counted_by_severity_and_stage_until_they_close(engine: AsyncEngine) -> None:
    await shown(engine, card(severity=0))
    await shown(engine, card(OTHER))

    both = await counted(engine)
    await shown(engine, card(seq=2, severity=0, stage=Stage.CLOSED, closed_at=NOW), "case.closed")
    one = await counted(engine)

    assert both.open == {(0, "triage"): 1, (None, "triage"): 1}
    assert one.open == {(None, "triage"): 1}
    assert one.entries == 3


async def test_a_running_clock_is_due_soon_within_its_margin_or_a_day_and_then_overdue(engine: AsyncEngine) -> None:
    clocks = (
        clock(NOW - HOUR),
        clock(NOW),
        clock(NOW + HOUR),
        clock(NOW + 3 * HOUR),
        clock(NOW + 23 * HOUR, margin=timedelta(days=9)),
        clock(NOW + 25 * HOUR, margin=timedelta(days=9)),
        clock(NOW - 2 * HOUR, status=ClockStatus.MET),
    )
    await shown(engine, card(clocks=clocks, next_due_at=NOW - HOUR))

    found = await counted(engine)

    assert (found.overdue, found.due_soon) == (2, 2)


async def test_approvals_are_counted_by_role_and_gates_by_how_near_they_are(engine: AsyncEngine) -> None:
    gates = (gate(1, NOW + timedelta(minutes=10), "IC", "LEG"), gate(2, NOW + HOUR, "LEG"))
    await shown(engine, card(gates=gates))

    found = await counted(engine)

    assert found.approvals == {"IC": 1, "LEG": 2}
    assert (found.approvals_near_due, found.next_gate_due_at) == (1, NOW + timedelta(minutes=10))


@pytest.mark.parametrize(("ago", "count"), [(HOUR, 1), (25 * HOUR, 0)], ids=["within a day", "before"])
async def test_a_missed_clock_is_counted_for_a_day(engine: AsyncEngine, ago: timedelta, count: int) -> None:
    await shown(engine, card(), "clock.missed", NOW - ago)

    assert await figures.missed(engine, since=NOW - 24 * HOUR) == count


async def test_what_lies_in_quarantine_is_counted_until_somebody_deals_with_it(engine: AsyncEngine) -> None:
    number = await quarantine.keep(engine, source="demo", code="too_deep", raw=b"{}", received_at=NOW)
    before = await counted(engine)
    await quarantine.resolve(engine, number, at=NOW, resolution="told the sender")

    assert (before.quarantined, (await counted(engine)).quarantined) == (1, 0)


async def test_a_closed_case_is_unarchived_until_the_run_that_closed_it_is_kept(engine: AsyncEngine) -> None:
    await shown(engine, card(closed_at=NOW), "case.closed")
    index = Index(engine)
    before = await figures.unarchived(engine)
    earlier = Row(workflow_id=ONE, run_id="first", case_id=ONE, closed_at=NOW - HOUR)
    await index.kept(earlier, "0" * 64, 9, NOW)
    still = await figures.unarchived(engine)
    await index.kept(replace(earlier, run_id="second", closed_at=NOW + HOUR / 60), "1" * 64, 9, NOW)

    assert before == still == (1, NOW)
    assert await figures.unarchived(engine) == (0, None)
    assert await figures.closed_unarchived(engine, closed_before=NOW + HOUR) == []


async def test_an_open_case_without_wait_or_due_time_is_idle_after_a_time(engine: AsyncEngine) -> None:
    await shown(engine, card(taken=7))
    await shown(engine, card(OTHER, next_due_at=NOW + HOUR, taken=3))

    assert await figures.idle_cases(engine, since=NOW) == []
    assert await figures.idle_cases(engine, since=NOW + HOUR) == [ONE]
    assert await figures.most_messages(engine) == 7


async def test_a_report_is_counted_once_however_often_and_by_whichever_door_it_came(engine: AsyncEngine) -> None:
    for source, reference in (("cli", "A"), ("demo", "A"), ("demo", "A"), ("cpsc", "B")):
        report = Accepted(
            source=source,
            source_ref=reference,
            raw=b"{}",
            content_type="application/json",
            received_at=NOW,
            case_id=ids.case_id(source, reference),
        )
        await accept(engine, report)

    assert await figures.reports(engine) == 3
