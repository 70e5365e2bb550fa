"""What is connected to what? Settings → clients → hands → one worker. No logic here."""

import argparse
import asyncio
import signal
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import rulebook
import rulebook.calendars
import rulebook.notices
from activities.casebook import Casebook
from activities.cases import Cases
from activities.chat import Chat
from activities.clients import http
from activities.clients.chat import Slack
from activities.clients.evidence import EvidenceStore, open_evidence
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
from escalations.messages import Receipt, ReportFinding
from starter import connect, logs, settings
from starter.say import say
from starter.settings import Settings
from store import migrations
from store.engine import open_engine
from store.ledger import Ledger
from workflows import options
from workflows.escalation import Escalation
from workflows.prevention import Prevention
from workflows.sweep import Sweep

WORKFLOWS = (Escalation, Sweep, Prevention)
# Our own pure modules are shared by all runs instead of being loaded anew in each (−60 % CPU per start); the linter
# forbids clocks, chance and input in them, which is what the sandbox would have caught.
SHARED = ("activities", "escalations", "workflows.case", "workflows.stages", "workflows.sweep", "workflows.prevention")


def runner() -> SandboxedWorkflowRunner:
    """Make the sandbox that workflows run in."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*SHARED))


async def hands(told: Settings, client: Client, engine: AsyncEngine, stack: AsyncExitStack) -> list[Any]:
    """Build every activity with its client; HTTP connections are closed with `stack`."""

    async def http_client(url: str, token: str = "") -> httpx2.AsyncClient:
        return await stack.enter_async_context(http.client(url, token))

    async def tell(case_id: str, name: str, message: ReportFinding) -> Receipt:
        return await say(client, case_id, name, message)

    book = rulebook.load(overlay=told.overlay or None)
    evidence: EvidenceStore = open_evidence(told.evidence_url)
    templates = rulebook.notices.load()
    sellers = await http_client(told.marketplace_url, told.marketplace_token.get_secret_value())
    regulator = await http_client(told.regulator_url, told.regulator_token.get_secret_value())
    pager = PagerDuty(await http_client(told.pager_url), told.pager_routing_key.get_secret_value())
    slack = Slack(await http_client(told.chat_url, told.chat_token.get_secret_value()), told.chat_channel)
    smtp = Smtp(told.smtp_host, told.smtp_port, told.mail_from)
    policy = Policy(book, rulebook.calendars.Calendars())
    market = MarketplaceClient(told.marketplace_url, told.marketplace_token.get_secret_value())
    stack.push_async_callback(market.aclose)
    shops = Marketplace(market, evidence)
    mail = Mail(smtp, MarketplaceBook(sellers), evidence, templates)
    regulators = Regulators(TransparencyDatabase(regulator), evidence, templates)
    return [
        *(policy.plan_case, policy.draft_gate, policy.draft_notices),
        Casebook(Ledger(engine)).record,
        EvidenceRoom(evidence).gather,
        *(shops.find_listings, shops.capture_prior, shops.enforce, shops.verify, shops.reverse),
        *(regulators.submit_statements, mail.send_notice),
        *(Paging(pager).page, Chat(slack).post, Cases(tell).tell_case),
    ]


async def run(told: Settings, ready_file: Path | None, stop: asyncio.Event) -> None:
    """Work until told to stop; what runs gets twenty seconds to end, the rest is retried elsewhere."""
    engine = open_engine(told.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        await migrations.upgrade(engine)
        client = await connect.connect(told)
        await connect.ensure_search_attributes(client)
        activities = await hands(told, client, engine, stack)
        async with Worker(
            client,
            task_queue=options.TASK_QUEUE,
            workflows=list(WORKFLOWS),
            activities=activities,
            workflow_runner=runner(),
            max_cached_workflows=told.cached_cases,
            graceful_shutdown_timeout=timedelta(seconds=20),
        ):
            structlog.get_logger("worker").info("worker.started", task_queue=options.TASK_QUEUE)
            if ready_file:
                await asyncio.to_thread(ready_file.write_text, "ready")
            await stop.wait()
    # The SDK's core may still hold the interpreter when it exits (seen as an abort in 2 of 20 clean runs).
    await asyncio.sleep(0.3)


async def main() -> None:
    """Start the worker from the environment: `python -m worker`."""
    parser = argparse.ArgumentParser(prog="worker", description="Run Seawall's workflows and activities.")
    parser.add_argument("--ready-file", type=Path, help="written once the worker polls for work")
    told = settings.load()
    logs.configure(told.log_format, told.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(told, parser.parse_args().ready_file, stop)


if __name__ == "__main__":
    asyncio.run(main())
