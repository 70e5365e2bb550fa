"""What does the casebook of a fork say? What the case itself had written until then, taken from its own history.

History keeps only that something was written, not what. A replay writes it again, entry by entry.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.worker import Replayer

from escalations.record import Batch
from replay.histories import Recorded
from replay.tape import Tape, taped
from starter.sandbox import Watch, WatchedRunner
from starter.sealing import SealedPayloadConverter
from store.ledger import Ledger

RECORD = "record"


async def retold(
    runs: Sequence[Recorded],
    ledger: Ledger,
    *,
    workflows: Sequence[type],
    converter: DataConverter,
    namespace: str,
    runtime: Runtime,
) -> int:
    """Write what the runs had written into another casebook, oldest run first. Return how many entries."""
    written = 0
    values = SealedPayloadConverter()
    with ThreadPoolExecutor(max_workers=1) as executor:
        for run in runs:
            tapes: list[Tape] = []
            runner = WatchedRunner(_taping(tapes))
            replayer = Replayer(
                workflows=list(workflows),
                workflow_runner=runner,
                unsandboxed_workflow_runner=runner,
                namespace=namespace,
                data_converter=converter,
                runtime=runtime,
                workflow_task_executor=executor,
            )
            if len(run.events) > 1:
                await replayer.replay_workflow(run.history(), raise_on_replay_failure=False)
            for batch in _batches(tapes, values):
                await ledger.append(batch)
                written += len(batch.entries)
    return written


def _taping(tapes: list[Tape]) -> Watch:
    return lambda instance, det: tapes.append(taped(instance, det))


def _batches(tapes: Sequence[Tape], values: SealedPayloadConverter) -> list[Batch]:
    found = []
    for command in (given.command for tape in tapes for given in tape.commands):
        for said in (command.schedule_local_activity, command.schedule_activity):
            if said.activity_type == RECORD:
                found.append(values.from_payload(said.arguments[0], Batch))
    return found
