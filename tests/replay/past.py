"""What do the tests of the console look back at? A recorded case, lived again for real."""

from dataclasses import dataclass, field
from typing import Any

from replay import histories, reading
from replay.travel.journey import Journey, travelled
from starter.sealing import data_converter
from tests.replay import corpus


async def recorded(name: str) -> Journey:
    """The journey of a recorded case."""
    with reading.quiet() as runtime:
        return await travelled(
            [histories.of_file(corpus.HISTORIES / f"{name}.json.gz")],
            workflows=reading.workflows(),
            converter=data_converter(corpus.ring(), corpus.NAMESPACE),
            namespace=corpus.NAMESPACE,
            runtime=runtime,
        )


@dataclass
class Recalled:
    """Looks back at one recorded case instead of asking a server; its replay is real."""

    journey: Journey
    asked: list[str] = field(default_factory=list)

    async def of(self, client: Any, case_id: str) -> Journey:
        self.asked.append(case_id)
        return self.journey
