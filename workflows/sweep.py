"""How is one thing done to many listings: prior state first, in batches, verified, stoppable, and exactly undone?"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.marketplace import Marketplace
    from escalations.enforcement import Span, SweepOrder, Swept, Tally, combined, spans
    from workflows import options
    from workflows.resweep import Resweep
    from workflows.waiting import Watch

PATIENCE = timedelta(days=1)


@workflow.defn
class Sweep:
    """capture prior state → enforce → verify, batch by batch; or restore exactly.

    Lives minutes to hours and ends on the build it began with, so that one sweep is one way of doing it.
    """

    @workflow.init
    def __init__(self, order: SweepOrder) -> None:
        self.order = order
        self.watch = Watch()
        self.killed = False
        self.stopped = False

    @workflow.run
    async def run(self, order: SweepOrder) -> Swept:
        """Carry an order out. Everything it does to a listing happens under one key per decision, so never twice."""
        keeper = asyncio.create_task(self.watch.keep())
        try:
            if order.mode == "restore":
                return await self._restored()
            return await self._applied()
        finally:
            keeper.cancel()

    async def _applied(self) -> Swept:
        applied, verified = [], []
        for span in spans(replace(self.order, resweeps=(), sought=None)):
            if not await self._may_go_on():
                break
            await self._hand(Marketplace.capture_prior, span, "record the prior state")
            applied.append(await self._hand(Marketplace.enforce, span, f"hide listings {span.start}-{span.stop - 1}"))
            verified.append(await self._hand(Marketplace.verify, span, "read back"))
        if not self.stopped and self.order.resweeps:
            await self._watched()
        killed = self.killed or self.stopped
        return Swept(order=self.order.number, applied=combined(*applied), verified=combined(*verified), killed=killed)

    async def _watched(self) -> None:
        """Start the one that looks again after an hour, a day, a week and a month; it outlives sweep and case."""
        await workflow.start_child_workflow(
            Resweep.run,
            replace(self.order, mode="watch"),
            id=f"{workflow.info().workflow_id}/watch",
            parent_close_policy=ParentClosePolicy.ABANDON,
        )

    async def _restored(self) -> Swept:
        tallies: list[Tally] = []
        for span in spans(self.order):
            tallies.append(await self._hand(Marketplace.reverse, span, "restore exactly"))
        return Swept(order=self.order.number, reversed=combined(*tallies))

    async def _hand(self, hand: Callable[[Any, Span], Any], span: Span, summary: str) -> Any:
        return await workflow.execute_activity_method(hand, span, **options.why(options.ENFORCEMENT, summary))

    async def _may_go_on(self) -> bool:
        if self.killed and not self.stopped:
            await self.watch.until(
                lambda: self.stopped or not self.killed,
                owner="IC",
                reason="the sweep was stopped",
                until=workflow.now() + PATIENCE,
                then="end it as it is",
            )
        return not self.killed and not self.stopped

    @workflow.query
    def swept(self) -> tuple[bool, bool]:
        """Say whether the sweep was killed, and whether it was ended for good."""
        return self.killed, self.stopped

    @workflow.signal
    def kill(self) -> None:
        """Stop between two batches, until resumed."""
        self.killed = True

    @workflow.signal
    def resume(self) -> None:
        """Go on."""
        self.killed = False

    @workflow.signal
    def stop(self) -> None:
        """End after the present batch, for good."""
        self.stopped = True
