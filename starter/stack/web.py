"""What serves people and webhooks? One process: console, intake API, dispatcher, and the codec endpoint beside it."""

import asyncio
import contextlib
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI

from starter import codec_server, rules
from starter.console.app import create_app
from starter.intake import dispatch, routes, webhooks, wiring
from starter.settings import Settings
from starter.stack import process

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves signals to its process: two of them share one."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # a plain one will do
        """Install nothing."""
        return contextlib.nullcontext()


async def serve(told: Settings, stop: asyncio.Event) -> None:
    """Serve until told to stop."""
    async with wiring.opened(told) as desk:
        app = create_app(
            engine=desk.engine,
            client_factory=desk.connect,
            settings=told,
            rulebook=rules.today(told),
            intake_router=routes.router(
                desk, lambda: webhooks.load_secrets(told.intake_secrets_file), lambda: datetime.now(UTC)
            ),
        )
        servers = [_server(app, told.console_host, told.console_port), _codec(told)]
        tasks = [asyncio.create_task(server.serve()) for server in servers]
        tasks.append(asyncio.create_task(dispatch.run(desk, stop)))
        await stop.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _server(app: FastAPI, host: str, port: int) -> _Server:
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    return _Server(config)


def _codec(told: Settings) -> _Server:
    """The endpoint by which the Temporal UI and CLI show what is sealed; never on anything but loopback."""
    return _server(codec_server.app_of(told), LOOPBACK, told.codec_port)


if __name__ == "__main__":
    process.live(serve)
