"""What do the processes of a test do? Small things that end well or badly, named by the item."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starter.errors import Problem


@contextmanager
def doubling(brief: str) -> Iterator[Callable[[str], str]]:
    """Say each item twice, or do what it says. `brief` is a folder: each process leaves its id there."""
    (Path(brief) / str(os.getpid())).touch()

    def answer(item: str) -> str:
        word, _, value = item.partition(" ")
        if word == "wait":
            time.sleep(float(value))
        if word == "exit":
            os._exit(int(value))
        if word == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "refuse":
            raise Problem("refused", f"{value} is refused.", next_step="Ask for less.", exit_code=5)
        if word == "print":
            print(value)
        return item + item

    yield answer


@contextmanager
def unwilling(brief: str) -> Iterator[Callable[[str], str]]:
    """Cannot even begin."""
    raise RuntimeError(brief)
    yield str
