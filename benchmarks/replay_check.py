"""What does the deploy gate cost? Against a bare Replayer in the same run, and on a server with a thousand open cases.

Claims: `check` reads at least 70 % of the events per CPU second that a bare Replayer does, which compares nothing; a
thousand open cases at their first gate are checked within 60 seconds on two cores; the memory of the checking processes
stays flat: what they held after the first third of the run they hold at its end, and a tenth.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from statistics import median

import psutil
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from benchmarks.rig import SEAWALL, rig
from replay import histories, reading
from replay.check import Verdict, check
from replay.histories import Recorded
from starter.sealing import data_converter
from tests.replay import corpus

SHARE = 0.7
WITHIN = 60.0  # seconds, for a thousand cases on two cores
THOUSAND = 1000
GROWTH = 1.1
SAMPLED_EVERY = 0.25  # seconds
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One figure with its limit; None where nothing is claimed. `at_least` turns the limit round."""

    name: str
    value: float
    limit: float | None = None
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Say whether the claim holds."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


async def speed(rounds: int) -> list[Claim]:
    """Replay the recorded histories bare and checked, A B A B, and compare events per CPU second."""
    runs = [histories.of_file(path) for path in histories.files([corpus.HISTORIES])]
    events = sum(len(run.events) for run in runs)
    bare, checked = [], []
    for turn in range(rounds + 1):  # the first one only warms up
        one, other = await _bare(runs), await _checked(runs)
        if turn:
            bare.append(events / one)
            checked.append(events / other)
    share = median(other / one for one, other in zip(bare, checked, strict=True))
    return [
        Claim(name="bare Replayer, events a CPU second", value=median(bare)),
        Claim(name="check, events a CPU second", value=median(checked)),
        Claim(name="check, share of the bare Replayer's", value=share, limit=SHARE, at_least=True),
    ]


async def _bare(runs: Sequence[Recorded]) -> float:
    async def given() -> AsyncIterator[WorkflowHistory]:
        for run in runs:
            yield run.history()

    began = time.process_time()
    with reading.quiet() as runtime:
        replayer = Replayer(
            workflows=list(reading.workflows()),
            workflow_runner=UnsandboxedWorkflowRunner(),
            namespace=corpus.NAMESPACE,
            data_converter=data_converter(corpus.ring(), corpus.NAMESPACE),
            runtime=runtime,
        )
        async with replayer.workflow_replay_iterator(given()) as results:
            assert all([result.replay_failure is None async for result in results])
    return time.process_time() - began


async def _checked(runs: Sequence[Recorded]) -> float:
    began = time.process_time()
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)
    with reading.quiet() as runtime:
        checking = check(
            runs, workflows=reading.workflows(), converter=converter, namespace=corpus.NAMESPACE, runtime=runtime
        )
        assert {each.verdict async for each in checking} == {Verdict.SAME}
    return time.process_time() - began


async def opened(cases: int, jobs: int) -> list[Claim]:
    """Open cases on a real server, check them all, and watch the memory of the processes that do."""
    async with rig() as here:
        async with here.worker(SEAWALL):
            await here.opened(SEAWALL, range(cases))
        words = ("-c", "from starter.cli import main; main()", "replay", "check", "--server", "--open", "--json")
        gate = await asyncio.create_subprocess_exec(
            sys.executable, *words, "--jobs", str(jobs), stdout=asyncio.subprocess.PIPE, env={**os.environ}
        )
        watching = asyncio.create_task(_watched(psutil.Process(gate.pid)))
        began = time.monotonic()
        said, _ = await gate.communicate()
        seconds = time.monotonic() - began
        seen = await watching
    summary = json.loads(said.splitlines()[-1])["summary"]
    assert summary["verdicts"] == {"same": cases}, summary
    thousand = THOUSAND / cases
    held = [sum(sample.values()) / MIB for sample in seen.memory if sample]
    early, late = median(held[len(held) // 3 : len(held) // 2]), median(held[-len(held) // 4 : -2])
    return [
        Claim(name="a thousand open cases, seconds", value=seconds * thousand, limit=WITHIN),
        Claim(name="a thousand open cases, CPU seconds", value=seen.cpu * thousand),
        Claim(name="events checked", value=summary["events"]),
        Claim(name="memory of the processes, MiB", value=late),
        Claim(name="memory at the end, times that after a third", value=late / early, limit=GROWTH),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """CPU seconds of the gate and its processes, and bytes by process each time they were looked at."""

    cpu: float
    memory: list[dict[int, int]]


async def _watched(gate: psutil.Process) -> Seen:
    used: dict[int, float] = {}
    memory: list[dict[int, int]] = []
    while gate.is_running() and gate.status() != psutil.STATUS_ZOMBIE:
        sample: dict[int, int] = {}
        try:
            for process in (gate, *gate.children()):
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
                if process is not gate:
                    sample[process.pid] = process.memory_info().rss
        except psutil.Error:  # it ended while it was looked at
            sample = {}
        memory.append(sample)
        await asyncio.sleep(SAMPLED_EVERY)
    return Seen(cpu=sum(used.values()), memory=memory)
