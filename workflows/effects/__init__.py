"""What does a taken message do? One function a message; each returns the words of its receipt."""

from collections.abc import Awaitable, Callable
from typing import Any

from escalations import messages
from workflows.case import Case
from workflows.effects import deciding, learning, rules, undoing


async def effect(case: Case, message: Any) -> str:
    """Do what an admitted message asks of the case."""
    return await _EFFECTS[type(message)](case, message)


_EFFECTS: dict[type[Any], Callable[[Case, Any], Awaitable[str]]] = {
    messages.Report: learning.reported,
    messages.Learn: learning.learned,
    messages.Decide: deciding.voted,
    messages.Claim: deciding.claimed,
    messages.Assign: deciding.assigned,
    messages.Delegate: deciding.delegated,
    messages.ReportFinding: learning.found,
    messages.TaskDone: deciding.done,
    messages.Hold: rules.held,
    messages.Release: rules.released,
    messages.Exempt: rules.exempted,
    messages.Replan: rules.replanned,
    messages.Kill: undoing.killed,
    messages.Resume: undoing.resumed,
    messages.Merge: learning.merged,
    messages.Split: learning.split,
    messages.Withdraw: undoing.withdrawn,
    messages.Abort: undoing.aborted,
    messages.Appeal: undoing.appealed,
}
