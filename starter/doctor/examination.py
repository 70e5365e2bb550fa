"""In what order is everything looked at? What others depend on comes first, and its failure skips them."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from starter import connect, settings
from starter.doctor import casebook, folder, machine, outside, server
from starter.doctor.findings import Finding, of_problem, skipped, wrong
from starter.errors import Problem
from starter.settings import Settings
from store.engine import open_engine
from store.errors import StoreMisconfigured, StoreUnavailable

OF_SERVER = ("retention", "attributes", "clock", "worker", "stuck", "events", "archive")
OF_CASEBOOK = ("journal", "sqlite", "events", "archive")
KEPT_AT_LEAST = timedelta(days=1)  # what the server is taken to keep while it cannot be asked
Told = Callable[[Finding], None]


async def examine(told: Told) -> list[Finding]:
    """Look at everything, and tell each finding as it is made."""
    findings: list[Finding] = []

    def note(*found: Finding) -> None:
        for one in found:
            findings.append(one)
            told(one)

    note(machine.python(), machine.packages())
    try:
        read = settings.load()
    except Problem as problem:
        note(of_problem("settings", problem), skipped("everything else", "the settings cannot be read"))
        return findings
    note(folder.safe(read), folder.modes(read), folder.keys(read), folder.rulebook(read))
    note(await machine.programs(local=folder.only_here()), machine.disk(read.home))
    note(await machine.listening(read))
    async with _casebook(read, note) as engine:
        await _of_temporal(read, engine, note)
    note(*await outside.reached(read))
    return findings


@asynccontextmanager
async def _casebook(read: Settings, note: Callable[..., None]) -> AsyncIterator[AsyncEngine | None]:
    """Open the casebook and look at it; None for one that is not there or cannot be used."""
    try:
        if not _begun(read.database_url):
            note(skipped("database", "there is no casebook yet; the first start makes it"))
            yield None
            return
        engine = open_engine(read.database_url)
    except (StoreMisconfigured, ValueError) as bad:
        step = bad.next_step if isinstance(bad, StoreMisconfigured) else "Check SEAWALL_DATABASE_URL."
        note(wrong("database", "The casebook's address cannot be used.", step))
        yield None
        return
    try:
        fit = await _looked("database", casebook.shape(engine))
        note(fit)
        if fit.state == "wrong":
            note(*(skipped(name, "the casebook cannot be used") for name in ("journal", "sqlite")))
            yield None
            return
        note(await _looked("journal", casebook.journal(engine)), await _looked("sqlite", casebook.library(engine)))
        yield engine
    finally:
        await engine.dispose()


def _begun(url: str) -> bool:
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or os.path.exists(str(parsed.database))


async def _of_temporal(read: Settings, engine: AsyncEngine | None, note: Callable[..., None]) -> None:
    try:
        client = await connect.connect(read)
    except Problem as away:
        note(of_problem("temporal", away), *(skipped(name, "Temporal does not answer") for name in OF_SERVER))
        return
    for name, look in (
        ("temporal", server.version),
        ("retention", server.retention),
        ("attributes", server.attributes),
        ("clock", server.clock),
        ("worker", server.worker),
        ("stuck", server.stuck),
    ):
        note(await _looked(name, look(client)))
    if engine is None:
        note(*(skipped(name, "there is no casebook to look into") for name in ("events", "archive")))
        return
    note(await _looked("events", server.events(client, engine, datetime.now(UTC))))
    note(await _looked("archive", _archived(client, engine)))


async def _archived(client: Client, engine: AsyncEngine) -> Finding:
    return await casebook.archived(engine, kept=await server.kept(client), now=datetime.now(UTC))


async def _looked(name: str, look: Awaitable[Finding]) -> Finding:
    """Look, and turn what goes wrong meanwhile into a finding: a doctor does not fall ill."""
    try:
        async with asyncio.timeout(30):
            return await look
    except (StoreUnavailable, StoreMisconfigured) as away:
        return wrong(name, away.text, away.next_step)
    except (RPCError, TimeoutError) as error:
        why = error.status.name if isinstance(error, RPCError) else "no answer within 30 s"
        return wrong(name, f"Temporal could not be asked ({why}).", "Check its health and the rights of our API key.")
