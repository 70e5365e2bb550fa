"""What does it cost to try a rulebook on a case, is every generated case told again exactly, are known answers found?

Wished for (issue 4): at most 5 ms of CPU a case. That is below what the SDK's own instance costs for as many tasks of a
workflow that does nothing, which is measured in the same run, case by case; so it is shown, and what is claimed is the
ratio to that floor. The other control is the SDK's replayer over a recorded case.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from benchmarks.whatif.case import FLOOR, IDENTITY, NOTHING, Brief, Measured, measuring
from replay import histories, reading
from replay.whatif import crew
from replay.whatif.crew import Lost
from starter.sealing import data_converter
from tests.replay import corpus
from tests.replay.known_changes import CHANGES

WISHED_MS = 5.0
MOST_FLOORS = 6.0
MOST_GROWTH, WARM = 1.25, 0.2  # memory of a process at its end against after this share of its cases
LEAST_COMPARED = 4  # one case of so many has something to compare in each change
CASES, EVERY = 1000, 10
CONTROL = "ordinary.json.gz"
SAY_EVERY = 10.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; `limit` is the most it may be, `least` the least, `wish` what was asked for and is not claimed."""

    name: str
    value: float
    limit: float | None = None
    least: float | None = None
    wish: float | None = None

    @property
    def kept(self) -> bool:
        """Say whether the claim holds."""
        return (self.limit is None or self.value <= self.limit) and (self.least is None or self.value >= self.least)

    def line(self) -> str:
        """Write it on one line."""
        limit = f"  (at most {self.limit:g})" if self.limit is not None else ""
        wish = f"  (wished: at most {self.wish:g})" if self.wish is not None else ""
        least = f"  (at least {self.least:g})" if self.least is not None else ""
        return f"{self.name:58}{self.value:10.3f}{limit}{least}{wish}{'' if self.kept else '  NOT KEPT'}"


def measured(first: int, number: int, every: int, jobs: int) -> list[Measured]:
    """Try so many generated cases in as many processes. Raises RuntimeError for a process that ended."""
    found: list[Measured] = []
    numbers = range(first, first + number)
    said = time.monotonic()
    with closing(crew.answers(measuring, Brief(every=every), numbers, processes=jobs)) as answers:
        for case, one in zip(numbers, answers, strict=True):
            if isinstance(one, Lost):
                raise RuntimeError(f"the process at case {case} ended with {one.how}")
            found.append(one)
            if one.deviates:
                print(f"case {case}: {one.deviates}", file=sys.stderr)
            if one.wrong:
                print(f"case {case}: not as computed: {', '.join(one.wrong)}", file=sys.stderr)
            if time.monotonic() - said >= SAY_EVERY:
                said = time.monotonic()
                print(f"{len(found)} of {number} cases", file=sys.stderr)
    return found


def figures(found: Sequence[Measured], control: float) -> list[Figure]:
    """Put the cases together. `control` is what the SDK's replayer takes for one task, in milliseconds."""
    identity, floor, nothing = (_ms(found, name) for name in (IDENTITY, FLOOR, NOTHING))
    tasks = sum(one.tasks for one in found) / len(found)
    return [
        Figure(name="cases", value=len(found)),
        Figure(name="cases not told again exactly", value=sum(bool(one.deviates) for one in found), limit=0),
        Figure(name="cases that the same rules changed", value=sum(one.changed for one in found), limit=0),
        Figure(name="tasks a life", value=tasks),
        Figure(name="a case that the candidate does not touch, ms", value=nothing, wish=WISHED_MS),
        Figure(name="its identity check alone, ms", value=identity),
        Figure(name="the floor: as many empty tasks, ms", value=floor, wish=WISHED_MS),
        Figure(name="such a case, in floors", value=nothing / floor, limit=MOST_FLOORS),
        Figure(name="the SDK's replayer, ms a task", value=control),
        Figure(name="a simulated task against a replayed one", value=identity / tasks / control, limit=1.0),
        Figure(name="memory at the end against after a fifth of the cases", value=_growth(found), limit=MOST_GROWTH),
        *(figure for change in CHANGES for figure in _of_change(found, change.name)),
    ]


def _of_change(found: Sequence[Measured], name: str) -> list[Figure]:
    tried = [one for one in found if name in one.spent]
    if not tried:
        return []
    return [
        Figure(name=f"{name}: a case, ms", value=_ms(tried, name), wish=WISHED_MS),
        Figure(name=f"{name}: share of cases touched", value=sum(name in one.touched for one in tried) / len(tried)),
        Figure(
            name=f"{name}: cases whose answer was computed",
            value=sum(name in one.compared for one in tried),
            least=len(tried) // LEAST_COMPARED,
        ),
        Figure(name=f"{name}: cases not as computed", value=sum(name in one.wrong for one in tried), limit=0),
    ]


def _growth(found: Sequence[Measured]) -> float:
    """Say how much the memory of the process that grew most has grown."""
    peaks: dict[int, list[int]] = {}
    for one in found:
        peaks.setdefault(one.process, []).append(one.peak)
    return max(one[-1] / one[int(len(one) * WARM)] for one in peaks.values())


def _ms(found: Sequence[Measured], name: str) -> float:
    return 1000 * sum(one.spent[name] for one in found) / len(found)


async def replayed() -> float:
    """Replay a recorded case with nothing but the SDK, and take the CPU of one task in milliseconds."""
    run = histories.of_file(corpus.HISTORIES / CONTROL)
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)
    tasks = sum(event.HasField("workflow_task_completed_event_attributes") for event in run.events)
    tasks += sum(event.HasField("marker_recorded_event_attributes") for event in run.events)
    runner = UnsandboxedWorkflowRunner()
    with reading.quiet() as runtime:
        replayer = Replayer(
            workflows=list(reading.workflows()),
            workflow_runner=runner,
            unsandboxed_workflow_runner=runner,
            data_converter=converter,
            runtime=runtime,
        )
        await replayer.replay_workflow(run.history())
        began = time.process_time()
        for _ in range(10):
            await replayer.replay_workflow(run.history())
        spent = time.process_time() - began
        await asyncio.sleep(0.3)
    return 1000 * spent / 10 / tasks


def main() -> int:
    """Measure, print, and fail above a limit."""
    parser = argparse.ArgumentParser(prog="benchmarks.whatif", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=EVERY, help="every so many cases the known changes are tried too")
    parser.add_argument("--jobs", type=int, default=crew.cores())
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    shown = figures(measured(told.first, told.cases, told.every, told.jobs), asyncio.run(replayed()))
    if told.json:
        print(json.dumps([asdict(one) | {"kept": one.kept} for one in shown]))
    else:
        print("\n".join(one.line() for one in shown))
    return 0 if all(one.kept for one in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
