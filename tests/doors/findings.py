"""When is what the doctor found wrong? Only with a next step, on one line."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from escalations import ids
from escalations.model import Stage
from escalations.record import Batch, Card, Entry
from starter.doctor.findings import Finding
from store.ledger import append

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CASE = ids.case_id("test", "doctor")


def is_wrong(finding: Finding) -> bool:
    """A finding that is wrong says what to do, on one line."""
    assert finding.state in ("well", "wrong"), finding
    if finding.state == "wrong":
        assert finding.next_step, finding
        assert "\n" not in finding.line(), finding
    return finding.state == "wrong"


def card(**changed: object) -> Card:
    made = Card(case_id=CASE, seq=1, title="A charger", stage=Stage.TRIAGE, opened_at=NOW, updated_at=NOW, owner="PSAF")
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of a card


async def written(engine: AsyncEngine, shown: Card, kind: str = "case.opened") -> None:
    entry = Entry(seq=shown.seq, at=NOW, kind=kind, actor="seawall", text="told")
    await append(engine, Batch(case_id=shown.case_id, entries=(entry,), card=shown))
