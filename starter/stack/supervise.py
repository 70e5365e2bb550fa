"""How are the parts kept alive, and stopped in order?"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starter.errors import UNAVAILABLE, Problem

PR_SET_PDEATHSIG = 1
READY_WITHIN = 60.0  # seconds
STOP_WITHIN = 15.0  # seconds
RESTARTS_IN_A_ROW = 5
STEADY_AFTER = 20.0  # seconds a part must live to be called steady again


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the stack. `ready` answers whether it serves; it is asked until it does."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)


Told = Callable[[str, str], None]


class Supervisor:
    """Starts parts in order, restarts one that dies, stops them in reverse order.

    A part cannot outlive this process: it asks the kernel to be killed when its parent dies (Linux), and the pid
    file lets the next start end what an older one left behind elsewhere.
    """

    def __init__(self, folder: Path, told: Told) -> None:
        self._folder = folder
        self._told = told
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False
        self.failed = asyncio.Event()

    async def start(self, part: Part) -> None:
        """Start a part and wait until it is ready. Raises Problem with the place of its log when it is not."""
        await self._spawn(part)
        await self._until_ready(part)
        self._told(part.name, "ready")
        self._keepers.append(asyncio.create_task(self._keep(part)))

    async def stop(self) -> None:
        """Stop all parts, last started first; a part that does not end in time is killed."""
        self._stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for name, process in reversed(self._running.items()):
            await _end(process)
            self._told(name, "stopped")
        self._running.clear()
        self._pids().unlink(missing_ok=True)

    def pid(self, name: str) -> int:
        """Return the process id of a part, for whoever wants to see it survive."""
        return self._running[name].pid

    async def _spawn(self, part: Part) -> None:
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{part.name}.log").open("ab") as log:
            self._running[part.name] = await asyncio.create_subprocess_exec(
                *part.argv,
                env={**os.environ, **part.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._pids().write_text("\n".join(str(one.pid) for one in self._running.values()))

    async def _until_ready(self, part: Part) -> None:
        process = self._running[part.name]
        for _ in range(int(READY_WITHIN / 0.1)):
            if process.returncode is not None:
                raise _not_ready(part, self._folder, f"ended with code {process.returncode}")
            if await part.ready():
                return
            await asyncio.sleep(0.1)
        raise _not_ready(part, self._folder, f"did not answer within {READY_WITHIN:.0f} s")

    async def _keep(self, part: Part) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            await self._running[part.name].wait()
            if self._stopping:
                return
            lived = asyncio.get_running_loop().time() - began
            failures = 1 if lived > STEADY_AFTER else failures + 1
            if failures > RESTARTS_IN_A_ROW:
                self._told(part.name, f"failed {failures - 1} times in a row; see {self._folder}/logs/{part.name}.log")
                self.failed.set()
                return
            self._told(part.name, "died; starting it again")
            await asyncio.sleep(0.2 * failures)
            await self._spawn(part)

    def _pids(self) -> Path:
        return self._folder / "stack.pids"


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _not_ready(part: Part, folder: Path, what: str) -> Problem:
    log = folder / "logs" / f"{part.name}.log"
    last = _last_line(log)
    return Problem(
        "part_not_ready",
        f"{part.name} {what}{': ' + last if last else ''}.",
        next_step=f"See {log}",
        exit_code=UNAVAILABLE,
    )


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:300] if lines else ""
