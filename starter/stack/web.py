"""What serves people and webhooks? One process: console, intake API, dispatcher, and the codec endpoint beside it."""

import asyncio
from datetime import UTC, datetime

from starter import codec_server, rules, watchdog
from starter.console.app import create_app
from starter.intake import dispatch, routes, webhooks, wiring
from starter.seeing import exposition, health, rounds
from starter.seeing.gauges import Gauges
from starter.seeing.server import Server, server, serving
from starter.settings import Settings
from starter.stack import process

LOOPBACK = "127.0.0.1"


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
        servers = [server(app, told.console_host, told.console_port), _codec(told)]
        probes = health.of_door(desk.engine, desk.connect)
        seen = [exposition.route(Gauges(desk.engine).look), *health.routes(probes)]
        async with serving(told.metrics_address, seen):
            tasks = [asyncio.create_task(each.serve()) for each in servers]
            tasks.append(asyncio.create_task(dispatch.run(desk, stop)))
            if told.watchdog_seconds:
                tasks.append(asyncio.create_task(watchdog.run(told, desk.connect, desk.engine, stop)))
            if told.metrics_address:
                tasks.append(asyncio.create_task(rounds.run(desk.connect, desk.engine, stop)))
            await stop.wait()
            for each in servers:
                each.should_exit = True
            await asyncio.gather(*tasks)


def _codec(told: Settings) -> Server:
    """The endpoint by which the Temporal UI and CLI show what is sealed; never on anything but loopback."""
    return server(codec_server.app_of(told), LOOPBACK, told.codec_port)


if __name__ == "__main__":
    process.live(serve)
