"""May a case close? Only when nothing is owed; otherwise here is the list of what is open."""

from escalations.casefile import CaseFile
from escalations.clocks import ClockStatus
from escalations.model import IntakeKind

ABOUT_OFFERS = {IntakeKind.RECALL_NOTICE, IntakeKind.NOTICE}


def concerns_us(file: CaseFile) -> bool:
    """Ask whether something of ours is involved: an incident, an order, an alert, or listings that were found.

    Nobody is woken for a recall or notice about what nobody offers here, and it has no root cause of ours.
    """
    if {intake.kind for intake in file.intakes} - ABOUT_OFFERS:
        return True
    return bool(file.orders) or bool(file.manifest and file.manifest.count)


def needs_root_cause(file: CaseFile) -> bool:
    """Ask whether a root cause analysis is owed: the plan wants one, and something of ours was involved."""
    if file.plan is None or not file.plan.root_cause_required or file.withdrawn:
        return False
    return concerns_us(file)


def open_items(file: CaseFile) -> tuple[str, ...]:
    """List what keeps the case open, in words with the id to act on. Empty means it may close."""
    items = [
        f"clock {clock.rule} is {clock.status.value}"
        for clock in file.clocks
        if clock.status in (ClockStatus.RUNNING, ClockStatus.SUSPENDED)
    ]
    items += [f"gate {card.gate.id} ({card.gate.kind.value}) is undecided" for card in file.gates if not card.outcome]
    if file.emergency and not file.ratified:
        items.append("the emergency act is not ratified")
    if file.undoing:
        items.append("the reversal is not finished")
    items += [
        f"task {task.id} is open: {task.title}" for task in file.tasks if task.blocks_closing and not task.done_at
    ]
    items += [f"the notice to {notice.recipient.value} is not sent" for notice in file.notices if notice.mandatory]
    if needs_root_cause(file) and not file.root_cause_approved:
        items.append("the root cause is not approved")
    items += [f"appeal for {appeal.listings[0]} is undecided" for appeal in file.appeals]
    return tuple(items)
