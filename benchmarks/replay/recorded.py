"""Which histories is everything measured on? The recorded ones, with what a replay of them needs."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from replay import histories, reading
from replay.histories import Recorded
from starter.sealing import data_converter
from tests.replay import corpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The histories of the corpus, its keys and a quiet runtime."""

    runs: tuple[Recorded, ...]
    converter: DataConverter
    runtime: Runtime

    @property
    def events(self) -> int:
        """How many events there are in all."""
        return sum(len(run.events) for run in self.runs)


def bench(runtime: Runtime) -> Bench:
    """Read the corpus."""
    runs = [histories.of_file(path) for path in histories.files([corpus.HISTORIES])]
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)
    return Bench(runs=tuple(runs), converter=converter, runtime=runtime)


async def plain(here: Bench) -> float:
    """Replay everything with the SDK's Replayer alone; return the CPU seconds of the process."""

    async def given(runs: Sequence[Recorded]) -> AsyncIterator[WorkflowHistory]:
        for run in runs:
            yield run.history()

    runner = UnsandboxedWorkflowRunner()
    began = time.process_time()
    replayer = Replayer(
        workflows=reading.workflows(),
        workflow_runner=runner,
        unsandboxed_workflow_runner=runner,
        namespace=corpus.NAMESPACE,
        data_converter=here.converter,
        runtime=here.runtime,
    )
    replayed = await replayer.replay_workflows(given(here.runs), raise_on_replay_failure=True)
    assert not replayed.replay_failures
    return time.process_time() - began
