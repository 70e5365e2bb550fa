"""Who took part in what a gate may judge? Separation of duties compares persons, never roles.

Which parts keep somebody from which gate is data (`apart_from` in rulebook/gates.yaml). A delegate acts for a
principal, so both took part.
"""

from collections.abc import Iterator

from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.model import Part, TookPart

FOLLOW_UP = "prevention"  # the source of a case that follows one corrective action


def taken(file: CaseFile) -> tuple[TookPart, ...]:
    """List who took part in what so far, each once, in the order of their names."""
    parts = {(part, person) for part, person in _taken(file) if person}
    return tuple(TookPart(part=part, person=person) for part, person in sorted(parts))


def _taken(file: CaseFile) -> Iterator[tuple[Part, str]]:
    """Emergency act: who voted for or against it; analysis: its author; action: its owner and whoever did it."""
    for card in file.gates:
        if card.gate.kind is GateKind.CONTAINMENT:
            for vote in card.votes:
                yield Part.EMERGENCY_ACT, vote.person
                yield Part.EMERGENCY_ACT, vote.on_behalf_of
    if file.root_cause:
        yield Part.ROOT_CAUSE, file.root_cause.author
    if file.intakes[0].source == FOLLOW_UP and file.plan:
        yield Part.CORRECTIVE_ACTION, file.plan.owner
        for task in file.tasks:
            yield Part.CORRECTIVE_ACTION, task.done_by
