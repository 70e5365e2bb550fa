"""Does what was hidden come back? Look again after an hour, a day, a week and a month, and tell the case."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.cases import Cases, Telling
    from activities.marketplace import Marketplace
    from escalations.enforcement import Sought, SweepOrder, Swept
    from escalations.messages import ReportFinding, Said
    from workflows import options
    from workflows.waiting import Watch


@workflow.defn
class Resweep:
    """wait → search again → tell the case what came back, once for each offset; outlives its sweep and its case.

    It lives for a month, so it moves to the build of the day instead of keeping an old one alive.
    """

    @workflow.init
    def __init__(self, order: SweepOrder) -> None:
        self.order = order
        self.watch = Watch()
        self.stopped = False

    @workflow.run
    async def run(self, order: SweepOrder) -> Swept:
        """Search at each offset; what came back is the case's business again, even if it has closed."""
        keeper = asyncio.create_task(self.watch.keep())
        began = workflow.now()
        try:
            for number, offset in enumerate(order.resweeps, 1):
                await self.watch.until(
                    lambda: self.stopped,
                    owner="seawall",
                    reason="next re-sweep",
                    until=began + offset,
                    then="search again",
                )
                if self.stopped:
                    break
                await self._look(number)
        finally:
            keeper.cancel()
        return Swept(order=order.number, killed=self.stopped)

    async def _look(self, number: int) -> None:
        """Search once more. A marketplace that stays away is told to the case; the later looks still happen."""
        try:
            found = await workflow.execute_activity_method(
                Marketplace.find_listings, self._sought, **options.why(options.SEARCH, "search again")
            )
        except ActivityError:
            await self._tell(f"failed-{number}", "resweep_failed", f"re-sweep {number} could not search; look by hand")
            return
        if found.count:
            await self._tell(found.digest[:16], "resweep_found", f"{found.count} listings came back", found.digest)

    async def _tell(self, delivery: str, kind: str, text: str, *evidence: str) -> None:
        said = Said(request_id=f"resweep-{self.order.number}-{delivery}", person="seawall", door="sweep")
        finding = ReportFinding(said=said, kind=kind, text=text, evidence=evidence)
        telling = Telling(case_id=self.order.case_id, finding=finding)
        try:
            await workflow.execute_activity_method(Cases.tell_case, telling, **options.TELL_CASE)
        except ActivityError:
            workflow.logger.exception("resweep.untold")

    @property
    def _sought(self) -> Sought:
        """What is looked for; without it the re-sweep was ordered wrongly."""
        if self.order.sought is None:
            raise ApplicationError("a re-sweep needs to know what it looks for", type="BadOrder", non_retryable=True)
        return self.order.sought

    @workflow.signal
    def stop(self) -> None:
        """Look no more."""
        self.stopped = True
