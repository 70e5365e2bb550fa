"""Does the database itself refuse what must never be, whoever asks?"""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from store import tables
from store.engine import writing
from store.ledger import append
from tests.store.examples import CASE, NOON, batch, card, gate

ZEROS, SHA = "0" * 64, "a" * 64
ENTRY: dict[str, Any] = {
    "case_id": "ESC-NEW",
    "seq": 1,
    "at": NOON,
    "kind": "case.opened",
    "actor": "seawall",
    "text": "",
    "data": [],
    "salt": "b" * 32,
    "payload_hash": SHA,
    "prev_hash": ZEROS,
    "hash": SHA,
}
INTAKE: dict[str, Any] = {
    "source": "cpsc",
    "source_ref": "1",
    "body_sha256": SHA,
    "raw": b"",
    "content_type": "",
    "case_id": "ESC-1",
    "received_at": NOON,
}
DELIVERY: dict[str, Any] = {"source": "cpsc", "delivery_id": "m", "intake_id": 1, "received_at": NOON}
QUARANTINED: dict[str, Any] = {
    "source": "cpsc",
    "code": "x",
    "detail": "",
    "raw": b"",
    "raw_sha256": SHA,
    "content_type": "",
    "received_at": NOON,
    "last_received_at": NOON,
}
SHOWN: dict[str, Any] = {
    "case_id": CASE,
    "seq": 1,
    "title": "",
    "stage": "triage",
    "priority": 1,
    "domain": "",
    "owner": "",
    "next_due_at": NOON,
    "opened_at": NOON,
    "updated_at": NOON,
    "card": {},
}
GATE: dict[str, Any] = {
    "gate_id": "g",
    "case_id": CASE,
    "kind": "legal_review",
    "question": "",
    "digest": "",
    "opened_at": NOON,
    "due_at": NOON,
    "gate": {},
}
CLAIM: dict[str, Any] = {"domain": "PSAFE", "subject": "s", "case_id": CASE, "claimed_at": NOON}

TABLES = {
    "entries": (tables.entries, ENTRY),
    "intakes": (tables.intakes, INTAKE),
    "deliveries": (tables.deliveries, DELIVERY),
    "quarantine": (tables.quarantine, QUARANTINED),
    "cases": (tables.cases, SHOWN),
    "gates": (tables.gates, GATE),
    "gate_roles": (tables.gate_roles, {"gate_id": "g", "role": "LEG"}),
    "claims": (tables.claims, CLAIM),
}


async def put(engine: AsyncEngine, table: str, **changed: Any) -> None:
    target, values = TABLES[table]
    async with writing(engine) as connection:
        await connection.execute(insert(target).values({**values, **changed}))


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("entries", {"seq": 0}),
        ("entries", {"seq": 2}),
        ("entries", {"prev_hash": SHA}),
        ("entries", {"hash": "abc"}),
        ("entries", {"payload_hash": ""}),
        ("entries", {"salt": ""}),
        ("entries", {"at": None}),
        ("entries", {"case_id": CASE, "seq": 3, "prev_hash": ZEROS}),
        ("entries", {"case_id": CASE, "seq": 2, "prev_hash": ZEROS}),
        ("intakes", {"source": ""}),
        ("intakes", {"source": "s" * 65}),
        ("intakes", {"source_ref": ""}),
        ("intakes", {"source_ref": "r" * 257}),
        ("intakes", {"body_sha256": "abc"}),
        ("intakes", {"runs": -1}),
        ("intakes", {"received_at": None}),
        ("deliveries", {"intake_id": 999}),
        ("deliveries", {"delivery_id": ""}),
        ("quarantine", {"raw_sha256": "abc"}),
        ("quarantine", {"times": 0}),
        ("cases", {"seq": 99}),
        ("cases", {"case_id": "ESC-NONE"}),
        ("cases", {"priority": 6}),
        ("cases", {"priority": -1}),
        ("gates", {"case_id": "ESC-NONE"}),
        ("gate_roles", {"gate_id": "ESC-NONE/gate/1"}),
        ("claims", {"subject": ""}),
        ("claims", {"subject": "s" * 257}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
async def test_a_row_that_must_not_be_is_refused(engine: AsyncEngine, table: str, changed: dict[str, Any]) -> None:
    await append(engine, batch(1, 2))

    with pytest.raises(IntegrityError):
        await put(engine, table, **changed)


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("entries", {}),
        ("intakes", {}),
        ("deliveries", {}),
        ("quarantine", {}),
        ("cases", {"case_id": "ESC-NEW"}),
        ("gates", {}),
        ("gate_roles", {}),
        ("claims", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_row_is_there_once(engine: AsyncEngine, table: str, changed: dict[str, Any]) -> None:
    await append(engine, batch(1, 2))
    before = {"deliveries": "intakes", "cases": "entries", "gate_roles": "gates"}.get(table)
    if before:
        await put(engine, before)
    await put(engine, table, **changed)

    with pytest.raises(IntegrityError):
        await put(engine, table, **changed)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET text = 'x'",
        "UPDATE entries SET seq = seq + 10",
        "DELETE FROM entries",
        "DELETE FROM entries WHERE seq = 2",
        "INSERT INTO entries SELECT * FROM entries",
    ],
)
async def test_a_written_entry_is_never_changed(engine: AsyncEngine, statement: str) -> None:
    await append(engine, batch(1, 2))

    with pytest.raises(IntegrityError):
        async with writing(engine) as connection:
            await connection.execute(text(statement))

    assert await append(engine, batch(1, 2)) == 2


async def test_the_dialects_own_ways_round_are_closed_too(engine: AsyncEngine) -> None:
    await append(engine, batch(1, 2))
    ways = {
        "sqlite": [
            "REPLACE INTO entries SELECT * FROM entries",
            "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 2",
            "UPDATE OR REPLACE entries SET seq = 1 WHERE seq = 2",
            "INSERT INTO entries SELECT * FROM entries WHERE true ON CONFLICT (case_id, seq) DO UPDATE SET text = 'x'",
        ],
        "postgresql": [
            "TRUNCATE entries CASCADE",
            "INSERT INTO entries SELECT * FROM entries ON CONFLICT (case_id, seq) DO UPDATE SET text = 'x'",
            "MERGE INTO entries USING (SELECT 1 AS one) AS t ON seq = t.one WHEN MATCHED THEN DELETE",
        ],
    }

    for statement in ways[engine.dialect.name]:
        with pytest.raises(DBAPIError, match="entries: "):
            async with writing(engine) as connection:
                await connection.execute(text(statement))

    assert await append(engine, batch(1, 2)) == 2


async def test_a_card_that_goes_takes_its_gates_along(engine: AsyncEngine) -> None:
    await append(engine, batch(1, 1, shown=card(1, gates=(gate(1, "LEG", "IC"),))))

    async with writing(engine) as connection:
        await connection.execute(text("DELETE FROM cases"))
        left = [
            (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar()
            for name in ("gates", "gate_roles")
        ]

    assert left == [0, 0]


async def test_two_hands_that_write_past_the_ledger_cannot_fork_a_case(engine: AsyncEngine) -> None:
    answers = await asyncio.gather(
        *(put(engine, "entries", hash=f"{number:064}") for number in range(6)), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["IntegrityError"] * 5 + ["NoneType"]
