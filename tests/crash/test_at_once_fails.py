"""What a case asks within its own task may fail; the case goes on another way and is never over because of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.worker import Worker

import worker as composition
from activities.casebook import Casebook
from activities.policy import Policy
from escalations.model import Domain
from escalations.record import Batch
from escalations.rulebook import Rulebook
from rulebook.calendars import Calendars
from starter import rules
from store.ledger import Ledger
from tests.crash import checks
from tests.crash.crowd import Crowd
from tests.crash.ground import Ground
from tests.workflows.world import NOWHERE, recall
from workflows import options

pytestmark = [pytest.mark.slow]


class AwayError(Exception):
    """The database does not answer."""


class Away:
    """A ledger that is away for as many calls as a workflow task makes, and one more."""

    conflict: type[Exception] = Ledger.conflict
    away: tuple[type[Exception], ...] = (AwayError,)

    def __init__(self, ledger: Ledger) -> None:
        assert options.CASEBOOK_AT_ONCE["retry_policy"] is not None
        self.left = options.CASEBOOK_AT_ONCE["retry_policy"].maximum_attempts + 1
        self.ledger = ledger

    async def append(self, batch: Batch) -> int:
        """Write, once the database is back."""
        if self.left:
            self.left -= 1
            raise AwayError
        return await self.ledger.append(batch)


@asynccontextmanager
async def worker_with(ground: Ground, own: Callable[..., Any]) -> AsyncIterator[None]:
    """Work as `worker.run` does, with one hand replaced by a test's own."""
    async with AsyncExitStack() as stack:
        hands = await composition.hands(ground.told, ground.client, ground.engine, stack)
        others = [hand for hand in hands if hand.__name__ != own.__name__]
        async with Worker(
            ground.client,
            task_queue=options.TASK_QUEUE,
            workflows=list(composition.WORKFLOWS),
            activities=[*others, own],
            workflow_runner=composition.runner(),
        ):
            yield


async def test_a_casebook_that_stays_away_gets_its_entries_later_and_the_case_goes_on(ground: Ground) -> None:
    away = Away(Ledger(ground.engine))
    crowd = Crowd(ground=ground)

    async with worker_with(ground, Casebook(away).record):
        case = await ground.world.opened(recall(NOWHERE))
        await crowd.closed(case.id)
        file = await checks.closing_file(ground, case.id)

    (history, *_) = await checks.histories(ground.client, case.id)
    ordinary = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert away.left == 0
    assert "record" in ordinary
    await checks.assert_nothing_was_lost(ground, file, crowd)
    await checks.assert_no_task_failed(ground, case.id)


@dataclass(frozen=True, slots=True)
class Lacking:
    """The rulebook of today, without the playbook of a harm."""

    current: Rulebook

    def of(self, version: str) -> Rulebook:
        """Say that nothing else was kept."""
        assert version == self.current.version
        return self.current


async def test_a_case_whose_harm_has_no_playbook_waits_for_people_and_does_not_end(ground: Ground) -> None:
    book = rules.today(ground.told)
    others = tuple(playbook for playbook in book.playbooks if playbook.domain != Domain.CRISIS)
    policy = Policy(Lacking(replace(book, playbooks=others)), Calendars())

    async with worker_with(ground, policy.plan_case):
        case = await ground.world.opened(recall(NOWHERE, domain=Domain.CRISIS))
        card = await ground.world.until(case, lambda card: card.waiting)
        described = await case.describe()
        await case.terminate("the test has seen it")

    assert len(others) == len(book.playbooks) - 1
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert "rulebook" in card.waiting[0].reason
    assert checks.pages(ground, case.id)
    await checks.assert_no_task_failed(ground, case.id)
