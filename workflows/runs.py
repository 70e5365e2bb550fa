"""How does a run take up what the run before it left?"""

from escalations.casefile import Opening
from escalations.consensus import GateKind
from escalations.model import Stage
from workflows.case import Case
from workflows.gates import open_gate
from workflows.replanning import planned_anew
from workflows.stages.containment import in_emergency, taken_back


async def taken_up(case: Case, opening: Opening) -> None:
    """Take up what a run before this one left: why it was reopened, what it was undoing, what it was asking."""
    _begun(case, opening)
    if opening.reopened_with is not None:
        await planned_anew(case)
    if case.file.undoing:
        case.beside(taken_back(case))
    if open_gate(case, GateKind.CONTAINMENT):
        case.beside(in_emergency(case))


def _begun(case: Case, opening: Opening) -> None:
    """Note how this run began, if it is not the first: reopened, or handed over by a run that grew long.

    What was withdrawn or aborted is over; whoever reopens the case has a new reason to look.
    """
    if opening.reopened_by:
        case.file.closed_at = None
        case.file.runs += 1
        case.file.stage = Stage.TRIAGE
        if case.file.withdrawn or case.file.aborted:
            # What was restored stays restored until it was found and judged anew.
            case.file.withdrawn = case.file.aborted = ""
            case.look_again("another round: the case was reopened")
        case.journal.note("case.reopened", opening.reopened_why, actor=opening.reopened_by)
        # Without something owed the case would close again before anybody has looked.
        case.owe(f"reopened-{case.file.runs}", f"review: {opening.reopened_why}", case.plan.owner)
    if opening.reopened_with is not None:
        case.take_in(opening.reopened_with, opening.reopened_by)
