"""What does a life cost at least? The SDK's own instance in the same simulation, with a workflow that does nothing.

`Bare` asks one local activity after the other, as many as a case has tasks. What it costs is spent by the SDK and the
simulator; no case can be lived for less.
"""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.converter import DefaultPayloadConverter

from replay.simulation.simulator import Simulation
from replay.simulation.values import Values
from replay.simulation.world import Beginning, Birth, Call, Coming, Living

SOON = timedelta(seconds=5)
MILLISECOND = 1_000_000


@workflow.defn(sandboxed=False)
class Bare:
    """Asks so many times, and does nothing with the answers."""

    @workflow.run
    async def run(self, times: int) -> None:
        """Ask."""
        for number in range(times):
            await workflow.execute_local_activity("nothing", number, start_to_close_timeout=SOON)


class Nothing:
    """The world around it: every question is answered after a millisecond."""

    def __init__(self, values: Values) -> None:
        self._answer = ActivityResolution()
        self._answer.completed.result.CopyFrom(values.payload(None))

    def answer(self, _living: Living, call: Call) -> Coming:
        """Answer."""
        return Coming(at=call.at + MILLISECOND, resolution=self._answer)

    def birth(self, _living: Living, _call: Call) -> Birth | None:
        """Never asked."""
        return None

    def passed_on(self, _living: Living, _call: Call) -> Coming | None:
        """Never asked."""
        return None

    def rings(self, _living: Living, _key: str, lasts: int, at: int) -> int:
        """Never asked."""
        return at + lasts

    def goes_on(self, _living: Living, _payloads: tuple[Any, ...], _at: int) -> Beginning | None:
        """Never asked."""
        return None

    def lived(self, _living: Living, _at: int) -> None:
        """Look at nothing."""

    def unheard(self, _number: str) -> None:
        """Nobody speaks."""


def bare_life(tasks: int) -> int:
    """Live `Bare` over so many tasks, at least two, and return how many there were."""
    values = Values(DefaultPayloadConverter())
    sim = Simulation(Nothing(values), values, {"Bare": Bare})
    begun = Beginning(at=1, run_id="run", type="Bare", input=(values.payload(tasks - 1),), started=1)
    living = sim.begin("bare", begun)
    while sim.step():
        pass
    assert living.ended == "completed", living.ended
    sim.evict()
    return living.tasks
