"""How are the histories of closed cases kept before Temporal deletes them? By a schedule, in small steps."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities import archive as hands
    from activities.archive import Kept, Portion
    from activities.paging import Page, Paging
    from workflows import options

ROUNDS = 50  # of a batch each; what is left waits for the next time of the schedule
SUBJECT = "archive"  # what the page is about, as no case is


@workflow.defn
class Archive:
    """keep what closed, batch by batch → page when something is near deletion and not kept, or was lost."""

    @workflow.run
    async def run(self) -> Kept:
        """Keep until nothing is left. Starting it twice keeps everything once."""
        kept = failed = lost = 0
        batch = Kept(kept=0, more=True)
        for _ in range(ROUNDS):
            batch = await workflow.execute_activity_method(
                hands.Archive.keep_closed, Portion(), **options.why(options.ARCHIVE, "keep closed histories")
            )
            kept, failed, lost = kept + batch.kept, failed + batch.failed, lost + batch.lost
            if not batch.more:
                break
        if batch.late or lost:
            await self._page(f"{batch.late} closed histories are near deletion and not kept, {lost} are lost")
        return Kept(kept=kept, failed=failed, more=batch.more, late=batch.late, lost=lost)

    async def _page(self, summary: str) -> None:
        """Wake somebody, once a day. A pager that is away is tried again at the next time of the schedule."""
        page = Page(case_id=SUBJECT, number=workflow.now().toordinal(), summary=summary, component="archive")
        try:
            await workflow.execute_activity_method(Paging.page, page, **options.PAGING)
        except ActivityError:
            workflow.logger.exception("archive.unpaged")
