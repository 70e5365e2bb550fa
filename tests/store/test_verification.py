"""Is every change of the record found, by whoever and however it was made?"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations.record import Batch
from store import chain
from store.engine import open_engine, writing
from store.ledger import AnchorBroken, Broken, anchor, append, heads, verify
from store.migrations import upgrade
from tests.store.examples import CASE, NOON, batch, card, case, entry

TWO = case(2)


async def tamper(engine: AsyncEngine, *statements: str) -> None:
    """Do as a database administrator with bad intentions would: take the guards away, then change."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as connection, connection:
            for name in ("entries_follow", "entries_no_update", "entries_no_delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            for statement in statements:
                connection.execute(statement)
        return
    async with writing(engine) as transaction:
        await transaction.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await transaction.execute(text(statement))


@pytest.fixture
async def record(engine: AsyncEngine) -> AsyncEngine:
    """Two cases of five entries each."""
    await append(engine, batch(1, 5))
    await append(engine, batch(1, 5, TWO))
    return engine


async def test_an_untouched_record_is_whole(record: AsyncEngine) -> None:
    verdict = await verify(record)

    assert (verdict.whole, verdict.cases, verdict.entries) == (True, 2, 10)


async def test_one_case_can_be_verified_alone(record: AsyncEngine) -> None:
    await tamper(record, f"UPDATE entries SET text = 'x' WHERE case_id = '{CASE}' AND seq = 1")

    assert (await verify(record, TWO)).entries == 5
    assert (await verify(record, TWO)).whole
    assert not (await verify(record, CASE)).whole


@pytest.mark.parametrize(
    "change",
    [
        "text = 'The listing was left.'",
        "data = '[]'",
        """data = '{"a": [1, null]}'""",
        "actor = 'somebody.else'",
        "kind = 'listing.shown'",
        "at = '2020-01-01 00:00:00.000000+00'",
        "salt = '00000000000000000000000000000000'",
        "salt = 'these are not hex digits, but 32'",
        f"payload_hash = '{'0' * 64}'",
        f"hash = '{'0' * 64}'",
        f"prev_hash = '{'0' * 64}'",
    ],
    ids=lambda change: change.split()[0],
)
async def test_a_changed_column_is_found_and_its_row_named(record: AsyncEngine, change: str) -> None:
    if "at = " in change and record.dialect.name == "sqlite":
        change = change.replace("+00", "")

    await tamper(record, f"UPDATE entries SET {change} WHERE case_id = '{TWO}' AND seq = 3")

    broken = (await verify(record)).broken
    assert broken is not None
    assert (broken.case_id, broken.seq) == (TWO, 3)


@pytest.mark.parametrize("change", ["at = 'yesterday'", "data = 'no json'"])
async def test_a_value_that_cannot_even_be_read_is_found_and_its_row_named(tmp_path: Path, change: str) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/casebook.db")  # PostgreSQL does not let such a value in
    await upgrade(engine)
    await append(engine, batch(1, 5))

    await tamper(engine, f"UPDATE entries SET {change} WHERE seq = 3")

    verdict = await verify(engine)
    assert verdict.broken == Broken(case_id=CASE, seq=3, reason="its time or data cannot be read")
    assert verdict.entries == 2
    await engine.dispose()


async def test_a_row_taken_out_of_the_middle_is_found(record: AsyncEngine) -> None:
    await tamper(record, f"DELETE FROM entries WHERE case_id = '{CASE}' AND seq = 2")

    assert (await verify(record)).broken == Broken(case_id=CASE, seq=2, reason="entry 2 is missing")


async def test_a_row_moved_to_another_case_is_found(record: AsyncEngine) -> None:
    await tamper(
        record,
        f"DELETE FROM entries WHERE case_id = '{TWO}'",
        f"UPDATE entries SET case_id = '{TWO}' WHERE case_id = '{CASE}'",
    )

    broken = (await verify(record)).broken
    assert broken is not None
    assert (broken.case_id, broken.seq) == (TWO, 1)


async def test_a_cut_off_end_is_found_by_the_card(record: AsyncEngine) -> None:
    await tamper(record, f"DELETE FROM entries WHERE case_id = '{CASE}' AND seq > 3")

    broken = (await verify(record)).broken
    assert broken is not None
    assert (broken.case_id, broken.seq) == (CASE, 4)


async def test_a_cut_off_end_with_its_card_is_found_by_the_anchor_only(record: AsyncEngine, tmp_path: Path) -> None:
    await anchor(record, tmp_path / "anchors", at=NOON)

    await tamper(
        record,
        f"DELETE FROM entries WHERE case_id = '{CASE}' AND seq > 3",
        f"UPDATE cases SET seq = 3 WHERE case_id = '{CASE}'",
    )

    assert (await verify(record)).whole
    broken = (await verify(record, anchor=tmp_path / "anchors")).broken
    assert broken == Broken(case_id=CASE, seq=4, reason="it is missing; the anchor knows 5 entries")


async def test_a_case_taken_out_whole_is_found_by_the_anchor_only(record: AsyncEngine, tmp_path: Path) -> None:
    await anchor(record, tmp_path / "anchors", at=NOON)

    await tamper(record, f"DELETE FROM cases WHERE case_id = '{TWO}'", f"DELETE FROM entries WHERE case_id = '{TWO}'")

    assert (await verify(record)).whole
    broken = (await verify(record, anchor=tmp_path / "anchors")).broken
    assert broken is not None
    assert (broken.case_id, broken.seq) == (TWO, 1)


async def test_a_chain_rewritten_as_a_whole_is_found_by_the_anchor_only(record: AsyncEngine, tmp_path: Path) -> None:
    await anchor(record, tmp_path / "anchors", at=NOON)
    await tamper(record, f"DELETE FROM cases WHERE case_id = '{CASE}'", f"DELETE FROM entries WHERE case_id = '{CASE}'")

    other = tuple(entry(seq, "Nothing happened.") for seq in range(1, 8))
    await append(record, Batch(case_id=CASE, entries=other, card=card(7)))

    assert (await verify(record)).whole
    broken = (await verify(record, anchor=tmp_path / "anchors")).broken
    assert broken is not None
    assert (broken.case_id, broken.seq) == (CASE, 5)


async def test_heads_are_the_last_entries(record: AsyncEngine) -> None:
    await append(record, batch(6, 6, TWO))

    assert [(head.case_id, head.seq) for head in await heads(record)] == [(CASE, 5), (TWO, 6)]


async def test_an_anchor_holds_only_what_moved_and_its_lines_follow_each_other(
    record: AsyncEngine, tmp_path: Path
) -> None:
    path = tmp_path / "anchors"

    written = [await anchor(record, path, at=NOON), await anchor(record, path, at=NOON)]
    await append(record, batch(6, 7))
    written.append(await anchor(record, path, at=NOON))

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert written == [2, 0, 1]
    assert [(line["case_id"], line["seq"]) for line in lines] == [(CASE, 5), (TWO, 5), (CASE, 7)]
    assert lines[0]["prev"] == chain.START
    assert (await verify(record, anchor=path)).whole


@pytest.mark.parametrize("edit", ["change", "remove", "garbage"])
async def test_a_changed_anchor_file_is_refused(record: AsyncEngine, tmp_path: Path, edit: str) -> None:
    path = tmp_path / "anchors"
    await anchor(record, path, at=NOON)
    lines = path.read_text().splitlines(keepends=True)
    kept = {
        "change": [lines[0].replace('"seq":5', '"seq":4'), lines[1]],
        "remove": lines[1:],
        "garbage": ["not json\n", *lines],
    }
    path.write_text("".join(kept[edit]))

    with pytest.raises(AnchorBroken):
        await verify(record, anchor=path)
    with pytest.raises(AnchorBroken):
        await anchor(record, path, at=NOON)


async def test_a_line_torn_by_a_power_cut_is_written_anew(record: AsyncEngine, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    await anchor(record, path, at=NOON)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])

    written = await anchor(record, path, at=NOON)

    assert written == 1
    assert path.read_bytes() == whole


async def test_a_shortened_record_is_not_anchored(record: AsyncEngine, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    await anchor(record, path, at=NOON)
    before = path.read_bytes()
    await tamper(record, f"DELETE FROM entries WHERE case_id = '{CASE}' AND seq > 3")

    with pytest.raises(AnchorBroken):
        await anchor(record, path, at=NOON)

    assert path.read_bytes() == before


async def test_more_entries_than_one_page_are_verified(engine: AsyncEngine) -> None:
    for number in range(3):
        await append(engine, batch(1, 500, case(number)))
    await tamper(engine, f"UPDATE entries SET text = 'x' WHERE case_id = '{case(2)}' AND seq = 250")

    verdict = await verify(engine)

    assert verdict.broken is not None
    assert (verdict.broken.case_id, verdict.broken.seq, verdict.entries) == (case(2), 250, 1249)
