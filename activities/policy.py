"""What does the rulebook say should happen? The one place where a case asks; its answers are pinned in history.

Local activities: pure work over a rulebook that was read at start, no I/O. The same question gets the same answer, so
a retry does no harm; what the rulebook cannot answer is not retried.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import asked
from escalations import attaching, gates, planning, rosters_asking, situation, telling
from escalations.attaching import Known
from escalations.conditions import RuleFailed
from escalations.consensus import Gate
from escalations.gates import QuorumUnreachable
from escalations.plans import DutyRequest, GateRequest, NoticePlan, NoticesRequest, Plan, PlanRequest
from escalations.readings import Calendars
from escalations.rosters import OnDuty
from escalations.rulebook import NoPlaybook, Rulebook, Rulebooks, UnknownRulebook


class Policy:
    """Answers from the rulebook that a case was opened with. `calendars` freezes the public holidays."""

    def __init__(self, rulebooks: Rulebooks, calendars: Calendars) -> None:
        self._rulebooks = rulebooks
        self._calendars = calendars

    @activity.defn
    async def plan_case(self, request: PlanRequest) -> Plan:
        """Say how to handle a case: severity, urgency, clocks with their derivation, what to look for and to do.

        Pure: the same request and rulebook give the same plan. Running clocks are kept, or moved when an earlier
        start or another date of an order became known. Not retried: `NoPlaybook`, `UnknownRulebook`, `RuleFailed`.
        """
        with _answering(request.case_id):
            book = self._book(request.rulebook)
            plan = planning.planned(book, self._calendars, request)
            plan = rosters_asking.named_in_plan(book, self._calendars, plan, request)
            return replace(plan, asked=asked.digest(request))

    @activity.defn
    async def draft_gate(self, request: GateRequest) -> Gate:
        """Draft one question: options, seats, quorum, time-box and default, with the reasons for each.

        Pure. Fails with `QuorumUnreachable`, not retried, when separation of duties leaves too few persons.
        """
        with _answering(request.case_id):
            book = self._book(request.plan.rulebook)
            gate = rosters_asking.named_in_gate(book, self._calendars, gates.drafted(book, request), request)
            return replace(gate, asked=asked.digest(request))

    @activity.defn
    async def who_is_on_duty(self, request: DutyRequest) -> OnDuty:
        """Say whom to wake at an instant, first one first, with the reason for each.

        Pure: the same request and rulebook name the same people. Not retried: `UnknownRulebook`.
        """
        with _answering(request.case_id):
            found = rosters_asking.on_duty(self._book(request.rulebook), self._calendars, request)
            return replace(found, asked=asked.digest(request))

    @activity.defn
    async def draft_notices(self, request: NoticesRequest) -> NoticePlan:
        """Say who must be told after the act, in which words, and which clocks the act started.

        Pure. An authority is answered even when nothing was found. Fails with `NoPlaybook`, not retried.
        """
        with _answering(request.case_id):
            return self._notices(self._book(request.plan.rulebook), request)

    def _book(self, version: str) -> Rulebook:
        return self._rulebooks.of(version) if version else self._rulebooks.current

    def _notices(self, book: Rulebook, request: NoticesRequest) -> NoticePlan:
        known = Known(
            intakes=request.intakes,
            domain=request.plan.domain,
            now=request.now,
            clocks=request.clocks,
            markets=request.manifest.markets if request.restricted else (),
            contained=request.contained_at is not None,
            acted=True,
            contained_at=request.contained_at,
            restricted=request.restricted > 0,
            voluntary=telling.voluntary(request),
        )
        told = situation.reported(book, request.intakes)
        clocks = attaching.attached(book, self._calendars, known, told)
        after = telling.seen(book, request, told)
        return NoticePlan(
            notices=telling.drafted(book, request, clocks, after),
            clocks=clocks,
            rulebook=book.version,
            by_people=telling.told_by_people(book.playbook(known.domain), clocks, after),
            asked=asked.digest(request),
        )


@contextmanager
def _answering(case_id: str) -> Iterator[None]:
    """Say in Temporal's terms what the rulebook cannot answer: asking again would not help, a person must look."""
    try:
        yield
    except QuorumUnreachable as short:
        raise ApplicationError(str(short), type="QuorumUnreachable", non_retryable=True) from short
    except (NoPlaybook, UnknownRulebook, RuleFailed) as wrong:
        raise ApplicationError(f"{case_id}: {wrong}", type=type(wrong).__name__, non_retryable=True) from wrong
