"""How does every long-running process of ours begin and end? Settings, logs, signals, one line when it cannot."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import typer

from rulebook import RulebookInvalid
from starter import logs, settings
from starter.errors import MISCONFIGURED, Problem
from starter.faults import of_store
from starter.seeing import exposition, tracing
from starter.settings import Settings
from store.errors import StoreMisconfigured, StoreUnavailable

Life = Callable[[Settings, asyncio.Event], Awaitable[None]]
# The SDK's core may still hold the interpreter when it exits (seen as an abort in 2 of 20 clean runs).
LEAVING = 0.3  # seconds


def live(life: Life) -> None:
    """Run until SIGTERM or SIGINT, then exit 0; a refusal is one line on stderr and its exit code."""
    try:
        asyncio.run(_lived(life))
    except Problem as problem:
        _end(problem.line(), problem.exit_code)
    except (StoreMisconfigured, StoreUnavailable) as wrong:
        told = of_store(wrong)
        _end(told.line(), told.exit_code)
    except RulebookInvalid as wrong:
        _end(str(wrong), MISCONFIGURED)


async def _lived(life: Life) -> None:
    told = settings.load()
    logs.configure(told.log_format, told.log_level)
    exposition.begin(told)
    tracing.begin()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await life(told, stop)
    await asyncio.to_thread(tracing.end)
    await asyncio.sleep(LEAVING)


def _end(line: str, code: int) -> None:
    typer.echo(f"seawall: {line}", err=True)
    sys.exit(code)
