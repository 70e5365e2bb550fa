"""Whose open case would a change strand, and what does it wait for? So that people know whom to tell.

What is searchable in Temporal stands in every history; what the case last wrote down of itself is on the tape.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from replay.histories import Recorded
from replay.tape import Tape
from workflows.attributes import NEXT_DUE, OWNER, PRIORITY, STAGE, WAITING_FOR

_RECORD: Final = "record"
_NAMES: Final = {
    "stage": STAGE.name,
    "owner": OWNER.name,
    "priority": PRIORITY.name,
    "due": NEXT_DUE.name,
    "roles": WAITING_FOR.name,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """An open run that cannot go on as it was: its stage, the role that leads it, and what it waits for.

    `due` is in ISO 8601, `priority` -1 where it has none; `waits` are in words, each with its owner and deadline.
    """

    case_id: str
    stage: str = ""
    owner: str = ""
    priority: int = -1
    due: str = ""
    waits: tuple[str, ...] = ()

    def line(self) -> str:
        """Write it on one line."""
        stage = f"stage {self.stage}" if self.stage else "no stage yet"
        owner = f"owner {self.owner}" if self.owner else "no owner yet"
        due = f", next due {self.due}" if self.due else ""
        waits = "; ".join(self.waits) or "nobody that it names"
        return f"open case {self.case_id}: {stage}, {owner}{due}; waits for {waits}"


def of(run: Recorded, tape: Tape) -> Stranded:
    """Say how a run stood when it was last seen."""
    shown = {key: _searched(run).get(name) for key, name in _NAMES.items()}
    card = _card(tape)
    waits = tuple(_wait(one) for one in card.get("waiting", ()))
    roles = tuple(str(role) for role in shown["roles"] or ())
    priority = shown["priority"]
    return Stranded(
        case_id=run.workflow_id.split("/", 1)[0],
        stage=str(card.get("stage") or shown["stage"] or ""),
        owner=str(shown["owner"] or ""),
        priority=priority if isinstance(priority, int) else -1,
        due=str(card.get("next_due_at") or shown["due"] or ""),
        waits=waits or roles,
    )


def _wait(wait: dict[str, Any]) -> str:
    return f"{wait['owner']}: {wait['reason']}, until {wait['until']}, then {wait['then']}"


def _searched(run: Recorded) -> dict[str, Any]:
    """Fold what was shown in Temporal at the start and since."""
    found: dict[str, Any] = {}
    started = run.events[0].workflow_execution_started_event_attributes.search_attributes
    folded = [started]
    folded += [
        event.upsert_workflow_search_attributes_event_attributes.search_attributes
        for event in run.events
        if event.HasField("upsert_workflow_search_attributes_event_attributes")
    ]
    for each in folded:
        for name, payload in each.indexed_fields.items():
            try:
                found[name] = json.loads(payload.data) if payload.data else None
            except ValueError:
                found[name] = None
    return found


def _card(tape: Tape) -> dict[str, Any]:
    """Find the card that the case wrote down last."""
    for commanded in reversed(tape.commands):
        local = commanded.command.schedule_local_activity
        if local.activity_type == _RECORD and local.arguments:
            try:
                card = json.loads(local.arguments[0].data).get("card", {})
            except (ValueError, AttributeError):
                return {}
            return card if isinstance(card, dict) else {}
    return {}
