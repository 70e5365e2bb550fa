"""What is the present state of a case, for lists and pages? Read from the card that came with the last entry."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, or_
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from escalations.record import Card, GateCard
from store.chain import storable
from store.engine import insert
from store.tables import NEVER, UNTRIAGED, cases, gate_roles, gates

CARD: TypeAdapter[Card] = TypeAdapter(Card)
GATE: TypeAdapter[GateCard] = TypeAdapter(GateCard)


async def project(connection: AsyncConnection, card: Card) -> bool:
    """Show `card` in the lists, unless a newer one is shown already; say whether it was taken.

    Newer means a later entry, or the same entry and a time not earlier. Runs inside the caller's transaction.
    """
    taken = await connection.execute(_forward(connection.dialect.name), _columns(card))
    if taken.first() is None:
        return False
    await _show_gates(connection, card)
    return True


@cache
def _forward(dialect: str) -> ReturningInsert[Any]:
    """Write the statement once: making it anew costs as much as running it."""
    statement = insert(dialect, cases)
    told = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[cases.c.case_id],
        set_={column.name: told[column.name] for column in cases.c if column.name != "case_id"},
        where=or_(cases.c.seq < told.seq, (cases.c.seq == told.seq) & (cases.c.updated_at <= told.updated_at)),
    ).returning(cases.c.case_id)


def _columns(card: Card) -> dict[str, Any]:
    return {
        "case_id": card.case_id,
        "seq": card.seq,
        "title": storable(card.title),
        "stage": card.stage.value,
        "priority": UNTRIAGED if card.priority is None else card.priority,
        "domain": "" if card.domain is None else card.domain.value,
        "owner": storable(card.owner),
        "next_due_at": card.next_due_at or NEVER,
        "opened_at": card.opened_at,
        "closed_at": card.closed_at,
        "updated_at": card.updated_at,
        "card": CARD.dump_python(card, mode="json"),
    }


async def _show_gates(connection: AsyncConnection, card: Card) -> None:
    await connection.execute(delete(gates).where(gates.c.case_id == card.case_id))
    undecided = [shown for shown in card.gates if shown.outcome is None]
    if not undecided:
        return
    await connection.execute(
        plain_insert(gates),
        [
            {
                "gate_id": shown.gate.id,
                "case_id": card.case_id,
                "kind": shown.gate.kind.value,
                "question": storable(shown.gate.question),
                "digest": shown.gate.digest,
                "opened_at": shown.gate.opened_at,
                "due_at": shown.gate.due_at,
                "gate": GATE.dump_python(shown, mode="json"),
            }
            for shown in undecided
        ],
    )
    seats = sorted({(shown.gate.id, seat.role) for shown in undecided for seat in shown.gate.seats})
    if seats:
        await connection.execute(plain_insert(gate_roles), [{"gate_id": gate, "role": role} for gate, role in seats])
