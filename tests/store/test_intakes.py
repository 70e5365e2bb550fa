"""Does a report open one case, whoever brings it and however often?"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations import ids
from escalations.model import Intake, IntakeKind, Product
from store import intakes
from store.engine import open_engine
from store.intakes import Accepted, Conflict, Duplicate, New, UnknownIntake, accept, link, of_case, started, waiting
from tests.store.examples import NOON

REPORT = Accepted(
    source="cpsc",
    source_ref="26-101",
    raw=b'{"RecallID": 26101}\x00\xff',
    content_type="application/json",
    received_at=NOON,
    delivery_id="msg_1",
)
HERE = ids.case_id("cpsc", "26-101")


async def test_a_new_report_is_kept_as_it_came(engine: AsyncEngine) -> None:
    parsed = Intake(
        source="cpsc",
        source_ref="26-101",
        kind=IntakeKind.RECALL_NOTICE,
        title="Space heater",
        received_at=NOON,
        product=Product(name="Heater", gtins=("04006381333931",)),
    )

    answer = await accept(engine, replace(REPORT, intake=parsed))

    assert isinstance(answer, New)
    assert answer.case_id == HERE
    (kept,) = await of_case(engine, HERE)
    assert (kept.raw, kept.content_type, kept.received_at) == (REPORT.raw, "application/json", NOON)
    assert kept.intake == parsed


async def test_the_same_report_again_is_a_duplicate_whatever_its_delivery(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)
    later = replace(REPORT, received_at=NOON + timedelta(days=400))

    answers = [await accept(engine, replace(later, delivery_id=each)) for each in ("msg_1", "msg_2", "")]

    assert answers == [Duplicate(intake_id=1, case_id=HERE, received_at=NOON, started=False)] * 3
    assert len(await of_case(engine, HERE)) == 1


async def test_another_body_under_the_same_reference_is_a_conflict(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)

    answer = await accept(engine, replace(REPORT, raw=b"{}", delivery_id="msg_2"))

    assert answer == Conflict(field="source_ref", case_id=HERE, received_at=NOON)
    assert [kept.raw for kept in await of_case(engine, HERE)] == [REPORT.raw]


async def test_another_report_under_the_same_delivery_id_is_a_conflict_and_leaves_nothing(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)
    other = replace(REPORT, source_ref="26-102", raw=b"{}")

    answer = await accept(engine, other)

    assert answer == Conflict(field="delivery_id", case_id=HERE, received_at=NOON)
    assert await of_case(engine, ids.case_id("cpsc", "26-102")) == ()
    assert isinstance(await accept(engine, replace(other, delivery_id="msg_2")), New)


async def test_a_refused_delivery_does_not_use_up_its_id(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)
    await accept(engine, replace(REPORT, raw=b"{}", delivery_id="msg_2"))

    answer = await accept(engine, replace(REPORT, source_ref="26-102", delivery_id="msg_2"))

    assert isinstance(answer, New)


async def test_two_sources_may_use_the_same_names(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)

    answer = await accept(engine, replace(REPORT, source="safety-gate", raw=b"{}"))

    assert isinstance(answer, New)
    assert answer.case_id != HERE


async def test_doors_that_wrap_a_report_differently_agree_by_its_canonical_digest(engine: AsyncEngine) -> None:
    content = ids.digest(b"the report")
    await accept(engine, replace(REPORT, sha256=content))

    answer = await accept(engine, replace(REPORT, raw=b"wrapped in a file", sha256=content, delivery_id=""))

    assert isinstance(answer, Duplicate)


async def test_two_hundred_deliveries_at_once_make_one_case(url: str) -> None:
    engines = [open_engine(url) for _ in range(2)]
    deliveries = [replace(REPORT, delivery_id=f"msg_{number % 7}") for number in range(200)]

    answers = await asyncio.gather(
        *(accept(engines[number % 2], delivery) for number, delivery in enumerate(deliveries))
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Duplicate"] * 199 + ["New"]
    assert {answer.case_id for answer in answers} == {HERE}
    assert len(await waiting(engines[0])) == 1
    for engine in engines:
        await engine.dispose()


async def test_two_bodies_that_race_for_one_name_get_one_case_and_one_conflict_each_time(url: str) -> None:
    engines = [open_engine(url) for _ in range(2)]

    async def race(number: int) -> list[str]:
        mine = replace(REPORT, source_ref=f"ref-{number}", delivery_id=f"msg-{number}")
        answers = await asyncio.gather(accept(engines[0], mine), accept(engines[1], replace(mine, raw=b"{}")))
        return sorted(type(answer).__name__ for answer in answers)

    assert [await race(number) for number in range(10)] == [["Conflict", "New"]] * 10
    for engine in engines:
        await engine.dispose()


async def test_a_report_waits_until_its_case_is_started(engine: AsyncEngine) -> None:
    for number in range(3):
        await accept(engine, replace(REPORT, source_ref=f"ref-{number}", delivery_id=""))

    await started(engine, ids.case_id("cpsc", "ref-1"), at=NOON)

    assert [kept.source_ref for kept in await waiting(engine)] == ["ref-0", "ref-2"]
    assert [kept.source_ref for kept in await waiting(engine, limit=1)] == ["ref-0"]


async def test_starting_is_noted_once_and_runs_only_grow(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)

    for run in (1, 1, 3, 2):
        await started(engine, HERE, at=NOON + timedelta(minutes=run), run=run)

    (kept,) = await of_case(engine, HERE)
    assert (kept.started_at, kept.runs) == (NOON + timedelta(minutes=1), 3)
    assert await accept(engine, REPORT) == Duplicate(intake_id=1, case_id=HERE, received_at=NOON, started=True)


async def test_a_report_can_be_given_to_another_case(engine: AsyncEngine) -> None:
    await accept(engine, REPORT)

    await link(engine, source="cpsc", source_ref="26-101", case_id="ESC-OTHER")

    assert [kept.source_ref for kept in await of_case(engine, "ESC-OTHER")] == ["26-101"]
    answer = await accept(engine, REPORT)
    assert answer.case_id == "ESC-OTHER"


async def test_what_was_never_taken_in_cannot_be_started_or_linked(engine: AsyncEngine) -> None:
    with pytest.raises(UnknownIntake):
        await started(engine, HERE, at=NOON)
    with pytest.raises(UnknownIntake):
        await link(engine, source="cpsc", source_ref="26-101", case_id="ESC-OTHER")


async def test_a_time_without_a_zone_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(Exception, match="without a zone"):
        await accept(engine, replace(REPORT, received_at=NOON.replace(tzinfo=None)))

    assert await intakes.waiting(engine) == ()
