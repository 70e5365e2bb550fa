"""How are many cases tried at once? By as many processes as there are cores, each at one case; answers come in order.

What is done, and with what, is the caller's: `work` opens whatever a process needs and gives the function that answers
one item. A process that ends in the middle of an item costs that item, which is `Lost`, and is replaced. A process
knows its items only, so nothing of what is answered depends on how many there are.
"""

import os
import pickle
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import IO, Any, Final, TypeVar

from replay.__main__ import ROOT
from starter.errors import Problem

LEAVES_WITHIN: Final = 10.0  # seconds that a process has for ending once its output has
B = TypeVar("B")
I = TypeVar("I")  # noqa: E741  an item
O = TypeVar("O")  # noqa: E741  its answer
Work = Callable[[B], AbstractContextManager[Callable[[I], O]]]


@dataclass(frozen=True, slots=True)
class Lost:
    """The answer to an item whose process ended, and how that did."""

    how: str


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def answers(work: Work[B, I, O], brief: B, items: Sequence[I], *, processes: int) -> Generator[O | Lost]:
    """Give the answer to each item, in their order. Raises the first Problem in that order.

    With one process everything is done here, in this one. Closing this ends the others.
    """
    if processes <= 1:
        with work(brief) as answer:
            yield from map(answer, items)
        return
    crew = _Crew((work, brief), items)
    try:
        for _ in range(min(processes, len(items))):
            crew.hire()
        for place in range(len(items)):
            yield crew.answer(place)
    finally:
        crew.dismiss()


class _Crew:
    """The processes, what each of them is at, and the answers that are not their turn yet."""

    def __init__(self, begin: Any, items: Sequence[Any]) -> None:
        self._begin = begin
        self._items = items
        self._todo = deque(range(len(items)))
        self._held: dict[int, Any] = {}
        self._at: dict[IO[bytes], tuple[subprocess.Popen[bytes], int]] = {}
        self._heard = selectors.DefaultSelector()

    def hire(self) -> None:
        """Start one more process, if there is something to do."""
        if not self._todo:
            return
        process = subprocess.Popen(
            (sys.executable, "-m", "replay.whatif"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))},
        )
        assert process.stdout is not None
        self._heard.register(process.stdout, selectors.EVENT_READ)
        self._at[process.stdout] = process, -1
        _say(process, self._begin)
        self._hand_out(process)

    def _hand_out(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        if self._todo:
            place = self._todo.popleft()
            self._at[process.stdout] = process, place
            _say(process, self._items[place])
        else:
            self._leave(process.stdout)

    def answer(self, place: int) -> Any:
        """Wait for the answer to one item."""
        while place not in self._held:
            for key, _ in self._heard.select():
                self._hear(key.fileobj)  # type: ignore[arg-type]
        answer = self._held.pop(place)
        if isinstance(answer, Problem):
            raise answer
        return answer

    def _hear(self, pipe: IO[bytes]) -> None:
        process, place = self._at[pipe]
        try:
            fine, said = pickle.load(pipe)
        except (EOFError, pickle.UnpicklingError):
            self._held[place] = Lost(self._leave(pipe))
            self.hire()
            return
        if fine:
            self._held[place] = said
            self._hand_out(process)
        else:
            code, text, next_step, exit_code = said
            self._held[place] = Problem(code, text, next_step=next_step, exit_code=exit_code)
            self._leave(pipe)

    def _leave(self, pipe: IO[bytes]) -> str:
        """See a process end by itself, and say how."""
        process, _ = self._at.pop(pipe)
        self._heard.unregister(pipe)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        pipe.close()
        try:
            code = process.wait(LEAVES_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def dismiss(self) -> None:
        """End every process that is left, at once."""
        for pipe, (process, _) in self._at.items():
            process.kill()
            process.wait()
            pipe.close()
            with suppress(BrokenPipeError):
                process.stdin.close()  # type: ignore[union-attr]
        self._heard.close()


def _say(process: subprocess.Popen[bytes], what: Any) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # its end is noticed where it is heard
        pickle.dump(what, process.stdin)
        process.stdin.flush()


def main() -> None:
    """Be one of the processes: answer until the input ends. Ctrl-C is for who started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    said, asked = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)  # what the code that is tried prints is no answer
    code = 1
    try:
        work, brief = pickle.load(asked)
        with work(brief) as answer:
            while True:
                pickle.dump((True, answer(pickle.load(asked))), said)
                said.flush()
    except EOFError:
        code = 0
    except Problem as problem:
        pickle.dump((False, (problem.code, problem.text, problem.next_step, problem.exit_code)), said)
        said.flush()
        code = 0
    finally:
        os._exit(code)  # the SDK's core may abort an interpreter that exits on its own
