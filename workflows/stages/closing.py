"""Is anything still owed? A case closes by itself, and only then."""

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

from escalations import closing
from escalations.cards import next_due
from escalations.model import Stage
from workflows.case import Case

PATIENCE = timedelta(days=1)


async def closed(case: Case) -> bool:
    """Wait until nothing is open. False when a new report asks for another round of the process."""
    file = case.file
    while not await _nothing_owed(case) and not file.again:
        items = closing.open_items(file)
        settled = await case.watch.until(
            _changed(case, items),
            owner=case.plan.owner,
            reason=f"{items[0]}" + (f" and {len(items) - 1} more" if len(items) > 1 else ""),
            until=max(next_due(file) or workflow.now(), workflow.now() + PATIENCE),
            then="page the owner",
        )
        if not settled:
            await case.page(f"the case cannot close: {items[0]}")
    if file.again:
        case.look_again("another round: a new report came")
        return False
    file.closed_at = workflow.now()
    case.journal.note("case.closed", f"closed after {file.closed_at - file.opened_at}", ruling=file.ruling)
    case.enter(Stage.CLOSED)
    case.show()
    await case.settled()
    return True


def _changed(case: Case, items: tuple[str, ...]) -> Callable[[], bool]:
    return lambda: case.file.again or closing.open_items(case.file) != items


async def _nothing_owed(case: Case) -> bool:
    """Ask whether nothing is open, after what is being said right now has had its effect."""
    if not closing.open_items(case.file):
        await case.watch.settled(workflow.all_handlers_finished)
    return not closing.open_items(case.file)
