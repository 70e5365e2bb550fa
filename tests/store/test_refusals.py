"""Is what a case refused kept once, in order, and with nothing of its content?"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.consensus import Stance
from escalations.messages import Decide, Receipt, Said
from starter import witness
from starter.errors import BUSY, REFUSED, Problem
from store import refusals
from store.engine import open_engine, reading
from store.migrations import upgrade
from store.refusals import Refused

CASE = "ESC-0000-0000-0001"
NOW = datetime(2026, 12, 1, 12, 4, tzinfo=UTC)
VOTE = Decide(
    said=Said(request_id="r-1", person="leo.legal", door="console"),
    gate=f"{CASE}/gate/1",
    digest="d",
    option="hide",
    stance=Stance.OBJECT,
    reason="the seller wrote to me from home",
)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = open_engine(f"sqlite:///{tmp_path}/casebook.db")
    await upgrade(made)
    yield made
    await made.dispose()


def refused(code: str = "stale_digest", exit_code: int = REFUSED) -> Any:
    async def speak(_client: Any, _case_id: str, _name: str, _message: Any) -> Receipt:
        raise Problem(code, "what you were shown has changed", exit_code=exit_code)

    return speak


async def test_a_refusal_is_noted_once_a_delivery_without_person_or_words(engine: AsyncEngine) -> None:
    for _ in range(2):
        with pytest.raises(Problem) as answer:
            await witness.said(engine, None, CASE, "decide", VOTE, at=NOW, speak=refused())  # type: ignore[arg-type]
        assert answer.value.code == "stale_digest"

    kept = await refusals.of_case(engine, CASE)

    assert kept == (Refused(at=NOW, message="decide", code="stale_digest", door="console"),)
    async with reading(engine) as connection:
        row = str((await connection.execute(text("SELECT * FROM refusals"))).one())
    assert not any(word in row for word in ("leo.legal", "seller", "r-1", "hide"))


async def test_a_case_that_was_only_busy_refused_nothing(engine: AsyncEngine) -> None:
    with pytest.raises(Problem):
        await witness.said(engine, None, CASE, "decide", VOTE, at=NOW, speak=refused("busy", BUSY))  # type: ignore[arg-type]

    assert await refusals.of_case(engine, CASE) == ()


async def test_a_casebook_that_is_away_does_not_change_the_answer(tmp_path: Path) -> None:
    empty = open_engine(f"sqlite:///{tmp_path}/empty.db")

    with pytest.raises(Problem) as answer:
        await witness.said(empty, None, CASE, "decide", VOTE, at=NOW, speak=refused())  # type: ignore[arg-type]

    assert answer.value.code == "stale_digest"
    await empty.dispose()


async def test_refusals_are_listed_oldest_first_and_only_those_of_the_case(engine: AsyncEngine) -> None:
    for number in (2, 0, 1):
        one = Refused(at=NOW + timedelta(minutes=number), message="task", code=f"code_{number}", door="cli")
        await refusals.note(engine, CASE, f"r-{number}", one)
    await refusals.note(engine, "ESC-0000-0000-0002", "r-9", Refused(at=NOW, message="task", code="x", door="cli"))

    assert [one.code for one in await refusals.of_case(engine, CASE)] == ["code_0", "code_1", "code_2"]
    assert [one.code for one in await refusals.of_case(engine, CASE, limit=2)] == ["code_1", "code_2"]
