"""Where is a process looked at? One small HTTP server beside its work, on loopback unless told otherwise."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from starter.errors import UNAVAILABLE, Problem


class Server(uvicorn.Server):
    """A server that leaves signals to its process: several of them share one."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # a plain one will do
        """Install nothing."""
        return contextlib.nullcontext()


def server(app: Any, host: str, port: int) -> Server:
    """Make a server for an application; `serve()` runs it, `should_exit` ends it."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    return Server(config)


def place(address: str) -> tuple[str, int]:
    """Read `host:port`; `[::1]:9000` for IPv6. The setting has been checked already."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


@asynccontextmanager
async def serving(address: str, routes: Sequence[BaseRoute]) -> AsyncIterator[None]:
    """Serve these routes while the block runs; nothing at all for an empty address.

    Raises Problem `port_in_use` (69) when the address cannot be had.
    """
    if not address:
        yield
        return
    host, port = place(address)
    serving = server(Starlette(routes=list(routes)), host, port)
    task = asyncio.create_task(_served(serving))
    while not (serving.started or task.done()):  # noqa: ASYNC110 (uvicorn tells it by this attribute only)
        await asyncio.sleep(0.01)
    if task.done():
        raise Problem(
            "port_in_use",
            f"SEAWALL_METRICS_ADDRESS: {address} cannot be listened on.",
            next_step="Stop what listens there, or name another address; empty serves no metrics.",
            exit_code=UNAVAILABLE,
        )
    try:
        yield
    finally:
        serving.should_exit = True
        await task


async def _served(serving: Server) -> None:
    with contextlib.suppress(SystemExit):  # uvicorn's word for an address that is taken; it has logged it
        await serving.serve()
