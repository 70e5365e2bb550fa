"""What does the casebook of a fork say? What the case itself had written until then, taken from its own history.

History keeps only that something was written, not what. A replay writes it again, entry by entry.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.worker import Replayer

from escalations.record import Batch, Card, GateCard
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


def answers(card: Card | None) -> tuple[str, ...]:
    """Say how each open question would be agreed to, in words of `seawall decide`: gate, option, person, role."""
    undecided = [shown for shown in card.gates if shown.outcome is None] if card else []
    return tuple(
        f"{shown.gate.id.rsplit('/', 1)[-1]} {shown.gate.recommended} --as {person} --role {role}"
        for shown in undecided
        for role, person in _agreeing(shown)
    )


def _agreeing(shown: GateCard) -> list[tuple[str, str]]:
    """Choose as many persons as are still asked for, required seats first; each speaks once."""
    gate, heard = shown.gate, {vote.person for vote in shown.votes}
    spoken = {vote.role for vote in shown.votes}
    chosen: list[tuple[str, str]] = []
    for seat in sorted(gate.seats, key=lambda seat: not seat.required):
        free = [person for person in seat.persons if person not in heard and person not in gate.excluded]
        wanted = seat.required or len(shown.votes) + len(chosen) < gate.quorum
        if wanted and free and seat.role not in spoken:
            heard.add(free[0])
            chosen.append((seat.role, free[0]))
    return chosen


def _taping(tapes: list[Tape]) -> Watch:
    return lambda instance, det: tapes.append(taped(instance, det))


def _batches(tapes: Sequence[Tape], values: SealedPayloadConverter) -> list[Batch]:
    found = []
    for command in (given.command for tape in tapes for given in tape.commands):
        for said in (command.schedule_local_activity, command.schedule_activity):
            if said.activity_type == RECORD:
                found.append(values.from_payload(said.arguments[0], Batch))
    return found
