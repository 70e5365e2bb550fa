"""Is anything still owed? A case closes by itself, and only then."""

from collections.abc import Callable

from temporalio import workflow

from escalations import closing, waking
from escalations.model import Stage
from workflows.case import Case
from workflows.people import page


async def closed(case: Case) -> bool:
    """Wait until nothing is open. False when a new report asks for another round of the process."""
    file = case.file
    while not await _nothing_owed(case) and not file.again:
        items = closing.open_items(file)
        settled = await case.watch.until(
            _changed(case, items),
            owner=case.plan.owner,
            reason=f"{items[0]}" + (f" and {len(items) - 1} more" if len(items) > 1 else ""),
            until=waking.still_open_at(file, workflow.now()),
            then="page the owner",
        )
        if not settled:
            await page(case, f"the case cannot close: {items[0]}")
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
