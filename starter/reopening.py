"""What does a closed case answer, and when does it go on?

A message that can change what was decided starts the next run of the case, one however many doors say so at once; any
other is refused with the outcome. A repeat gets its first receipt.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from escalations.casefile import CaseFile, Opening
from escalations.messages import Receipt, Reopen
from escalations.model import Intake
from starter.errors import REFUSED, Problem
from starter.saying import BUSY_BUDGET, CaseClosedError, Saying, busy, silence, updated
from workflows import options
from workflows.reception import SAID, fingerprint

WORKFLOW = "Escalation"
REOPENING = frozenset({"report", "learn", "finding", "appeal", "reopen", "withdraw", "merge"})

log = structlog.get_logger(__name__)


async def said_to_closed(saying: Saying) -> Receipt:
    """Answer from the closed run's memory, start the next run on purpose, or refuse with the outcome.

    A case that is just closing refuses as a closed one does, so it is given a moment to end.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + BUSY_BUDGET.total_seconds()
    while True:
        file = await _closed_file(saying)
        if file is not None:
            if (answered := _answered(saying, file)) is not None:
                return answered
            if not _reopens(saying):
                raise _already_closed(saying, file)
            if isinstance(saying.message, Reopen):
                return await _reopened(saying, saying.message, file)
            await _start_next_run(saying, file)
        try:
            return await updated(saying)
        except CaseClosedError:
            if loop.time() > give_up_at:
                raise busy(saying) from None
        await asyncio.sleep(0.2)


def _reopens(saying: Saying) -> bool:
    """Say whether a late message reopens a case; the follow-up of an action is never reopened, its case is."""
    return saying.name in REOPENING and "/" not in saying.case_id


def _answered(saying: Saying, file: CaseFile) -> Receipt | None:
    """Find the first answer to this request id, as the running case would."""
    first = file.answers.get(saying.request_id)
    if first is None:
        return None
    if first.data.get(SAID, "") != fingerprint(saying.message):
        raise Problem(
            "request_id_conflict",
            "This request id was used for another message.",
            next_step="Send it with a new request id.",
            exit_code=REFUSED,
        )
    return replace(first, data={})


async def _reopened(saying: Saying, message: Reopen, file: CaseFile) -> Receipt:
    """Reopen because a person says so: the new run itself is what was asked for, and remembers the answer."""
    receipt = Receipt(
        request_id=saying.request_id,
        code="taken",
        text="The case goes on; whoever owns it reviews why.",
        at=datetime.now(UTC),
        data={SAID: fingerprint(saying.message)},
    )
    known = {(one.source, one.source_ref) for one in file.intakes}
    intake = message.intake
    fresh = intake if intake and (intake.source, intake.source_ref) not in known else None
    await _start_next_run(saying, replace(file, answers={**file.answers, saying.request_id: receipt}), fresh)
    return replace(receipt, data={})


async def _closed_file(saying: Saying) -> CaseFile | None:
    """Ask the closed run for the file it ended with; None when the case still runs, or runs again.

    The run is named: without its id the newest run would be asked, which may just have started.
    """
    try:
        async with asyncio.timeout(saying.timeout.total_seconds()):
            newest = await saying.handle().describe(rpc_timeout=saying.timeout)
            if newest.status is WorkflowExecutionStatus.RUNNING:
                return None
            if newest.status is not WorkflowExecutionStatus.COMPLETED:
                raise _halted()
            return await _remembered(saying, newest.run_id)
    except (RPCError, TimeoutError) as error:
        raise await silence(saying) from error
    except WorkflowQueryFailedError as failed:
        raise _halted() from failed


async def _remembered(saying: Saying, run_id: str) -> CaseFile:
    """Query a closed run for its file, and again when a query got lost.

    A worker that keeps no runs in its cache can drop one of two queries that reach it together (seen with SDK 1.35).
    """
    closed = saying.client.get_workflow_handle(saying.case_id, run_id=run_id)
    while True:
        try:
            file: CaseFile = await closed.query("file", result_type=CaseFile, rpc_timeout=saying.timeout / 4)
        except RPCError as error:
            if error.status not in (RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED):
                raise
        else:
            return file


def _halted() -> Problem:
    return Problem(
        "case_halted",
        "The case was stopped from outside (terminated or failed) and cannot tell how it ended.",
        next_step="An engineer must repair it: `seawall replay export`, then reset it in Temporal.",
        exit_code=REFUSED,
    )


def _already_closed(saying: Saying, file: CaseFile) -> Problem:
    when = f" on {file.closed_at:%Y-%m-%d %H:%M} UTC" if file.closed_at else ""
    outcome = f" with the ruling '{file.ruling}'" if file.ruling else ""
    return Problem(
        "already_closed",
        f"The case closed{when}{outcome}.",
        next_step=f"To go on with it, use `seawall reopen {saying.case_id.split('/')[0]}`.",
        exit_code=REFUSED,
    )


async def _start_next_run(saying: Saying, file: CaseFile, report: Intake | None = None) -> None:
    """Start the next run of the same case. Several doors at once start one run; the others join it."""
    opening = Opening(
        case_id=saying.case_id,
        intake=file.intakes[0],
        file=file,
        reopened_by=saying.message.said.person,
        reopened_why=_why(saying),
        reopened_with=report,
    )
    try:
        await saying.client.start_workflow(
            WORKFLOW,
            opening,
            id=saying.case_id,
            task_queue=options.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            rpc_timeout=saying.timeout,
        )
    except RPCError as error:
        raise saying.server_away() from error
    log.info("case.reopened", case_id=saying.case_id, by_message=saying.name)


def _why(saying: Saying) -> str:
    reason = getattr(saying.message, "reason", "") or getattr(saying.message, "text", "")
    return str(reason) or f"'{saying.name}' arrived after the case closed"
