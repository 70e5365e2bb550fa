"""What does the rulebook say should happen? The one place where a case asks; its answers are pinned in history.

Local activities: pure work over a rulebook that was read at start, no I/O. The same question gets the same answer, so
a retry does no harm; what the rulebook cannot answer is not retried.
"""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from escalations import attaching, gates, planning, telling
from escalations.attaching import Calendars, Known
from escalations.consensus import Gate
from escalations.gates import QuorumUnreachable
from escalations.plans import GateRequest, NoticePlan, NoticesRequest, Plan, PlanRequest
from escalations.rulebook import NoPlaybook, Rulebook


class Policy:
    """Answers from one rulebook. `calendars` freezes the public holidays that working days are counted by."""

    def __init__(self, rulebook: Rulebook, calendars: Calendars) -> None:
        self._rulebook = rulebook
        self._calendars = calendars

    @activity.defn
    async def plan_case(self, request: PlanRequest) -> Plan:
        """Say how to handle a case: severity, urgency, clocks with their derivation, what to look for and to do.

        Pure: the same request and rulebook give the same plan. Running clocks are kept, or moved when an earlier
        start or another date of an order became known. Fails with `NoPlaybook`, not retried, for a domain whose
        playbook does not exist yet.
        """
        try:
            return planning.planned(self._rulebook, self._calendars, request)
        except NoPlaybook as missing:
            raise ApplicationError(f"{request.case_id}: {missing}", type="NoPlaybook", non_retryable=True) from missing

    @activity.defn
    async def draft_gate(self, request: GateRequest) -> Gate:
        """Draft one question: options, seats, quorum, time-box and default, with the reasons for each.

        Pure. Fails with `QuorumUnreachable`, not retried, when separation of duties leaves too few persons.
        """
        try:
            return gates.drafted(self._rulebook, request)
        except NoPlaybook as missing:
            raise ApplicationError(f"{request.case_id}: {missing}", type="NoPlaybook", non_retryable=True) from missing
        except QuorumUnreachable as short:
            raise ApplicationError(str(short), type="QuorumUnreachable", non_retryable=True) from short

    @activity.defn
    async def draft_notices(self, request: NoticesRequest) -> NoticePlan:
        """Say who must be told after the act, in which words, and which clocks the act started.

        Pure. An authority is answered even when nothing was found. Fails with `NoPlaybook`, not retried.
        """
        try:
            return self._notices(request)
        except NoPlaybook as missing:
            raise ApplicationError(f"{request.case_id}: {missing}", type="NoPlaybook", non_retryable=True) from missing

    def _notices(self, request: NoticesRequest) -> NoticePlan:
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
        clocks = attaching.attached(self._rulebook, self._calendars, known)
        notices = telling.drafted(self._rulebook, request, clocks)
        return NoticePlan(notices=notices, clocks=clocks, rulebook=self._rulebook.version)
