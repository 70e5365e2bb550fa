"""Does the case know who took part in what, so that nobody judges an act of their own?"""

from dataclasses import replace

from escalations import parts
from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.model import Part, RootCause, TookPart
from tests.domain.casefiles import NOW, OPENED, PLAN, gate, intake, task


def file_of(source: str = "cpsc") -> CaseFile:
    return CaseFile(
        case_id="ESC-0000-0000-0001", opened_at=OPENED, intakes=[replace(intake(), source=source)], plan=PLAN
    )


def test_who_voted_at_the_emergency_gate_and_their_principals_took_part_in_the_act() -> None:
    file = file_of()
    asked = gate(1, GateKind.CONTAINMENT, votes=("ivo.ic",))
    file.gates = [
        replace(asked, votes=(replace(asked.votes[0], on_behalf_of="ana.ic"),)),
        gate(2, votes=("leo.legal",)),
    ]

    assert parts.taken(file) == (
        TookPart(part=Part.EMERGENCY_ACT, person="ana.ic"),
        TookPart(part=Part.EMERGENCY_ACT, person="ivo.ic"),
    )


def test_the_author_of_the_analysis_took_part_in_it() -> None:
    file = file_of()
    file.root_cause = RootCause(
        summary="weekly import", factors=("DET-1",), author="sam.safety", actions=(), digest="d"
    )

    assert parts.taken(file) == (TookPart(part=Part.ROOT_CAUSE, person="sam.safety"),)


def test_the_owner_of_an_action_and_whoever_did_it_took_part_in_it() -> None:
    file = file_of(source=parts.FOLLOW_UP)
    file.plan = replace(PLAN, owner="petra.product")
    file.tasks = [task("action-1", done_at=NOW, done_by="piotr.product"), task("action-2")]

    assert [took.person for took in parts.taken(file)] == ["petra.product", "piotr.product"]
    assert {took.part for took in parts.taken(file)} == {Part.CORRECTIVE_ACTION}


def test_in_an_ordinary_case_the_owner_role_and_done_tasks_are_no_part_in_an_action() -> None:
    file = file_of()
    file.tasks = [task("step-1", done_at=NOW, done_by="omar.ops")]

    assert parts.taken(file) == ()
