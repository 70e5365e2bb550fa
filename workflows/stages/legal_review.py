"""Is it lawful and right to act on these listings?"""

from escalations.consensus import GateKind
from escalations.model import Milestone, Stage
from workflows.case import Case

HIDE = "hide"


async def ruled(case: Case) -> bool:
    """Ask the people the playbook names whether to hide what was found. True when the listings are to be hidden."""
    file = case.file
    manifest = file.manifest
    if manifest is None or file.ruling:
        return file.ruling == HIDE
    if not manifest.count:
        file.ruling = "not_offered"
        case.journal.note("ruling.made", "nothing of this is offered here; no action", ruling=file.ruling)
        case.reached(Milestone.CONTAINED, "nothing was offered")
        return False
    case.enter(Stage.LEGAL_REVIEW)
    outcome = await case.decided(GateKind.LEGAL_REVIEW, manifest.digest, manifest=manifest)
    file.ruling = outcome.option
    case.journal.note("ruling.made", f"ruling: {outcome.option} by {outcome.how}", ruling=outcome.option)
    if outcome.option != HIDE:
        case.not_owed(Milestone.CONTAINED, f"legal review ruled {outcome.option}")
    return outcome.option == HIDE
