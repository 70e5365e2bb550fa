"""Who is called, how loudly, and when again?"""

from datetime import datetime, timedelta

from escalations.cards import next_due
from escalations.casefile import CaseFile
from escalations.model import Action
from escalations.plans import Plan

WAKES = 1  # priorities up to this one wake people
STILL_THERE = timedelta(minutes=5)  # who was on duty so long ago is called without asking policy again
LAST_LEVEL = 3  # of the ladder: nobody is above it
ONE_DAY = timedelta(days=1)
OVERDUE_AGAIN = timedelta(days=7)  # how often the owner of an overdue corrective action is called


def urgent(plan: Plan | None) -> bool:
    """Say whether a call wakes people; one before triage does, since nobody knows yet how bad it is."""
    return plan is None or plan.priority <= WAKES


def named(plan: Plan, role: str, level: int, now: datetime) -> tuple[tuple[str, str], ...] | None:
    """List whom the plan names for a role (empty for its owner), None when policy must say who is there by now.

    Nobody is named by a plan of before rosters had hours. The plan answers for its owner only, for five minutes, and
    for no `level` of the ladder, because those below it were asked in vain.
    """
    if plan.on_duty is None:
        return ()
    # A plan that wakes nobody names its lead only.
    fresh = plan.page and now - plan.on_duty.at <= STILL_THERE
    return plan.on_duty.ask if fresh and not level and role in ("", plan.owner) else None


def unanswered(file: CaseFile, digest: str) -> int:
    """Count how often nobody answered the question about a digest, in earlier runs too: each time one level up."""
    asked = [card.outcome for card in file.gates if card.gate.digest == digest]
    return len([outcome for outcome in asked if outcome is not None and outcome.how == "default"])


def still_open_at(file: CaseFile, now: datetime) -> datetime:
    """Say when the owner of a case that cannot close is called: when it next owes something, not before a day."""
    return max(next_due(file) or now, now + ONE_DAY)


def action_due_at(action: Action, opened_at: datetime, now: datetime) -> datetime:
    """Say when a corrective action is due: as promised, and one to be done again within a quarter of that time."""
    return max(opened_at + action.due, now + action.due / 4)
