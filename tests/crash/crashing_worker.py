"""How does a worker die at a named place, exactly once, and come back?

`python -m tests.crash.crashing_worker --folder F --points plan_case:pre,enforce:post` keeps one real worker alive.
The worker kills itself with SIGKILL the first time it reaches a point; a marker file made with O_EXCL keeps it from
dying there again. The keeper forks the next one from its own warm interpreter: it never opens a connection or starts a
thread itself, so every worker begins as fresh as a new process, without the seconds that imports take.
"""

import argparse
import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Worker,
)

import worker as composition
from starter import connect, logs, settings
from starter.stack.supervise import _die_with_parent as die_with_parent
from store.engine import open_engine
from workflows import options

PRE, POST = "pre", "post"
READY = "ready"
NOTICED_WITHIN = timedelta(seconds=2)
AT_ONCE = RetryPolicy(initial_interval=timedelta(milliseconds=200))


class Crashing(Interceptor):
    """Wraps every activity of a worker, local ones too, with its two boundaries."""

    def __init__(self, folder: Path, points: Sequence[str]) -> None:
        self.folder, self.points = folder, frozenset(points)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Stand before and behind the activity."""
        return Boundaries(next, self)

    def at(self, point: str) -> None:
        """Die here, unless this point is not wanted or was died at before."""
        if point not in self.points:
            return
        try:
            os.close(os.open(self.folder / point, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


class Boundaries(ActivityInboundInterceptor):
    """`pre`: the activity was asked for and has done nothing. `post`: it has done all and nobody was told."""

    def __init__(self, next: ActivityInboundInterceptor, crashing: Crashing) -> None:
        super().__init__(next)
        self.crashing = crashing

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Run the activity between its boundaries."""
        name = activity.info().activity_type
        self.crashing.at(f"{name}:{PRE}")
        result = await self.next.execute_activity(input)
        if getattr(result, "count", 1):  # a notice that reached nobody has done nothing that could be done twice
            self.crashing.at(f"{name}:{POST}")
        return result


def hurry() -> None:
    """Let the server notice a dead worker in seconds. How long is not what is tried here; whether it comes right is."""
    for quiet in (options.EVIDENCE, options.PAGING, options.CHAT, options.TELL_CASE):
        quiet.update({"start_to_close_timeout": NOTICED_WITHIN, "retry_policy": AT_ONCE})
    for beating in (options.SEARCH, options.ENFORCEMENT, options.REGULATOR, options.MAIL, options.ARCHIVE):
        beating.update({"heartbeat_timeout": NOTICED_WITHIN, "retry_policy": AT_ONCE})


async def work(crashing: Crashing) -> None:
    """Work as `worker.run` does, with the boundaries, until told to stop."""
    told = settings.load()
    logs.configure("json", "warning")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = open_engine(told.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        client = await connect.connect(told)
        async with Worker(
            client,
            task_queue=options.TASK_QUEUE,
            workflows=list(composition.WORKFLOWS),
            activities=await composition.hands(told, client, engine, stack),
            workflow_runner=composition.runner(),
            interceptors=[crashing],
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=0.5),
        ):
            (crashing.folder / READY).touch()
            await stop.wait()


def born(crashing: Crashing) -> int:
    """Fork a worker and return its pid. In the new process this never returns."""
    pid = os.fork()
    if pid:
        return pid
    ended = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            die_with_parent()
        asyncio.run(work(crashing))
        ended = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(ended)  # nothing of the keeper is this process's to clean up


def main() -> None:
    """Keep a worker alive until SIGTERM; note every life in `lives`, one pid a line. A worker may only be killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--points", default="")
    given = parser.parse_args()
    hurry()
    crashing = Crashing(given.folder, given.points.split(","))
    running: list[int] = []
    stopping: list[bool] = []

    def stop(*_: object) -> None:
        stopping.append(True)
        for pid in running:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while not stopping:
        running[:] = [born(crashing)]
        with (given.folder / "lives").open("a") as lives:
            lives.write(f"{running[0]}\n")
        if stopping:  # told so while nobody was there to be told
            os.kill(running[0], signal.SIGTERM)
        _, status = os.waitpid(running[0], 0)
        running.clear()
        if not stopping and os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit("a worker ended by itself; its reason is above")


if __name__ == "__main__":
    main()
