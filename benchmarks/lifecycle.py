"""Does the ordinary case keep its budget? Against a bare control with the same hands and updates, in one run, A B A B.

Limits (design section 10): worker CPU at most 1.3 times the control's; at most 140 events, 20 KB of history and 40
billed actions, everything that the case started included; at most 80 KiB of worker memory for each open case, with as
many cached as a worker caches by default. What a cached case takes stands beside it; most of that is the SDK's.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.rig import CONTROL, SEAWALL, Memory, Rig, Round, rig

KB, KIB = 1000, 1024
WARM_UP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `limit` is the most that `seawall` may be, None where nothing is claimed."""

    name: str
    seawall: float
    control: float
    limit: float | None

    @property
    def kept(self) -> bool:
        """Say whether the claim holds."""
        return self.limit is None or self.seawall <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much to measure."""

    rounds: int
    cases: int
    open: int
    warm: int


async def measured(wanted: Wanted) -> tuple[Figure, ...]:
    """Run everything once, and judge."""
    async with rig() as here:
        ours, control = await _rounds(here, wanted)
        first = 2 * (WARM_UP + wanted.rounds * wanted.cases)
        grown = []
        for kind in (SEAWALL, CONTROL) if wanted.open else ():
            numbers = range(first, first := first + wanted.open)
            _say(f"memory of {kind.workflow}: {wanted.open} cases at their first gate")
            grown.append(await here.memory(kind, numbers, wanted.warm))
    return (*_cpu_figures(ours, control), *_cost_figures(ours, control), *_memory_figures(*grown))


async def _rounds(here: Rig, wanted: Wanted) -> tuple[list[Round], list[Round]]:
    """Interleave: whatever else the machine does falls on both alike."""
    ours: list[Round] = []
    control: list[Round] = []
    async with here.worker(SEAWALL) as worker, here.worker(CONTROL) as other:
        both = ((SEAWALL, worker, ours), (CONTROL, other, control))
        first = 0
        for turn in range(wanted.rounds + 1):
            count = wanted.cases if turn else WARM_UP
            for kind, process, rounds in both:
                done = await here.round(kind, process, range(first, first := first + count))
                _say(f"{'round ' + str(turn) if turn else 'warm-up'}, {kind.workflow}: {1000 * done.cpu:.0f} ms a case")
                if turn:
                    rounds.append(done)
    return ours, control


def _cpu_figures(ours: Sequence[Round], control: Sequence[Round]) -> list[Figure]:
    one, other = median(each.cpu for each in ours), median(each.cpu for each in control)
    return [
        Figure(name="worker CPU, ms a case", seawall=1000 * one, control=1000 * other, limit=1300 * other),
        Figure(name="worker CPU, times the control's", seawall=one / other, control=1.0, limit=1.3),
    ]


def _cost_figures(ours: Sequence[Round], control: Sequence[Round]) -> list[Figure]:
    """Judge the worst case of all rounds; of what the server bills, the worst round."""
    names = (
        ("events", "events", 140.0),
        ("size", "history, bytes", 20.0 * KB),
        ("actions", "actions, by history", 40.0),
    )
    figures = [
        Figure(name=words, seawall=_worst(ours, field), control=_worst(control, field), limit=limit)
        for field, words, limit in names
    ]
    billed, beside = max(each.billed for each in ours), max(each.billed for each in control)
    return [
        *figures,
        Figure(name="actions, billed by the server", seawall=billed, control=beside, limit=40.0),
        Figure(name="actions that the two counts differ by", seawall=_apart(ours), control=_apart(control), limit=0.0),
    ]


def _memory_figures(ours: Memory | None = None, control: Memory | None = None) -> list[Figure]:
    if ours is None or control is None:
        return []
    opened, cached = "worker memory, KiB an open case", "worker memory, KiB a cached case"
    return [
        Figure(name=opened, seawall=ours.opened / KIB, control=control.opened / KIB, limit=80.0),
        Figure(name=cached, seawall=ours.cached / KIB, control=control.cached / KIB, limit=None),
    ]


def _worst(rounds: Sequence[Round], field: str) -> float:
    return float(max(getattr(cost, field) for each in rounds for cost in each.costs))


def _apart(rounds: Sequence[Round]) -> float:
    """Compare the server's bill with what histories show; heartbeats, of slow hands, are in no history."""
    shown = [sum(cost.actions for cost in each.costs) / len(each.costs) for each in rounds]
    return max(abs(round(each.billed - each.heartbeats - total, 3)) for each, total in zip(rounds, shown, strict=True))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _table(figures: Sequence[Figure]) -> str:
    head = f"{'':40}{'seawall':>10}{'control':>10}{'limit':>10}"
    rows = [
        f"{one.name:40}{one.seawall:10.2f}{one.control:10.2f}{_limit(one):>10}  {'' if one.kept else 'TOO MUCH'}"
        for one in figures
    ]
    return "\n".join((head, *(row.rstrip() for row in rows)))


def _limit(figure: Figure) -> str:
    return "-" if figure.limit is None else f"{figure.limit:.2f}"


def main() -> int:
    """Measure, print, and say 1 when a limit is passed."""
    parser = argparse.ArgumentParser(prog="benchmarks.lifecycle", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    parser.add_argument("--cases", type=int, default=12, help="cases a round (12)")
    parser.add_argument("--open", type=int, default=1300, help="open cases for the memory (1300); 0 leaves it out")
    parser.add_argument("--warm", type=int, default=150, help="how many of them only warm up (150)")
    told = parser.parse_args()
    wanted = Wanted(rounds=told.rounds, cases=told.cases, open=told.open, warm=told.warm)
    figures = asyncio.run(measured(wanted))
    rows = [asdict(one) | {"kept": one.kept} for one in figures]
    print(json.dumps({"kept": all(one.kept for one in figures), "figures": rows}) if told.json else _table(figures))
    return 0 if all(one.kept for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
