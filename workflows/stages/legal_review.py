"""Is it lawful and right to act on these listings?"""

from escalations.clocks import ClockStatus, wanted_at
from escalations.closing import concerns_us
from escalations.consensus import SUPERSEDED, GateKind
from escalations.enforcement import standing
from escalations.model import Milestone, Stage
from workflows.case import Case
from workflows.gates import decided
from workflows.stages.triage import steps_given

HIDE = "hide"


async def ruled(case: Case) -> bool:
    """Ask the people the playbook names whether to hide what was found. True when the listings are to be hidden."""
    file = case.file
    manifest = file.manifest
    if manifest is None or file.ruling:
        return file.ruling == HIDE
    if not manifest.count and not (case.plan.steps and concerns_us(file)):
        hidden = standing(file.orders, file.undone)
        file.ruling = HIDE if hidden else "not_offered"
        text = "nothing more is offered here" if hidden else "nothing of this is offered here; no action"
        case.journal.note("ruling.made", text, ruling=file.ruling)
        case.reached(Milestone.CONTAINED, "nothing was offered")
        return False
    case.enter(Stage.LEGAL_REVIEW)
    outcome = await decided(case, GateKind.LEGAL_REVIEW, manifest.digest, manifest=manifest)
    if outcome.how == SUPERSEDED:
        return False  # other people are asked in the next round
    file.ruling = outcome.option
    case.journal.note("ruling.made", f"ruling: {outcome.option} by {outcome.how}", ruling=outcome.option)
    if outcome.option == HIDE:
        _acted_on(case, offered=bool(manifest.count))
    else:
        reason = f"legal review ruled {outcome.option}"
        case.not_owed(Milestone.CONTAINED, reason)
        if any(order.manifest.digest == manifest.digest for order in standing(file.orders, file.undone)):
            file.undoing = reason
    return outcome.option == HIDE


def _acted_on(case: Case, *, offered: bool) -> None:
    """Give people their steps. Where no listing is to be hidden, what must be contained is contained by them alone."""
    steps_given(case, reviewed=True)
    for clock in case.file.clocks:
        if not offered and clock.meets is Milestone.CONTAINED and clock.status is ClockStatus.RUNNING:
            case.owe(clock.rule, clock.duty, clock.owner, wanted_at(clock))
