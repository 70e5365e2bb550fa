"""How are the stand-ins started and stopped? All in one process, each on its own loopback port."""

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.routing import Route

from standins import chat, faults, journal, mailbox, pager, regulator, wire
from standins.marketplace import Marketplace
from starter.errors import CANNOT_WRITE, UNAVAILABLE, Problem

HOST = "127.0.0.1"
HTTP_SYSTEMS = ("marketplace", "regulator", "pager", "chat")
MAIL = "mail"
SYSTEMS = (*HTTP_SYSTEMS, MAIL)
DEFAULT_PORTS = {"marketplace": 8901, "regulator": 8902, "pager": 8903, "chat": 8904, MAIL: 8925}
DEFAULT_TOKEN = "standin-token"


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process it runs in."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a plain one will do
        """Install nothing."""
        return contextlib.nullcontext()


@dataclass(slots=True, kw_only=True)
class Running:
    """The started stand-ins: where they are, and how a test scripts and reads them."""

    folder: Path
    token: str
    urls: dict[str, str]
    scripts: dict[str, faults.Script]
    _servers: list[tuple[_Server, asyncio.Task[None]]]
    _stop_mail: Callable[[], Awaitable[None]]
    _journals: list[journal.Journal]
    _lock: int
    _stopped: bool = False

    def script(self, system: str, rules: Iterable[Mapping[str, Any]]) -> None:
        """Plan faults for a system; the rules are those of `POST /_script`."""
        self.scripts[system].add(faults.rules(list(rules)))

    def unfired(self) -> list[str]:
        """Name the planned faults that did not all happen."""
        return [f"{system}: {rule}" for system, script in self.scripts.items() for rule in script.unfired()]

    def barrier(self, system: str, name: str) -> faults.Barrier:
        """Find a barrier, to wait until a call arrived there and to release it."""
        return self.scripts[system].barrier(name)

    def journal(self, system: str) -> list[journal.Entry]:
        """Read what a system was told so far."""
        return journal.read(self.folder, system)

    async def stop(self) -> None:
        """Stop all servers, ending calls that a fault still holds; state stays in the folder. Twice is once."""
        if self._stopped:
            return
        self._stopped = True
        for script in self.scripts.values():
            script.close()
        await self._stop_mail()
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers))
        for each in self._journals:
            each.close()
        os.close(self._lock)


async def start(folder: Path, *, ports: Mapping[str, int] | None = None, token: str = DEFAULT_TOKEN) -> Running:
    """Start every stand-in on the state of a folder and give back once all accept connections.

    A system without a port gets a free one. Raises `Problem` when a port is taken (exit 69), the folder cannot be
    written (73) or another process serves it already (69).
    """
    lock = _locked(folder)
    sockets: dict[str, socket.socket] = {}
    try:
        for system in SYSTEMS:
            sockets[system] = _listening(system, (ports or {}).get(system, 0))
        return await _started(folder, token, sockets, lock)
    except BaseException:
        for each in sockets.values():
            each.close()
        os.close(lock)
        raise


async def _started(folder: Path, token: str, sockets: dict[str, socket.socket], lock: int) -> Running:
    scripts = {system: faults.Script() for system in HTTP_SYSTEMS} | {MAIL: faults.Script(faults.HTTP_ONLY)}
    journals = {system: journal.Journal(journal.path_of(folder, system)) for system in SYSTEMS}
    servers = []
    for system, routes in _routes(folder, token, journals, scripts).items():
        app = wire.application(routes, scripts, system)
        servers.append(await _serving(app, sockets[system]))
    stop_mail = await mailbox.serve(folder, journals[MAIL], scripts[MAIL], sockets[MAIL])
    urls = {system: f"http://{HOST}:{_port(sockets[system])}" for system in HTTP_SYSTEMS}
    return Running(
        folder=folder,
        token=token,
        urls=urls | {MAIL: f"smtp://{HOST}:{_port(sockets[MAIL])}"},
        scripts=scripts,
        _servers=servers,
        _stop_mail=stop_mail,
        _journals=list(journals.values()),
        _lock=lock,
    )


def _routes(
    folder: Path, token: str, journals: dict[str, journal.Journal], scripts: dict[str, faults.Script]
) -> dict[str, list[Route]]:
    return {
        "marketplace": Marketplace(folder, journals["marketplace"], scripts["marketplace"], token).routes(),
        "regulator": regulator.Regulator(journals["regulator"], scripts["regulator"], token).routes(),
        "pager": pager.Pager(journals["pager"], scripts["pager"]).routes(),
        "chat": chat.Chat(journals["chat"], scripts["chat"], token).routes(),
    }


async def _serving(app: Any, listening: socket.socket) -> tuple[_Server, asyncio.Task[None]]:
    config = uvicorn.Config(
        app,
        http=wire.Tracked,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn has no event to wait for
        await asyncio.sleep(0.005)
    if task.done():
        await task
    return server, task


def _listening(system: str, port: int) -> socket.socket:
    """Take a port now, so that one already in use is known before anything starts."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise Problem(
            "port_in_use",
            f"Port {port} for the {system} stand-in cannot be taken: {error.strerror}.",
            next_step="Stop what uses it, or choose another port.",
            exit_code=UNAVAILABLE,
        ) from error
    listening.setblocking(False)
    return listening


def _locked(folder: Path) -> int:
    """Own the folder: two processes appending to one journal would both be wrong about the state."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Problem(
            "folder_not_writable",
            f"Cannot write in {folder}: {error.strerror}.",
            next_step="Give a folder that can be written.",
            exit_code=CANNOT_WRITE,
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Problem(
            "folder_in_use",
            f"Other stand-ins are running on {folder}.",
            next_step="Stop them first, or give another folder.",
            exit_code=UNAVAILABLE,
        ) from error
    return lock


def _port(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port
