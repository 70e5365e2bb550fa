"""What does one generated case cost, and what comes of it? Measured in whichever process tries it."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import rulebook
from benchmarks.whatif.floor import bare_life
from escalations.rulebook import Rulebook
from replay import reading
from replay.simulation.instance import alone
from replay.simulation.traces import Trace
from replay.simulation.values import Values
from replay.whatif import trial
from replay.whatif.identity import deviation
from replay.whatif.retold import retold
from replay.whatif.rules import Rules
from replay.whatif.trial import Bench, Tried
from replay.whatif.trying import tidied
from rulebook.calendars import Calendars
from tests.replay.generated import generated
from tests.replay.known_changes import BOOK, CHANGES, Case

NOTHING, FLOOR, IDENTITY = "nothing", "floor", "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Of how many cases one is tried with the three known changes too."""

    every: int


@dataclass(slots=True, kw_only=True)
class Measured:
    """One case: CPU seconds by what was done, how many tasks it has, what is wrong with it.

    `deviates` is "" for a case that is told again exactly. `touched` and `wrong` name known changes; `compared` those
    whose answer could be computed for this case. `peak` is the most memory that `process` has held so far, in the
    system's unit.
    """

    number: int
    process: int = field(default_factory=os.getpid)
    peak: int = 0
    tasks: int = 0
    deviates: str = ""
    changed: bool = False
    spent: dict[str, float] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def _on(spent: dict[str, float], name: str) -> Iterator[None]:
    began = time.process_time()
    try:
        yield
    finally:
        spent[name] = spent.get(name, 0.0) + time.process_time() - began


@contextmanager
def measuring(brief: Brief) -> Iterator[Callable[[int], Measured]]:
    """Open rules and rulebooks, and give the function that measures one case."""
    bench = _Bench()
    bench.measured(0, known=True)  # what is worked out once of a rulebook is not counted
    with tidied() as tidy:

        def measured(number: int) -> Measured:
            found = bench.measured(number, known=number % brief.every == 0)
            tidy()
            return found

        yield measured


class _Bench:
    def __init__(self) -> None:
        self._rules = Rules(Calendars())
        self._book = rulebook.load()
        self._same = replace(self._book, version="2026.11-candidate")
        self._classes = {one.__name__: one for one in reading.workflows()}

    def _on(self, book: Rulebook, values: Values) -> Bench:
        return Bench(recorded=values, find=lambda _version: book, classes=self._classes, rules=self._rules)

    def measured(self, number: int, *, known: bool) -> Measured:
        """Measure a case under the shipped rules, and under the known changes if it is one of those."""
        found = Measured(number=number)
        with alone():
            trace, _, values = generated(number, self._rules, self._book, self._classes)
            self._identity(found, trace, values)
            with _on(found.spent, FLOOR):
                bare_life(max(found.tasks, 2))
        told = self._tried(found, NOTHING, trace, self._on(self._book, values), self._same)
        found.deviates = told.left_out.line() if told.left_out else ""
        found.changed = any(one.changes or one.misses for one in told.effects)
        if known:
            self._known(found)
        found.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return found

    def _identity(self, found: Measured, trace: Trace, values: Values) -> None:
        with _on(found.spent, IDENTITY):
            telling = retold(trace, self._rules, lambda _version: self._book, values, self._classes)
            deviation(trace, telling)
        found.tasks = sum(run.tasks for run in telling.life.runs)

    def _tried(self, found: Measured, name: str, trace: Trace, on: Bench, candidate: Rulebook) -> Tried:
        with _on(found.spent, name):
            return trial.tried(trace, on, candidate)

    def _known(self, found: Measured) -> None:
        with alone():
            case = Case(*generated(found.number, self._rules, BOOK, self._classes))
        for change in CHANGES:
            told = self._tried(found, change.name, case.trace, self._on(BOOK, case.values), change.candidate)
            if told.left_out is not None:
                found.wrong.append(change.name)
                continue
            if told.effects[0].changes:
                found.touched.append(change.name)
            differs = change.differs(case, told.effects[0])
            if differs is not None:
                found.compared.append(change.name)
            if differs:
                found.wrong.append(change.name)
