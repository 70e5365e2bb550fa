"""Who works in a fork? A process of its own: its environment is nearly empty, and Python may not connect to anything.

Started as `python -m replay.forking.life FOLDER`. Temporal is reached by the SDK's core, whose address this process
was given; every other connection is refused by the interpreter itself.
"""

import asyncio
from pathlib import Path

import rulebook.calendars
from activities.casebook import Casebook
from activities.clients.evidence import open_evidence
from activities.evidence import EvidenceRoom
from activities.policy import Policy
from replay import histories, reading
from replay.forking.hands import Hands, recorded
from replay.forking.way_out import shut
from starter import connect, rules, sealing
from starter.sandbox import runner
from starter.settings import Settings
from starter.stack import process
from store.engine import open_engine
from store.ledger import Ledger
from workflows import options

SOURCE = "source"
READY = "worker.ready"


async def live(told: Settings, stop: asyncio.Event) -> None:
    """Work for the fork in `told.home` until told to stop."""
    from temporalio.worker import Worker

    shut()
    engine = open_engine(told.database_url)
    client = await connect.connect(told)
    runs = [histories.of_file(path) for path in histories.files([told.home / SOURCE])]
    answers = await recorded(runs, sealing.data_converter(told, client.namespace), client.namespace)
    policy = Policy(rules.all_of(told), rulebook.calendars.Calendars())
    hands = Hands(answers, policy, EvidenceRoom(open_evidence(told.evidence_url)))
    async with Worker(
        client,
        task_queue=options.TASK_QUEUE,
        workflows=list(reading.workflows()),
        activities=[*hands.activities(), Casebook(Ledger(engine)).record],
        workflow_runner=runner(),
    ):
        await asyncio.to_thread(_ready, told.home / READY)
        await stop.wait()
    await engine.dispose()


def _ready(file: Path) -> None:
    file.write_text("ready")


if __name__ == "__main__":
    process.live(live)
