"""What is connected to what? Settings → clients → hands → one worker. No logic here."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
import structlog
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import Worker

import rulebook.calendars
import rulebook.notices
from activities import archive
from activities.casebook import Casebook
from activities.cases import Cases
from activities.chat import Chat
from activities.clients import http
from activities.clients.chat import Slack
from activities.clients.evidence import open_evidence
from activities.clients.histories import TemporalHistories
from activities.clients.mail import MarketplaceBook, Smtp
from activities.clients.marketplace import MarketplaceClient
from activities.clients.paging import PagerDuty
from activities.clients.regulators import TransparencyDatabase
from activities.evidence import EvidenceRoom
from activities.mail import Mail
from activities.marketplace import Marketplace
from activities.paging import Paging
from activities.policy import Policy
from activities.regulators import Regulators
from starter import connect, rules, schedules
from starter.intake import wiring
from starter.sandbox import runner
from starter.say import tell
from starter.seeing import exposition, health, watched
from starter.seeing.server import serving
from starter.settings import Settings
from starter.stack import process
from store import archive as archived
from store import migrations
from store.engine import open_engine
from store.ledger import Ledger
from workflows import options
from workflows.archive import Archive
from workflows.escalation import Escalation
from workflows.prevention import Prevention
from workflows.resweep import Resweep
from workflows.sweep import Sweep

__all__ = ["WORKFLOWS", "hands", "run", "runner"]

NO_TOKEN = SecretStr("")
WORKFLOWS = (Escalation, Sweep, Resweep, Prevention, Archive)


async def hands(told: Settings, client: Client, engine: AsyncEngine, stack: AsyncExitStack) -> list[Any]:
    """Build every activity with its client; HTTP connections are closed with `stack`."""

    async def reached(url: str, token: SecretStr = NO_TOKEN) -> httpx2.AsyncClient:
        return await stack.enter_async_context(http.client(url, token.get_secret_value()))

    evidence = open_evidence(told.evidence_url)
    templates = rulebook.notices.load()
    sellers = await reached(told.marketplace_url, told.marketplace_token)
    database = TransparencyDatabase(await reached(told.regulator_url, told.regulator_token))
    pager = PagerDuty(await reached(told.pager_url), told.pager_routing_key.get_secret_value())
    slack = Slack(await reached(told.chat_url, told.chat_token), told.chat_channel)
    policy = Policy(rules.all_of(told), rulebook.calendars.Calendars())
    market = MarketplaceClient(told.marketplace_url, told.marketplace_token.get_secret_value())
    stack.push_async_callback(market.aclose)
    shops = Marketplace(market, evidence)
    mail = Mail(Smtp(told.smtp_host, told.smtp_port, told.mail_from), MarketplaceBook(sellers), evidence, templates)
    regulators = Regulators(database, evidence, templates)
    return [
        *(policy.plan_case, policy.draft_gate, policy.draft_notices, policy.who_is_on_duty),
        Casebook(Ledger(engine, watched.facts(engine))).record,
        EvidenceRoom(evidence).gather,
        archive.Archive(TemporalHistories(client), archived.Index(engine), evidence).keep_closed,
        *(shops.find_listings, shops.capture_prior, shops.enforce, shops.verify, shops.reverse),
        *(regulators.submit_statements, mail.send_notice),
        *(Paging(pager).page, Chat(slack).post, Cases(partial(tell, client)).tell_case),
    ]


async def run(told: Settings, stop: asyncio.Event) -> None:
    """Work until told to stop; what runs gets twenty seconds to end, the rest is retried elsewhere."""
    engine = open_engine(told.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        await migrations.upgrade(engine)
        client = await connect.connect(told)
        await connect.ensure_search_attributes(client)
        await schedules.ensure(client)
        activities = await hands(told, client, engine, stack)
        worker = Worker(
            client,
            task_queue=options.TASK_QUEUE,
            workflows=list(WORKFLOWS),
            activities=activities,
            workflow_runner=runner(versioning=told.versioning),
            max_cached_workflows=told.cached_cases,
            deployment_config=connect.deployment(told),
            graceful_shutdown_timeout=timedelta(seconds=20),
            interceptors=watched.interceptors(),
        )
        probes = health.of_worker(engine, wiring.held(client), worker)
        seen = [exposition.route(), *health.routes(probes)]
        async with serving(told.metrics_address, seen), worker:
            structlog.get_logger("worker").info("worker.started", task_queue=options.TASK_QUEUE)
            await stop.wait()


if __name__ == "__main__":
    process.live(run)
