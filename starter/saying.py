"""How does one message reach a running case, and what does it mean for the speaker when it does not?"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from escalations.messages import Receipt, Said
from starter import connect, next_steps
from starter.errors import BUSY, REFUSED, UNAVAILABLE, Problem, unknown_case
from workflows.reception import fingerprint

CONTENT_DIGITS = 6  # enough to see that a request id is reused for other words; history keeps them four times
BUSY_BUDGET = timedelta(seconds=20)

log = structlog.get_logger(__name__)


class Message(Protocol):
    """Anything of `escalations.messages` that is said to a case."""

    @property
    def said(self) -> Said: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One message on its way to a case; `timeout` bounds one attempt."""

    client: Client
    case_id: str
    name: str
    message: Message
    timeout: timedelta

    @property
    def request_id(self) -> str:
        """What makes repeats of the message count once."""
        return self.message.said.request_id

    def server_away(self) -> Problem:
        """Say that nobody answers at the server's address."""
        return connect.server_away(self.client.service_client.config.target_host)

    def handle(self) -> WorkflowHandle[object, object]:
        """Address the newest run of the case."""
        return self.client.get_workflow_handle(self.case_id)


class CaseClosedError(Exception):
    """The run ended before, or while, it was spoken to."""


async def updated(saying: Saying) -> Receipt:
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
                raise busy(saying) from error
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 2, 2.0)


async def _attempted(saying: Saying) -> Receipt:
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
        raise await silence(saying) from timed_out


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
        return CaseClosedError()
    code = cause.type or "refused"
    return Problem(
        code, next_steps.sentence(cause.message), next_step=next_steps.after(code, case_id), exit_code=REFUSED
    )


async def silence(saying: Saying) -> Problem:
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


async def _explained(saying: Saying, error: RPCError) -> Exception | None:
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


def _stuck(saying: Saying) -> Problem:
    """Say what a server means that refuses because the last task of the case failed."""
    return Problem(
        "case_stuck",
        "The case cannot take messages: its own code fails, which pages an engineer. Nothing was taken.",
        next_step=f"Repeat with the same request id ({saying.request_id}) when it goes on; see docs/deploying.md.",
        exit_code=UNAVAILABLE,
    )


async def _absence(saying: Saying) -> Exception | None:
    """Find out what NOT_FOUND means: the server says it of unknown and of closed workflows alike."""
    try:
        described = await saying.handle().describe(rpc_timeout=saying.timeout)
    except RPCError as error:
        return unknown_case() if error.status is RPCStatusCode.NOT_FOUND else saying.server_away()
    return None if described.status is WorkflowExecutionStatus.RUNNING else CaseClosedError()


def busy(saying: Saying) -> Problem:
    """Refuse because the case had no room for the message in time."""
    return Problem(
        "busy",
        "The case is answering others; the message was not taken.",
        next_step=f"Repeat in a few seconds with the same request id ({saying.request_id}).",
        exit_code=BUSY,
    )
