"""How does a case call people, and what do they take over when a hand fails?"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
)

from activities.paging import Page, Paging
from activities.policy import Policy
from escalations import waking
from escalations.plans import DutyRequest
from workflows import options
from workflows.case import Case

T = TypeVar("T")


async def page(case: Case, why: str, *, role: str = "", level: int = 0, excluded: tuple[str, ...] = ()) -> None:
    """Wake whoever is on duty for a role, the owner's by default. A pager that is away is noted; the case goes on.

    From `level` 1 on the ladder is asked from that level up, because those below it were asked in vain.
    """
    case.file.pages += 1
    number = case.file.pages
    urgent = waking.urgent(case.file.plan)
    ask = await _on_duty(case, role, level, excluded)
    page = Page(
        case_id=case.id,
        number=number,
        summary=why,
        severity="critical" if urgent else "error",
        details=tuple((f"ask {place}", f"{person}: {reason}") for place, (person, reason) in enumerate(ask, 1)),
    )
    hands = workflow.execute_activity_method(Paging.page, page, **options.why(options.PAGING, f"page: {why}"))
    await attempted(case, "paging", hands)


async def _on_duty(case: Case, role: str, level: int, excluded: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Find whom to ask now: as pinned in the plan while that is fresh, else policy is asked again."""
    plan = case.file.plan
    if plan is None or plan.on_duty is None:
        return ()
    named = waking.named(plan, role, level, workflow.now())
    if named is not None:
        return named
    request = DutyRequest(
        case_id=case.id,
        rulebook=plan.rulebook,
        role=role or plan.owner,
        domain=plan.domain,
        now=workflow.now(),
        places=plan.on_duty.places,
        excluded=excluded,
        level=level,
    )
    answer = workflow.execute_local_activity_method(Policy.who_is_on_duty, request, **options.POLICY)
    try:
        return (await case.journal.after(answer)).ask
    except options.NOT_AT_ONCE as failure:
        case.journal.note("roster.silent", f"nobody could say who is on duty: {_cause(failure)}")
        return plan.on_duty.ask


async def attempted(case: Case, what: str, hands: Awaitable[T]) -> T | None:
    """Await an effort whose end must not stop the case: a failure is noted and becomes a person's task."""
    try:
        return await case.watch.busy(hands)
    except (ActivityError, ChildWorkflowError) as failure:
        kind = _cause(failure)
        case.owe(f"reconcile-{len(case.file.tasks) + 1}", f"{what} failed ({kind}); reconcile by hand", "OPS")
        case.journal.note("hand.failed", f"{what} failed: {kind}", system=what, code=kind)
        case.journal.show()
        return None


async def insisted(case: Case, what: str, hands: Callable[[], Awaitable[T]], within: timedelta | None = None) -> T:
    """Do not go on without a result: when an effort ends, page, and try again after an hour or a message."""
    while True:
        try:
            return await case.watch.busy(hands(), within)
        except (*options.NOT_AT_ONCE, ChildWorkflowError, WorkflowAlreadyStartedError) as failure:
            case.journal.note("hand.failed", f"{what} failed: {_cause(failure)}", system=what)
            await page(case, f"{what} failed")
            await until_told(case, f"{what} failed ({_cause(failure)})", "try again")


async def until_told(case: Case, reason: str, then: str) -> None:
    """Wait until anybody says anything, an hour at most."""
    seen = case.watch.taken
    again = workflow.now() + options.AGAIN_AFTER
    await case.watch.until(lambda: case.watch.taken > seen, owner="OPS", reason=reason, until=again, then=then)


def _cause(failure: FailureError) -> str:
    cause = failure if isinstance(failure, ApplicationError) else failure.cause
    return cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
