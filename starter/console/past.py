"""How does the console look back? It lives the history of a case again, off its loop, within bounds, and keeps it.

What is kept is named by the case, its run and its last event, so it is never out of date.
"""

import asyncio
from collections import OrderedDict
from datetime import timedelta
from typing import Protocol

from temporalio.client import Client
from temporalio.service import RPCError

from replay import histories, reading
from replay.histories import Recorded
from replay.travel.journey import Journey, travelled
from starter import connect
from starter.errors import UNAVAILABLE, Problem, unknown_case

MOST_EVENTS = 4000
PATIENCE = timedelta(seconds=30)
KEPT = 4


class LookBack(Protocol):
    """Live a case again; `Past` is the one that does."""

    async def of(self, client: Client, case_id: str) -> Journey:
        """Return its journey or raise Problem."""


class Past:
    """The cases that were looked at last; one is lived again at a time."""

    def __init__(self, *, most_events: int = MOST_EVENTS, patience: timedelta = PATIENCE) -> None:
        self._kept: OrderedDict[tuple[str, str, int], Journey] = OrderedDict()
        self._turn = asyncio.Lock()
        self._most_events = most_events
        self._patience = patience

    async def of(self, client: Client, case_id: str) -> Journey:
        """Live all runs of a case again. Raises Problem `unknown_case`, `too_long`, `too_slow`, or of `travelled`."""
        with connect.answering(client):
            key = await self._named(client, case_id)
            async with self._turn:
                found = self._kept.get(key)
                if found is None:
                    runs = await histories.chain(client, case_id)
                    found = self._kept[key] = await self._lived(client, runs)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    async def _named(self, client: Client, case_id: str) -> tuple[str, str, int]:
        try:
            described = await client.get_workflow_handle(case_id).describe()
        except RPCError as error:
            raise unknown_case() from error
        if described.history_length > self._most_events:
            raise _too_long(case_id)
        return case_id, described.run_id or "", described.history_length

    async def _lived(self, client: Client, runs: list[Recorded]) -> Journey:
        if sum(len(run.events) for run in runs) > self._most_events:
            raise _too_long(runs[0].workflow_id)
        work = asyncio.create_task(asyncio.to_thread(_journey, client, runs))
        done, _ = await asyncio.wait([work], timeout=self._patience.total_seconds())
        if not done:
            raise Problem(
                "too_slow",
                "The history of this case takes too long to live again here.",
                next_step=f"Look at it with `seawall replay at {runs[0].workflow_id}`.",
                exit_code=UNAVAILABLE,
            )
        return work.result()


def _journey(client: Client, runs: list[Recorded]) -> Journey:
    """Live runs again in a thread of its own, with a loop of its own."""
    with reading.quiet() as runtime:
        return asyncio.run(
            travelled(
                runs,
                workflows=reading.workflows(),
                converter=client.data_converter,
                namespace=client.namespace,
                runtime=runtime,
            )
        )


def _too_long(case_id: str) -> Problem:
    return Problem(
        "too_long",
        f"The history of this case is longer than the {MOST_EVENTS} events that a page shows.",
        next_step=f"Look at it with `seawall replay at {case_id}`.",
    )
