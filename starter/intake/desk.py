"""How does a parsed report reach its case exactly once, whoever delivers it and however often?

Rule: the permanent intake row comes first and judges alone (one INSERT under a unique key); the workflow is started
from it, and both lines of defence are safe to repeat. Nothing is answered as taken before that row is durable. When
Temporal is away the row waits, and `dispatch` starts its case later.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog
from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from escalations import ids
from escalations.casefile import Opening
from escalations.messages import Receipt, Report, Said
from escalations.model import Intake, Stage
from starter.errors import REFUSED, UNKNOWN_CASE, Problem
from starter.intake.feed import REASONS, Aside
from starter.intake.refusals import REFUSALS, BadInput
from starter.intake.report import Parsed
from starter.seeing import counters, tracing
from store import intakes, quarantine
from store.errors import StoreMisconfigured, StoreUnavailable
from workflows.attributes import DOMAIN, STAGE

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

TASK_QUEUE = "seawall"
WORKFLOW = "Escalation"
START_PATIENCE = timedelta(seconds=5)
JSON_TYPE = "application/json"

Say = Callable[[str, Report], Awaitable[Receipt]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the doors share. `connect` reaches Temporal (and may raise Problem); `say` speaks to an open case."""

    engine: "AsyncEngine"
    connect: Callable[[], Awaitable[Client]]
    say: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Where a report went: `new` case, `duplicate` of one already taken, or `added` to an existing case.

    `started` is false while the case still waits for Temporal.
    """

    case_id: str
    status: Literal["new", "duplicate", "added"]
    started: bool = True


async def receive(
    desk: Desk, parsed: Parsed, *, content_type: str = JSON_TYPE, delivery_id: str = "", traceparent: str = ""
) -> Outcome:
    """Keep a report and start or enrich its case. Raises BadInput: `conflict`, `unknown_case`, `not_durable`, ….

    `traceparent` is the sender's own, to which the trace of the case gets a link.
    Repeating a call is always safe and answers `duplicate`; a changed record of a feed is added to its case.
    """
    intake = parsed.intake
    case_id = parsed.about or ids.case_id(intake.source, intake.source_ref)
    try:
        source, kind = intake.source, intake.kind.value
        with tracing.span("intake", case_id, sender=traceparent, source=source, kind=kind) as seen:
            outcome = await _received(desk, parsed, content_type, delivery_id)
            tracing.told(seen, outcome=outcome.status)
    except (StoreUnavailable, StoreMisconfigured) as away:
        log.warning("intake.not_stored", code=away.code)
        raise BadInput("not_durable") from None
    counters.counted(counters.INTAKES, outcome.status)
    return outcome


async def _received(desk: Desk, parsed: Parsed, content_type: str, delivery_id: str) -> Outcome:
    if parsed.about:
        return await _about(desk, parsed, parsed.about, content_type, delivery_id)
    intake = parsed.intake
    case_id = ids.case_id(intake.source, intake.source_ref)
    answer = await intakes.accept(desk.engine, _row(parsed, case_id, content_type, delivery_id))
    if isinstance(answer, intakes.Conflict):
        if not parsed.amends:
            raise _conflict(answer, intake.source)
        return await _amended(desk, parsed, answer.case_id, content_type)
    if isinstance(answer, intakes.Duplicate):
        started = answer.started or await start_waiting(desk, answer.case_id, await _kept(desk, intake, answer.case_id))
        return Outcome(case_id=answer.case_id, status="duplicate", started=started)
    tracing.drawn("case", case_id, intake.received_at, datetime.now(UTC), kind=intake.kind.value)
    started = await start_waiting(desk, case_id, intake)
    status = "started" if started else "waiting"
    log.info("intake.accepted", case_id=case_id, source=intake.source, kind=intake.kind.value, status=status)
    return Outcome(case_id=case_id, status="new", started=started)


async def _amended(desk: Desk, parsed: Parsed, case_id: str, content_type: str) -> Outcome:
    """Add a changed record of a feed to its case, under a name of its own so that each change counts once."""
    name = f"{parsed.intake.source_ref}-{parsed.content_digest[:12].upper()}"
    changed = replace(parsed, intake=replace(parsed.intake, source_ref=name))
    return await _about(desk, changed, case_id, content_type, "")


async def _about(desk: Desk, parsed: Parsed, case_id: str, content_type: str, delivery_id: str) -> Outcome:
    """Add a report to a case: kept first, then said under a request id that every repeat computes alike."""
    if not await intakes.of_case(desk.engine, case_id):
        raise BadInput("unknown_case", "/about")
    answer = await intakes.accept(desk.engine, _row(parsed, case_id, content_type, delivery_id))
    if isinstance(answer, intakes.Conflict):
        raise _conflict(answer, parsed.intake.source)
    intake = parsed.intake if isinstance(answer, intakes.New) else await _kept(desk, parsed.intake, answer.case_id)
    await tell(desk, answer.case_id, intake)
    status: Literal["duplicate", "added"] = "added" if isinstance(answer, intakes.New) else "duplicate"
    log.info("intake.added", case_id=answer.case_id, source=intake.source, kind=intake.kind.value)
    return Outcome(case_id=answer.case_id, status=status)


def _conflict(answer: intakes.Conflict, source: str) -> BadInput:
    log.warning("intake.conflicted", case_id=answer.case_id, source=source, reason_code=answer.field)
    return BadInput("conflict", "/source_ref" if answer.field == "source_ref" else "")


async def start_waiting(desk: Desk, case_id: str, intake: Intake) -> bool:
    """Start the case of a kept report; False when Temporal is away and the row goes on waiting."""
    try:
        client = await desk.connect()
        await _start(client, case_id, intake)
    except WorkflowAlreadyStartedError:
        pass  # it ran and closed: a repeat never restarts it
    except (RPCError, RuntimeError, Problem) as away:
        why = away.status.name if isinstance(away, RPCError) else type(away).__name__
        log.warning("case.start_deferred", case_id=case_id, error=why)
        return False
    await intakes.started(desk.engine, case_id, at=datetime.now(UTC))
    return True


async def _start(client: Client, case_id: str, intake: Intake) -> None:
    pairs: list[SearchAttributePair[str]] = [SearchAttributePair(STAGE, Stage.INTAKE.value)]
    if intake.domain is not None:
        pairs.append(SearchAttributePair(DOMAIN, intake.domain.value))
    await client.start_workflow(
        WORKFLOW,
        Opening(case_id=case_id, intake=intake),
        id=case_id,
        task_queue=TASK_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        search_attributes=TypedSearchAttributes(pairs),
        static_summary=f"{intake.kind.value} from {intake.source}",
        rpc_timeout=START_PATIENCE,
    )


async def tell(desk: Desk, case_id: str, intake: Intake) -> Receipt:
    """Say a kept report to its case. Raises BadInput: `unknown_case`, `report_refused`, `busy`, `unavailable`."""
    request_id = f"report:{ids.digest(ids.canonical([intake.source, intake.source_ref]))[:32]}"
    said = Said(request_id=request_id, person=f"source:{intake.source}", door="intake")
    try:
        receipt = await desk.say(case_id, Report(said=said, intake=intake))
    except Problem as problem:
        refused = _untold(problem)
        if refused.code == "report_refused":  # the case has answered: there is nothing left to bring
            await intakes.started(desk.engine, case_id, at=datetime.now(UTC))
        raise refused from None
    await intakes.started(desk.engine, case_id, at=datetime.now(UTC))
    return receipt


def _untold(problem: Problem) -> BadInput:
    if problem.code == "busy":
        return BadInput("busy")
    if problem.exit_code == UNKNOWN_CASE:
        return BadInput("unknown_case", "/about")
    return BadInput("report_refused" if problem.exit_code == REFUSED else "unavailable")


async def keep_aside(desk: Desk, aside: Aside, *, now: datetime) -> int:
    """Put a record that is no report into quarantine, where people see it; return its number there."""
    try:
        return await quarantine.keep(
            desk.engine,
            source=aside.source,
            code=aside.reason,
            raw=aside.raw,
            received_at=now,
            detail=f"{REASONS[aside.reason]} {aside.code}".strip(),
            content_type=JSON_TYPE,
        )
    except (StoreUnavailable, StoreMisconfigured):
        raise BadInput("not_durable") from None


async def keep_refused(desk: Desk, source: str, raw: bytes, refused: BadInput, *, now: datetime) -> None:
    """Keep a signed document of a known source that could not be read, so that nothing it sent is lost."""
    try:
        await quarantine.keep(
            desk.engine,
            source=source,
            code=refused.code,
            raw=raw,
            received_at=now,
            detail=f"{refused.field} {REFUSALS[refused.code].text}".strip(),
            content_type=JSON_TYPE,
        )
    except (StoreUnavailable, StoreMisconfigured):
        raise BadInput("not_durable") from None


def _row(parsed: Parsed, case_id: str, content_type: str, delivery_id: str) -> intakes.Accepted:
    return intakes.Accepted(
        source=parsed.intake.source,
        source_ref=parsed.intake.source_ref,
        raw=parsed.raw,
        content_type=content_type,
        received_at=parsed.intake.received_at,
        sha256=parsed.content_digest,
        delivery_id=delivery_id,
        case_id=case_id,
        intake=parsed.intake,
    )


async def _kept(desk: Desk, intake: Intake, case_id: str) -> Intake:
    """Fetch a report as it was kept first, so that every repeat starts and says the very same thing."""
    for kept in await intakes.of_case(desk.engine, case_id):
        if (kept.source, kept.source_ref) == (intake.source, intake.source_ref) and kept.intake is not None:
            return kept.intake
    return intake
