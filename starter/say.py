"""How does a door say something to a case, and what does it answer when the case cannot?

Rule: every message ends in the case's receipt or in a `Problem` with the next step. A message for a closed case goes to
the reopen flow (when it can change what was decided) or is refused with the outcome; it never vanishes. Repeating a
message with its request id is always safe: the case gives the first answer again, over all its runs.
"""

import asyncio
import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from escalations.casefile import CaseFile, Opening
from escalations.messages import Receipt, Reopen, Said
from escalations.model import Intake
from starter import connect, next_steps
from starter.errors import BUSY, REFUSED, UNAVAILABLE, UNKNOWN_CASE, Problem
from starter.seeing import counters, tracing
from workflows import options
from workflows.reception import SAID, fingerprint

WORKFLOW = "Escalation"
CONTENT_DIGITS = 6  # enough to see that a request id is reused for other words; history keeps them four times
IN_FLIGHT = 8  # Temporal refuses the 11th update in flight of a workflow; two places stay free for other processes
REOPENING = frozenset({"report", "learn", "finding", "appeal", "reopen", "withdraw", "merge"})
CASE_ID = re.compile(r"ESC(-[0-9A-HJKMNP-TV-Z]{4}){3}(/prevention/[1-9][0-9]{0,3})?")
BUSY_BUDGET = timedelta(seconds=20)

log = structlog.get_logger(__name__)
_places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


class Message(Protocol):
    """Anything of `escalations.messages` that is said to a case."""

    @property
    def said(self) -> Said: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saying:
    client: Client
    case_id: str
    name: str
    message: Message
    timeout: timedelta

    @property
    def request_id(self) -> str:
        return self.message.said.request_id

    def server_away(self) -> Problem:
        return connect.server_away(self.client.service_client.config.target_host)

    @property
    def reopens(self) -> bool:
        """A late message reopens a case; the follow-up of an action is never reopened, its case is."""
        return self.name in REOPENING and "/" not in self.case_id

    def handle(self) -> WorkflowHandle[object, object]:
        return self.client.get_workflow_handle(self.case_id)


class _CaseClosedError(Exception):
    """The run ended before, or while, it was spoken to."""


async def say(
    client: Client,
    case_id: str,
    name: str,
    message: Message,
    *,
    timeout: timedelta = timedelta(seconds=10),  # noqa: ASYNC109 (one attempt's bound, not the call's)
) -> Receipt:
    """Send the update `name` and return the case's receipt.

    At most 8 messages of one case are in flight from this process; `timeout` bounds one attempt, being busy is
    retried for 20 s more. Raises `Problem`: `unknown_case`, `already_closed`, `busy`, `not_answered`, `server_away`,
    or the refusal code of the case itself.
    """
    if not CASE_ID.fullmatch(case_id):
        raise unknown_case()
    saying = _Saying(client=client, case_id=case_id, name=name, message=message, timeout=timeout)
    place = _places.setdefault(case_id, asyncio.Semaphore(IN_FLIGHT))
    async with place:
        try:
            with tracing.span(f"say {name}", case_id, door=message.said.door):
                receipt = await _answer(saying)
        except Problem as refused:
            counters.counted(counters.REFUSALS, "case", refused.code)
            raise
    counters.counted(counters.MESSAGES, name)
    return receipt


async def _answer(saying: _Saying) -> Receipt:
    try:
        return await _updated(saying)
    except _CaseClosedError:
        return await _said_to_closed(saying)


async def tell(client: Client, case_id: str, name: str, message: Message) -> Receipt:
    """Say something on behalf of an activity, to which a refusal is a PermissionError: nobody repeats it."""
    try:
        return await say(client, case_id, name, message)
    except Problem as problem:
        if problem.exit_code in (REFUSED, UNKNOWN_CASE):
            raise PermissionError(f"{problem.code}: {problem.text}") from None
        raise


def unknown_case() -> Problem:
    """Refuse a case that does not exist, in the same words wherever that is noticed."""
    return Problem(
        "unknown_case", "There is no such case.", next_step="List cases with `seawall list`.", exit_code=UNKNOWN_CASE
    )


