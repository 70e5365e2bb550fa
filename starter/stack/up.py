"""How does the whole stack run until Ctrl-C?"""

import asyncio
import contextlib
import fcntl
import os
import signal
from pathlib import Path

import psutil

from starter import rules, settings
from starter.errors import BUSY, CANNOT_WRITE, UNAVAILABLE, Problem
from starter.faults import of_store
from starter.stack import address
from starter.stack.parts import Stack, all_parts
from starter.stack.ports import check_free
from starter.stack.supervise import Supervisor, Told
from store.engine import open_engine
from store.errors import StoreMisconfigured

PIDS = "stack.pids"
ORPHANED = (0, 1)  # whose parent has died belongs to init
OURS = ("start-dev", "standins", "worker", "starter.stack.web")


async def run(stack: Stack, told: Told, *, ready: asyncio.Event | None = None) -> int:
    """Start every part, keep them alive, stop them on SIGINT or SIGTERM. Return the exit code."""
    held = prepare(stack)
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
        os.close(held)
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


def prepare(stack: Stack) -> int:
    """Check everything that can be checked before the first part starts, and hold the state folder.

    Returns the descriptor of the lock: the folder is ours until it is closed. Raises Problem.
    """
    _writable(stack.home)
    held = _locked(stack.home)
    try:
        os.environ.update(stack.env())
        told = settings.load(home=stack.home)
        rules.today(told)
        open_engine(told.database_url)
        _end_leftovers(stack.home / PIDS)
        check_free(stack.ports)
    except StoreMisconfigured as wrong:
        os.close(held)
        raise of_store(wrong) from None
    except Problem:
        os.close(held)
        raise
    return held


def _writable(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"the state folder {home} cannot be written ({error.strerror}).",
            next_step="Choose another with --home FOLDER or SEAWALL_HOME.",
            exit_code=CANNOT_WRITE,
        ) from None


def _locked(home: Path) -> int:
    """Hold a state folder; two stacks on one would write the same files."""
    lock = os.open(home / "stack.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Problem(
            "stack_running",
            f"a stack is running in {home} already.",
            next_step="Stop it, or choose another folder with --home.",
            exit_code=BUSY,
        ) from None
    return lock


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
    told("metrics", f"{stack.url(ports.worker_metrics)}/metrics (worker)")
    told("metrics", f"{stack.url(ports.console_metrics)}/metrics (console and intake)")
    told("state", str(stack.home))


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
