"""Is nothing thrown away that a sender brought?"""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from store import quarantine
from tests.store.examples import NOON

LATER = NOON + timedelta(hours=1)


async def kept(engine: AsyncEngine, raw: bytes, *, source: str = "cpsc", code: str = "unknown_value") -> int:
    return await quarantine.keep(
        engine, source=source, code=code, raw=raw, received_at=NOON, detail="/Hazards/0", content_type="text/plain"
    )


async def test_a_record_is_kept_as_it_came_with_its_reason(engine: AsyncEngine) -> None:
    number = await kept(engine, b"\x00\xff not json")

    (record,) = await quarantine.list(engine)
    assert (record.id, record.raw, record.code, record.detail) == (
        number,
        b"\x00\xff not json",
        "unknown_value",
        "/Hazards/0",
    )
    assert (record.received_at, record.times, record.resolved_at) == (NOON, 1, None)


async def test_a_sender_that_repeats_itself_fills_one_line(engine: AsyncEngine) -> None:
    first = await kept(engine, b"x")
    again = await quarantine.keep(engine, source="cpsc", code="unknown_value", raw=b"x", received_at=LATER)

    (record,) = await quarantine.list(engine)
    assert first == again
    assert (record.times, record.received_at, record.last_received_at) == (2, NOON, LATER)


async def test_the_list_goes_on_where_the_page_ended_and_can_be_kept_to_one_source(engine: AsyncEngine) -> None:
    numbers = [await kept(engine, bytes([each]), source=("cpsc", "other")[each % 2]) for each in range(6)]

    page = await quarantine.list(engine, limit=2)
    rest = await quarantine.list(engine, after=page[-1].id)
    other = await quarantine.list(engine, source="other")

    assert [record.id for record in (*page, *rest)] == numbers
    assert [record.id for record in other] == numbers[1::2]


async def test_a_record_dealt_with_leaves_the_list_and_comes_back_if_it_is_sent_again(engine: AsyncEngine) -> None:
    number = await kept(engine, b"x")

    await quarantine.resolve(engine, number, at=LATER, resolution="taken in by hand")
    done = await quarantine.list(engine, resolved=True)
    left = await quarantine.list(engine)
    await kept(engine, b"x")

    assert [(record.id, record.resolution) for record in done] == [(number, "taken in by hand")]
    assert left == ()
    assert [record.times for record in await quarantine.list(engine)] == [2]


async def test_a_record_is_dealt_with_once(engine: AsyncEngine) -> None:
    number = await kept(engine, b"x")
    await quarantine.resolve(engine, number, at=LATER, resolution="done")

    with pytest.raises(quarantine.UnknownRecord):
        await quarantine.resolve(engine, number, at=LATER, resolution="done again")
    with pytest.raises(quarantine.UnknownRecord):
        await quarantine.resolve(engine, 999, at=LATER, resolution="done")
