"""What does the deploy gate cost a history? At least 70 % of a bare Replayer's events a CPU second (issue 4)."""

import time
from statistics import median

from benchmarks.replay.figures import Figure
from benchmarks.replay.recorded import Bench, plain
from replay import reading
from replay.check import Verdict, check
from tests.replay import corpus

LEAST = 0.7


async def measured(here: Bench, rounds: int) -> list[Figure]:
    """Interleave bare replays, which compare nothing, and checks: whatever else the machine does falls on both."""
    bare, checked = [], []
    for turn in range(rounds + 1):  # the first one only warms up
        one, other = await plain(here), await _checked(here)
        if turn:
            bare.append(here.events / one)
            checked.append(here.events / other)
    share = median(ours / control for ours, control in zip(checked, bare, strict=True))
    return [
        Figure(name="check, events a CPU second", seawall=median(checked), control=median(bare)),
        Figure(name="check, share of a bare replay's events", seawall=share, control=1.0, least=LEAST),
    ]


async def _checked(here: Bench) -> float:
    began = time.process_time()
    checking = check(
        here.runs,
        workflows=reading.workflows(),
        converter=here.converter,
        namespace=corpus.NAMESPACE,
        runtime=here.runtime,
    )
    assert {each.verdict async for each in checking} == {Verdict.SAME}
    return time.process_time() - began
