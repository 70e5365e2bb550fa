"""How does the whole stack run until Ctrl-C?"""

import asyncio
import contextlib
import signal
from pathlib import Path

import psutil

from starter.errors import CANNOT_WRITE, UNAVAILABLE, Problem
from starter.stack import address
from starter.stack.parts import Stack, all_parts
from starter.stack.ports import check_free
from starter.stack.supervise import Supervisor, Told

ORPHANED = (0, 1)  # whose parent has died belongs to init
OURS = ("start-dev", "standins", "worker", "starter.stack.web")


async def run(stack: Stack, told: Told, *, ready: asyncio.Event | None = None) -> int:
    """Start every part, keep them alive, stop them on SIGINT or SIGTERM. Return the exit code."""
    prepare(stack)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    supervisor = Supervisor(stack.home, told)
    try:
        await start(supervisor, stack, stop)
        if not stop.is_set():
            _say_where(stack, told)
            address.leave(stack.home, stack.env())
            if ready is not None:
                ready.set()
            await _first(stop, supervisor.failed)
    finally:
        await supervisor.stop()
        address.withdraw(stack.home)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return UNAVAILABLE if supervisor.failed.is_set() else 0


async def start(supervisor: Supervisor, stack: Stack, stop: asyncio.Event) -> None:
    """Start the parts one after the other, unless told to stop meanwhile."""
    for part in all_parts(stack):
        starting = asyncio.create_task(supervisor.start(part))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            starting.cancel()
            return
        await starting


def prepare(stack: Stack) -> None:
    """Make the state folder, end what a killed stack left behind, and check the ports."""
    try:
        stack.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = stack.home / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"the state folder {stack.home} cannot be written ({error.strerror}).",
            next_step="Choose another with --home FOLDER or SEAWALL_HOME.",
            exit_code=CANNOT_WRITE,
        ) from None
    _end_leftovers(stack.home / "stack.pids")
    check_free(stack.ports)


def alive(pids: Path) -> bool:
    """Say whether the stack that wrote a pid file still has a living parent."""
    return any(process.ppid() not in ORPHANED for process in _ours(pids))


def _end_leftovers(pids: Path) -> None:
    """End what a killed stack left behind; where the kernel ends children itself, nothing is found."""
    for process in _ours(pids):
        if process.ppid() in ORPHANED:
            process.kill()
            process.wait(5)
    pids.unlink(missing_ok=True)


def _ours(pids: Path) -> list[psutil.Process]:
    """Find the processes of a pid file that are still those of a stack: numbers are used again by others."""
    found = []
    for line in pids.read_text().split() if pids.exists() else ():
        with contextlib.suppress(psutil.Error, ValueError):
            process = psutil.Process(int(line))
            if any(word in " ".join(process.cmdline()) for word in OURS):
                found.append(process)
    return found


def _say_where(stack: Stack, told: Told) -> None:
    ports = stack.ports
    told("console", stack.url(ports.console))
    told("intake", f"{stack.url(ports.console)}/v1/intake/{{source}}")
    told("temporal ui", stack.url(ports.temporal_ui))
    told("marketplace", stack.url(ports.marketplace))
    told("state", str(stack.home))


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
