"""What does it cost to see the state after every task of a run? At most twice a plain replay (issue 4)."""

import time
from statistics import median

from benchmarks.replay.figures import Figure
from benchmarks.replay.recorded import Bench, plain
from replay import frames, reading
from replay.travel import causes, changes, state
from tests.replay import corpus

MOST = 2.0


async def measured(here: Bench, rounds: int) -> list[Figure]:
    """Interleave plain replays and time travel: whatever else the machine does falls on both alike."""
    control, ours, words = [], [], []
    await plain(here)
    for _ in range(rounds):
        control.append(await plain(here))
        taken, told = await _travelled(here)
        ours.append(taken)
        words.append(taken + told)
    base = median(control)
    return [
        Figure(name="time travel, CPU ms an event", seawall=_each(ours, here), control=_each(control, here)),
        Figure(name="time travel, times a plain replay", seawall=median(ours) / base, control=1.0, most=MOST),
        Figure(name="time travel put into words, times a plain replay", seawall=median(words) / base, control=1.0),
    ]


async def _travelled(here: Bench) -> tuple[float, float]:
    """Take every frame of every history, then put all of them into words; return the CPU seconds of both."""
    began = time.process_time()
    filming = frames.of_runs(
        here.runs,
        workflows=reading.workflows(),
        converter=here.converter,
        namespace=corpus.NAMESPACE,
        runtime=here.runtime,
    )
    films = [film async for film in filming]
    assert all(film.whole and film.frames for film in films)
    taken = time.process_time() - began
    for film in films:
        before = state.of(None)
        for told in causes.told(film):
            after = state.of(told.frame)
            changes.between(before, after)
            before = after
    return taken, time.process_time() - began - taken


def _each(seconds: list[float], here: Bench) -> float:
    return 1000 * median(seconds) / here.events
