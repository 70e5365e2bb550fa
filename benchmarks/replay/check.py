"""What does the deploy gate cost a history? At least 70 % of a bare Replayer's events a CPU second (issue 4)."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.replay.figures import Figure
from benchmarks.replay.recorded import Bench, plain
from replay import reading, states
from replay.check import Verdict, check
from replay.histories import Recorded
from tests.replay import corpus

LEAST = 0.7
LEAST_WITH_STATES = 0.6  # the state is asked for after each task, as in time travel


async def measured(here: Bench, rounds: int) -> list[Figure]:
    """Interleave bare replays, which compare nothing, and checks: whatever else the machine does falls on both."""
    bare, checked, compared = [], [], []
    kept = [states.with_states(run, Path(run.origin)) for run in here.runs]
    for turn in range(rounds + 1):  # the first one only warms up
        one, other, third = await plain(here), await _checked(here, here.runs), await _checked(here, kept)
        if turn:
            bare.append(here.events / one)
            checked.append(here.events / other)
            compared.append(here.events / third)
    share, whole = (
        median(ours / control for ours, control in zip(each, bare, strict=True)) for each in (checked, compared)
    )
    return [
        Figure(name="check, events a CPU second", seawall=median(checked), control=median(bare)),
        Figure(name="check, share of a bare replay's events", seawall=share, control=1.0, least=LEAST),
        Figure(name="check with kept states, share of the same", seawall=whole, control=1.0, least=LEAST_WITH_STATES),
    ]


async def _checked(here: Bench, runs: Sequence[Recorded]) -> float:
    began = time.process_time()
    checking = check(
        runs,
        workflows=reading.workflows(),
        converter=here.converter,
        namespace=corpus.NAMESPACE,
        runtime=here.runtime,
    )
    assert {each.verdict async for each in checking} == {Verdict.SAME}
    return time.process_time() - began
