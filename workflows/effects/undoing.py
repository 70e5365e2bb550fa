"""What does a message do that stops an act, lets it go on or takes it back?"""

from typing import Any

from temporalio.exceptions import FailureError
from temporalio.workflow import ChildWorkflowHandle

from escalations.clocks import withdraw
from escalations.enforcement import standing
from escalations.messages import Abort, Appeal, Kill, Resume, Withdraw
from workflows.case import Case
from workflows.stages.containment import restored, taken_back


async def killed(case: Case, message: Kill) -> str:
    """Stop a sweep between two batches."""
    return await _steer(case, message, "kill", "sweep.killed")


async def resumed(case: Case, message: Resume) -> str:
    """Let a stopped sweep go on."""
    return await _steer(case, message, "resume", "sweep.resumed")


async def _steer(case: Case, message: Kill | Resume, signal: str, kind: str) -> str:
    number = message.sweep

    def ended() -> bool:
        return any(swept.order == number for swept in case.file.sweeps)

    # A sweep that was ordered a moment ago, or is tried again after a failure, has no handle yet.
    await case.watch.settled(lambda: ended() or number in case.sweeps)
    if ended() or not await _signalled(case.sweeps[number], signal):
        return f"too late: sweep {number} has ended"
    case.journal.note(kind, f"sweep {number}: {message.reason}", actor=message.said.person)
    return f"sweep {number}: {signal} ordered; it acts between two batches"


async def _signalled(handle: ChildWorkflowHandle[Any, Any], signal: str) -> bool:
    """Signal a sweep; False when it ended meanwhile."""
    try:
        await handle.signal(signal)
    except FailureError:
        return False
    return True


async def withdrawn(case: Case, message: Withdraw) -> str:
    """Take the whole matter back."""
    case.file.withdrawn = message.reason
    return await _stop(case, message.said.person, "case.withdrawn", message.reason)


async def aborted(case: Case, message: Abort) -> str:
    """Stop the takedown; the matter itself goes on."""
    case.file.aborted = message.reason
    return await _stop(case, message.said.person, "takedown.aborted", message.reason)


async def _stop(case: Case, person: str, kind: str, reason: str) -> str:
    """Answer honestly: in time, or past the point of no return, and reversed."""
    file = case.file
    case.journal.note(kind, reason, actor=person)
    if kind == "case.withdrawn":
        file.clocks[:] = withdraw(tuple(file.clocks), reason)
    if not standing(file.orders, file.undone):
        return "in time: nothing was hidden"
    file.undoing = reason
    case.beside(taken_back(case))
    handle = case.sweeps.get(file.orders[-1].number)
    if handle is not None and await _signalled(handle, "stop"):
        return "too late to prevent it: the sweep is stopped and its reversal ordered"
    return "too late to prevent it: reversal ordered"


async def appealed(case: Case, message: Appeal) -> str:
    """Keep an appeal for somebody who did not decide the act, or do what that person says."""
    file, person = case.file, message.said.person
    waiting = next((one for one in file.appeals if set(one.listings) == set(message.listings)), None)
    if message.deny:
        file.appeals[:] = [one for one in file.appeals if one is not waiting]
        case.journal.note("appeal.denied", message.reason, actor=person, listings=" ".join(message.listings))
        return "the appeal is denied; the listings stay hidden"
    if not message.grant:
        if waiting is None:
            file.appeals.append(message)
        case.journal.note("appeal.received", message.reason, actor=person, listings=" ".join(message.listings))
        return "the appeal waits for somebody who did not decide the act"
    if waiting is not None:
        file.appeals.remove(waiting)
    case.journal.note("appeal.granted", message.reason, actor=person, listings=" ".join(message.listings))
    swept = await restored(case, "appeal granted", message.listings)
    return f"{swept.reversed.done} listings restored, {swept.reversed.wrong} differ from before"
