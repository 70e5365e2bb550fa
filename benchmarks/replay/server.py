"""What does the deploy gate cost a server's open cases? A thousand within 60 s on two cores, in flat memory (issue 4).

Flat: what the checking processes held after a third of the run they hold at its end, and a tenth. Wall time says
nothing on a machine that others use; CPU seconds stand beside it. `BENCH_OPEN_CASES` says how many cases (1000).
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from statistics import median

import psutil

from benchmarks.replay.figures import Figure
from benchmarks.replay.recorded import Bench
from benchmarks.rig import SEAWALL, rig

CASES, PROCESSES = 1000, 2
WITHIN = 60.0  # seconds, for a thousand cases
GROWTH = 1.1
LOOK_EVERY = 0.25  # seconds
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """CPU seconds of the gate and its processes, and the bytes that the processes held at each look."""

    cpu: float
    held: list[int]


async def measured(_here: Bench, _rounds: int) -> list[Figure]:
    """Open cases on a real server, check them all, and watch the processes that do."""
    cases = int(os.environ.get("BENCH_OPEN_CASES", CASES))
    async with rig() as here:
        async with here.worker(SEAWALL):
            await here.opened(SEAWALL, range(cases))
        print(f"server: {cases} cases stand at their first gate", file=sys.stderr, flush=True)
        seconds, seen, summary = await _gated()
    assert summary["verdicts"] == {"same": cases}, summary
    early, late = _held(seen)
    thousand = 1000 / cases
    return [
        Figure(name="a thousand open cases, seconds", seawall=seconds * thousand, most=WITHIN),
        Figure(name="a thousand open cases, CPU seconds", seawall=seen.cpu * thousand),
        Figure(name="events of them", seawall=summary["events"] * thousand),
        Figure(name="memory of the processes at the end, MiB", seawall=late / MIB, control=early / MIB),
        Figure(name="memory at the end, times that after a third", seawall=late / early, most=GROWTH),
    ]


async def _gated() -> tuple[float, Seen, dict[str, int]]:
    words = ("-c", "from starter.cli import main; main()", "replay", "check", "--server", "--open", "--json")
    began = time.monotonic()
    gate = await asyncio.create_subprocess_exec(
        sys.executable, *words, "--jobs", str(PROCESSES), stdout=asyncio.subprocess.PIPE, limit=64 * MIB
    )
    watching = asyncio.create_task(_watched(psutil.Process(gate.pid)))
    said, _ = await gate.communicate()
    seconds = time.monotonic() - began
    return seconds, await watching, json.loads(said.splitlines()[-1])["summary"]


async def _watched(gate: psutil.Process) -> Seen:
    used: dict[int, float] = {}
    held: list[int] = []
    while gate.is_running() and gate.status() != psutil.STATUS_ZOMBIE:
        try:
            times = gate.cpu_times()
            used[gate.pid] = times.user + times.system
            held.append(_judges(gate, used))
        except psutil.Error:  # one ended while it was looked at
            pass
        await asyncio.sleep(LOOK_EVERY)
    return Seen(cpu=sum(used.values()), held=held)


def _judges(gate: psutil.Process, used: dict[int, float]) -> int:
    """Add up what the checking processes hold, and note their CPU seconds."""
    total = 0
    for process in gate.children():
        times = process.cpu_times()
        used[process.pid] = times.user + times.system
        total += process.memory_info().rss
    return total


def _held(seen: Seen) -> tuple[float, float]:
    """Say how much they held after a third of the run, and in its last quarter."""
    held = [each for each in seen.held if each > 0][:-2]  # before the first begins, and while the last one ends
    third = len(held) // 3
    return median(held[third : third + max(third // 4, 4)]), median(held[-max(third // 2, 4) :])
