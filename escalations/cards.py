"""What do people see of a case? The card, drawn from the file."""

from datetime import datetime

from escalations import closing
from escalations.casefile import CaseFile
from escalations.clocks import ClockStatus, wanted_at
from escalations.record import Card, Wait


def next_due(file: CaseFile, waits: tuple[Wait, ...] = ()) -> datetime | None:
    """Say when the case next owes something to anybody."""
    times = [wanted_at(clock) for clock in file.clocks if clock.status is ClockStatus.RUNNING]
    times += [card.gate.due_at for card in file.gates if card.outcome is None]
    times += [wait.until for wait in waits]
    known = [at for at in times if at is not None]
    return min(known) if known else None


def card(file: CaseFile, waits: tuple[Wait, ...], now: datetime, taken: int = 0) -> Card:
    """Draw the card of a case as of its last entry; `taken` counts the messages of this run."""
    first = file.intakes[0]
    plan = file.plan
    return Card(
        case_id=file.case_id,
        seq=file.seq,
        title=first.title,
        stage=file.stage,
        opened_at=file.opened_at,
        updated_at=now,
        domain=plan.domain if plan else first.domain,
        severity=plan.severity.band if plan else None,
        urgency=plan.urgency if plan else None,
        priority=plan.priority if plan else None,
        score=plan.severity.score if plan else "",
        reasons=(*plan.severity.steps, *plan.reasons) if plan else (),
        rulebook=plan.rulebook if plan else "",
        playbook=plan.playbook if plan else "",
        owner=file.owner,
        source=first.source,
        source_ref=first.source_ref,
        jurisdictions=tuple(sorted({place for intake in file.intakes for place in intake.jurisdictions})),
        closed_at=file.closed_at,
        next_due_at=None if file.closed_at else next_due(file, waits),
        waiting=waits,
        clocks=tuple(file.clocks),
        gates=tuple(file.gates),
        tasks=tuple(file.tasks),
        manifest=file.manifest,
        sweeps=tuple(file.sweeps),
        sent=tuple(file.sent),
        actions=file.root_cause.actions if file.root_cause else (),
        runs=file.runs,
        open_items=() if file.closed_at else closing.open_items(file),
        taken=taken,
    )
