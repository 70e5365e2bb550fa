"""What does it cost to try a rulebook on a case, and is every generated case told again exactly?

Limit (issue 4): at most 5 ms of CPU a case. The control, in the same run, is the SDK's own replayer over a recorded
case: its CPU a workflow task says how fast this machine is today.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

import rulebook
from replay import histories, reading
from replay.simulation.instance import alone
from replay.whatif import trial
from replay.whatif.identity import deviation
from replay.whatif.people import sayings
from replay.whatif.retold import retold
from replay.whatif.rules import Rules
from rulebook.calendars import Calendars
from starter.sealing import data_converter
from tests.replay import corpus
from tests.replay.generated import generated

MOST_MS = 5.0
CASES = 1000
CONTROL = "ordinary.json.gz"


@dataclass(kw_only=True)
class Clock:
    """CPU seconds by name."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Count what is spent meanwhile."""
        began = time.process_time()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.process_time() - began


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; `limit` is the most it may be, None where nothing is claimed."""

    name: str
    value: float
    limit: float | None = None

    @property
    def kept(self) -> bool:
        """Say whether the claim holds."""
        return self.limit is None or self.value <= self.limit


class Timed(Rules):
    """Rules whose answers are timed."""

    def __init__(self, calendars: Calendars, clock: Clock) -> None:
        super().__init__(calendars)
        self._clock = clock

    def answer(self, *told: Any) -> Any:
        """Answer, and count the time."""
        with self._clock.on("policy"):
            return super().answer(*told)


def measured(number: int, first: int) -> list[Figure]:
    """Try the shipped rules, under another name, on so many generated cases."""
    clock, book = Clock(), rulebook.load()
    rules, plain = Timed(Calendars(), clock), Rules(Calendars())
    classes = {one.__name__: one for one in reading.workflows()}
    candidate = replace(book, version="2026.11-candidate")
    deviant = tasks = changed = 0
    for case in range(first, first + number):
        with alone():
            trace, _, values = generated(case, plain, book, classes)
            with clock.on("told again"):
                telling = retold(trace, rules, lambda _version: book, values, classes)
                found = deviation(trace, telling)
            deviant += found is not None
            if found is not None:
                print(f"case {case}: {found.line()}", file=sys.stderr)
                continue
            tasks += sum(run.tasks for run in telling.life.runs)
            on = trial.Bench(recorded=values, find=lambda _version: book, classes=classes, rules=rules)
            with clock.on("candidate"):
                said = sayings(trace, telling.watcher, telling.values)
                life, _ = trial.otherwise(trace, on, candidate, said, telling.values, 1.0)
            before, after = telling.life.file, life.file
            changed += before is None or after is None or before.closed_at != after.closed_at
    lives = {name: 1000 * clock.spent.get(name, 0.0) / number for name in ("told again", "candidate", "policy")}
    control = asyncio.run(_control())
    per_task = lives["told again"] / (tasks / number) if tasks else 0.0
    return [
        Figure(name="cases not told again exactly", value=deviant, limit=0),
        Figure(name="cases that the same rules changed", value=changed, limit=0),
        Figure(name="one life, ms", value=lives["candidate"], limit=MOST_MS),
        Figure(name="identity check, ms", value=lives["told again"]),
        Figure(name="policy's own code in both, ms", value=lives["policy"]),
        Figure(name="tasks a life", value=tasks / number),
        Figure(name="the SDK's replay, ms a task", value=control),
        Figure(name="a simulated task against a replayed one", value=per_task / control, limit=1.0),
    ]


async def _control() -> float:
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    figures = measured(told.cases, told.first)
    if told.json:
        print(json.dumps([asdict(one) for one in figures]))
    else:
        for one in figures:
            limit = f"  (at most {one.limit:g})" if one.limit is not None else ""
            print(f"{one.name:45}{one.value:10.3f}{limit}{'' if one.kept else '  NOT KEPT'}")
    return 0 if all(one.kept for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
