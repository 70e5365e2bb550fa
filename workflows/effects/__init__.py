"""What does a taken message do? One function a message; each returns the words of its receipt."""

from collections.abc import Awaitable, Callable
from typing import Any

from escalations.messages import (
    Abort,
    Appeal,
    Assign,
    Claim,
    Decide,
    Delegate,
    Exempt,
    Hold,
    Kill,
    Learn,
    Merge,
    Release,
    Replan,
    Report,
    ReportFinding,
    Resume,
    Split,
    TaskDone,
    Withdraw,
)
from workflows.case import Case
from workflows.effects import deciding, learning, rules, undoing


async def effect(case: Case, message: Any) -> str:
    """Do what an admitted message asks of the case."""
    return await _EFFECTS[type(message)](case, message)


_EFFECTS: dict[type[Any], Callable[[Case, Any], Awaitable[str]]] = {
    Report: learning.reported,
    Learn: learning.learned,
    Decide: deciding.voted,
    Claim: deciding.claimed,
    Assign: deciding.assigned,
    Delegate: deciding.delegated,
    ReportFinding: learning.found,
    TaskDone: deciding.done,
    Hold: rules.held,
    Release: rules.released,
    Exempt: rules.exempted,
    Replan: rules.replanned,
    Kill: undoing.killed,
    Resume: undoing.resumed,
    Merge: learning.merged,
    Split: learning.split,
    Withdraw: undoing.withdrawn,
    Abort: undoing.aborted,
    Appeal: undoing.appealed,
}