async def _updated(saying: _Saying) -> Receipt:
    """Send the update, waiting with jitter while the case has too many in flight or changes over to its next run."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + BUSY_BUDGET.total_seconds()
    pause = 0.1
    while True:
        try:
            return await _attempted(saying)
        except RPCError as error:
            if (explained := await _explained(saying, error)) is not None:
                raise explained from error
            if loop.time() + pause > give_up_at:
                raise _busy(saying) from error
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 2, 2.0)


async def _attempted(saying: _Saying) -> Receipt:
    """Send the update once. The client polls for the answer without an end of its own, so the bound is set here."""
    try:
        async with asyncio.timeout(saying.timeout.total_seconds()):
            receipt: Receipt = await saying.handle().execute_update(
                saying.name,
                saying.message,
                # Temporal answers a repeated update id itself; other content must reach the case, which refuses it.
                id=f"{saying.request_id}-{fingerprint(saying.message)[:CONTENT_DIGITS]}",
                result_type=Receipt,
                rpc_timeout=saying.timeout,
            )
            return receipt
    except WorkflowUpdateFailedError as failed:
        raise _refusal(failed, saying.case_id) from failed
    except RuntimeError as unconnected:  # what a lazily connected client raises when its first connection fails
        raise saying.server_away() from unconnected
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as timed_out:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from timed_out
        raise await _silence(saying) from timed_out


def _refusal(failed: WorkflowUpdateFailedError, case_id: str) -> Exception:
    cause = failed.cause
    if not isinstance(cause, ApplicationError):
        return Problem(
            "refused",
            "The case could not take the message.",
            next_step="Look at it with `seawall show`.",
            exit_code=REFUSED,
        )
    if cause.type in ("AcceptedUpdateCompletedWorkflow", "already_closed"):
        return _CaseClosedError()
    code = cause.type or "refused"
    return Problem(
        code, next_steps.sentence(cause.message), next_step=next_steps.after(code, case_id), exit_code=REFUSED
    )


async def _silence(saying: _Saying) -> Problem:
    """Tell a server that is away from a case that does not answer."""
    try:
        await saying.client.service_client.check_health(timeout=timedelta(seconds=2))
    except RPCError:
        return saying.server_away()
    return Problem(
        "not_answered",
        f"The case did not answer within {saying.timeout.total_seconds():g} s: its worker is away or busy.",
        next_step=(
            "Nothing was lost. Check that `seawall up` is running and repeat "
            f"with the same request id ({saying.request_id}); it counts once."
        ),
        exit_code=UNAVAILABLE,
    )


async def _explained(saying: _Saying, error: RPCError) -> Exception | None:
    """Turn an RPC failure into what it means for the speaker; None means try again."""
    if error.status in (RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.ABORTED):
        return None
    if connect.is_without_namespace(error):
        return connect.unknown_namespace(saying.client.namespace)
    if error.status is RPCStatusCode.NOT_FOUND:
        return await _absence(saying)
    if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED):
        return saying.server_away()
    if error.status is RPCStatusCode.FAILED_PRECONDITION:
        return _stuck(saying)
    log.warning("message.refused_by_server", case_id=saying.case_id, message=saying.name, status=error.status.name)
    return Problem(
        "server_refused",
        f"The Temporal server refused the message ({error.status.name}); nothing was taken.",
        next_step="Check the connection profile (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY).",
        exit_code=UNAVAILABLE,
    )


def _stuck(saying: _Saying) -> Problem:
    """Say what a server means that refuses because the last task of the case failed."""
    return Problem(
        "case_stuck",
        "The case cannot take messages: its own code fails, which pages an engineer. Nothing was taken.",
        next_step=f"Repeat with the same request id ({saying.request_id}) when it goes on; see docs/deploying.md.",
        exit_code=UNAVAILABLE,
    )


async def _absence(saying: _Saying) -> Exception | None:
    """Find out what NOT_FOUND means: the server says it of unknown and of closed workflows alike."""
    try:
        described = await saying.handle().describe(rpc_timeout=saying.timeout)
    except RPCError as error:
        return unknown_case() if error.status is RPCStatusCode.NOT_FOUND else saying.server_away()
    return None if described.status is WorkflowExecutionStatus.RUNNING else _CaseClosedError()


def _busy(saying: _Saying) -> Problem:
    return Problem(
        "busy",
        "The case is answering others; the message was not taken.",
        next_step=f"Repeat in a few seconds with the same request id ({saying.request_id}).",
        exit_code=BUSY,
    )


async def _said_to_closed(saying: _Saying) -> Receipt:
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
            if not saying.reopens:
                raise _already_closed(saying, file)
            if isinstance(saying.message, Reopen):
                return await _reopened(saying, saying.message, file)
            await _start_next_run(saying, file)
        try:
            return await _updated(saying)
        except _CaseClosedError:
            if loop.time() > give_up_at:
                raise _busy(saying) from None
        await asyncio.sleep(0.2)


def _answered(saying: _Saying, file: CaseFile) -> Receipt | None:
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


async def _reopened(saying: _Saying, message: Reopen, file: CaseFile) -> Receipt:
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


async def _closed_file(saying: _Saying) -> CaseFile | None:
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
        raise await _silence(saying) from error
    except WorkflowQueryFailedError as failed:
        raise _halted() from failed


async def _remembered(saying: _Saying, run_id: str) -> CaseFile:
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


def _already_closed(saying: _Saying, file: CaseFile) -> Problem:
    when = f" on {file.closed_at:%Y-%m-%d %H:%M} UTC" if file.closed_at else ""
    outcome = f" with the ruling '{file.ruling}'" if file.ruling else ""
    return Problem(
        "already_closed",
        f"The case closed{when}{outcome}.",
        next_step=f"To go on with it, use `seawall reopen {saying.case_id.split('/')[0]}`.",
        exit_code=REFUSED,
    )


async def _start_next_run(saying: _Saying, file: CaseFile, report: Intake | None = None) -> None:
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


def _why(saying: _Saying) -> str:
    reason = getattr(saying.message, "reason", "") or getattr(saying.message, "text", "")
    return str(reason) or f"'{saying.name}' arrived after the case closed"
