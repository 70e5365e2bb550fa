"""Does a case stay open exactly as long as something is owed, and say what?"""

from dataclasses import replace
from typing import Any

import pytest

from escalations.casefile import CaseFile
from escalations.clocks import ClockStatus
from escalations.closing import concerns_us, needs_root_cause, open_items
from escalations.consensus import GateKind
from escalations.messages import Appeal
from escalations.model import IntakeKind, Milestone
from escalations.notices import Notice, Recipient
from tests.domain.casefiles import MANIFEST, NOW, ORDER, ORDERED, PLAN, casefile, clock, gate, intake, said, task

NOTICE = Notice(
    recipient=Recipient.SELLERS, template="seller_statement", meets=Milestone.SELLERS_INFORMED, duty="DSA art. 17"
)
APPEAL = Appeal(said=said(), listings=("L-7", "L-8"), reason="second generation")


def settled(**changes: Any) -> CaseFile:
    """A case to which nothing is owed."""
    given: dict[str, Any] = {
        "clocks": [clock("HOUSE-1", ClockStatus.MET)],
        "gates": [gate(1, over=True)],
        "tasks": [task(done_at=NOW)],
        "root_cause_approved": True,
    }
    return casefile(**{**given, **changes})


OWED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"clocks": [clock("TCO")]}, "clock TCO is running"),
    ({"clocks": [clock("TCO", ClockStatus.SUSPENDED)]}, "clock TCO is suspended"),
    ({"gates": [gate(2, GateKind.RESPONSE)]}, "(external_response) is undecided"),
    ({"emergency": True, "ratified": False}, "the emergency act is not ratified"),
    ({"undoing": "wrong product"}, "the reversal is not finished"),
    ({"tasks": [task()]}, "task t-1 is open: tell the importer"),
    ({"notices": [NOTICE]}, "the notice to sellers is not sent"),
    ({"root_cause_approved": False}, "the root cause is not approved"),
    ({"appeals": [APPEAL]}, "appeal for L-7 is undecided"),
)
NOT_OWED: tuple[dict[str, Any], ...] = (
    {},
    *({"clocks": [clock("TCO", status)]} for status in ClockStatus if status.value not in ("running", "suspended")),
    {"tasks": [task(blocks_closing=False)]},
    {"notices": [replace(NOTICE, mandatory=False)]},
    {"emergency": True, "ratified": True},
    {"root_cause_approved": False, "withdrawn": "retracted"},
    {"root_cause_approved": False, "plan": replace(PLAN, root_cause_required=False)},
    {"root_cause_approved": False, "orders": [], "manifest": replace(MANIFEST, count=0)},
)


@pytest.mark.parametrize(("changes", "item"), OWED, ids=[item for _, item in OWED])
def test_what_is_owed_keeps_the_case_open_and_is_named(changes: dict[str, Any], item: str) -> None:
    [found] = open_items(settled(**changes))

    assert found.endswith(item)


@pytest.mark.parametrize("changes", NOT_OWED)
def test_what_is_not_owed_does_not_keep_the_case_open(changes: dict[str, Any]) -> None:
    assert open_items(settled(**changes)) == ()


def test_everything_that_is_owed_is_listed_together() -> None:
    changes = {name: value for row, _ in OWED for name, value in row.items()}

    assert len(open_items(settled(**changes))) == len(OWED) - 1, "two rows are about the same clocks"


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({"orders": [], "manifest": None}, False),
        ({"orders": [], "manifest": replace(MANIFEST, count=0)}, False),
        ({"orders": [], "manifest": MANIFEST}, True),
        ({"orders": [ORDER], "manifest": replace(MANIFEST, count=0)}, True),
        ({"orders": [], "manifest": None, "intakes": [ORDERED]}, True),
        ({"orders": [], "manifest": None, "intakes": [intake(), intake("2", kind=IntakeKind.INCIDENT_REPORT)]}, True),
    ],
)
def test_a_recall_of_what_nobody_offers_here_is_not_ours(changes: dict[str, Any], ours: bool) -> None:
    file = casefile(**changes)

    assert concerns_us(file) is ours
    assert needs_root_cause(file) is ours


def test_no_root_cause_is_owed_before_there_is_a_plan() -> None:
    assert not needs_root_cause(casefile(plan=None))
