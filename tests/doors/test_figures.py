"""Do figures count each fact once, under few words?"""

import asyncio
import contextlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import outside, watching
from activities.clients import http
from escalations import ids
from escalations.clocks import Clock, ClockStatus
from escalations.model import Milestone, Stage
from escalations.record import Batch, Card, Entry
from starter import budgets
from starter.budgets import EVENTS_MAX
from starter.seeing import counters, exposition, gauges, rounds
from store.engine import open_engine
from store.ledger import Ledger
from tests.replay.server import binary, dev_server

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CASE = ids.case_id("test", "metrics")


def value(name: str, **labels: str) -> float:
    """What is shown for one series of ours just now; nought when there is none."""
    for family in text_string_to_metric_families(generate_latest(counters.REGISTRY).decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return 0.0


def card(**changed: Any) -> Card:
    made = Card(case_id=CASE, seq=1, title="A charger", stage=Stage.TRIAGE, opened_at=NOW, updated_at=NOW, severity=1)
    return replace(made, **changed)


def entry(seq: int, kind: str, at: datetime = NOW, **data: str) -> Entry:
    return Entry(seq=seq, at=at, kind=kind, actor="seawall", text="told", data=tuple(data.items()))


async def test_a_fact_is_counted_when_it_is_written_and_not_when_it_is_told_again(engine: AsyncEngine) -> None:
    ledger = Ledger(engine, counters.facts)
    told = (
        entry(1, "stage.entered", stage="triage"),
        entry(2, "clock.missed", rule="T-METRICS-1#2"),
        entry(3, "gate.decided", how="default"),
        entry(4, "hand.failed"),
        entry(5, "listings.hidden", at=NOW + timedelta(hours=3), sweep="1"),
        entry(6, "listings.hidden", at=NOW + timedelta(hours=9), sweep="2"),
    )
    batch = Batch(case_id=CASE, entries=told, card=card(seq=6))
    figures = (
        ("escalation_stages_entered_total", {"stage": "triage"}),
        ("escalation_deadline_breaches_total", {"clock": "T-METRICS-1"}),
        ("escalation_gates_decided_total", {"how": "default"}),
        ("escalation_hands_failed_total", {}),
        ("escalation_time_to_contain_seconds_count", {}),
        ("escalation_time_to_contain_seconds_sum", {}),
    )
    before = [value(name, **labels) for name, labels in figures]

    await ledger.append(batch)
    await ledger.append(batch)
    await ledger.append(replace(batch, entries=told[:3]))

    after = [value(name, **labels) for name, labels in figures]
    counted = [now - then for now, then in zip(after, before, strict=True)]
    assert counted == pytest.approx([1, 1, 1, 1, 1, 3 * 3600])


async def test_more_words_than_anybody_watches_are_counted_as_other() -> None:
    for number in range(counters.MOST_WORDS + 5):
        counters.counted(counters.WARNINGS, f"word-{number}")

    assert value("escalation_deadline_warnings_total", at="other") >= 5
    assert value("escalation_deadline_warnings_total", at=f"word-{counters.MOST_WORDS + 4}") == 0


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (None, "ok"),
        (outside.busy("pager", status=429, wait=None), "busy"),
        (outside.down("pager", "no connection"), "down"),
        (outside.refused("pager", status=400), "refused"),
        (outside.forbidden("pager", status=401), "forbidden"),
        (outside.unknown("pager", "it broke off"), "unknown"),
        (ApplicationError("other", type="Other"), "failed"),
        (asyncio.CancelledError(), "failed"),
    ],
    ids=str,
)
def test_every_end_of_a_call_is_counted_once(raised: BaseException | None, outcome: str) -> None:
    before = value("escalation_external_requests_total", system="pager", outcome=outcome)
    watching.watch(counters.request)

    passes = pytest.raises(type(raised)) if raised is not None else contextlib.nullcontext()
    try:
        with passes as seen, watching.calling("pager", "POST"):
            if raised is not None:
                raise raised
    finally:
        watching.unwatch(counters.request)

    assert raised is None or seen.value is raised
    assert value("escalation_external_requests_total", system="pager", outcome=outcome) == before + 1


async def test_a_real_attempt_at_a_system_that_is_away_is_counted_as_down() -> None:
    watching.watch(counters.request)
    before = value("escalation_external_requests_total", system="chat", outcome="down")
    try:
        async with http.client("http://127.0.0.1:9") as client:
            with pytest.raises(ApplicationError):
                await http.call(client, "GET", "/", system="chat")
    finally:
        watching.unwatch(counters.request)

    assert value("escalation_external_requests_total", system="chat", outcome="down") == before + 1


# the state


async def test_gauges_follow_the_casebook_down_again(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "FRESH", -1.0)
    now = datetime.now(UTC)
    late = _clock("LATE", now - timedelta(minutes=1))
    soon = _clock("SOON", now + timedelta(minutes=30))
    looked = gauges.Gauges(engine)
    ledger = Ledger(engine)

    await ledger.append(
        Batch(
            case_id=CASE,
            entries=(entry(1, "clock.missed", at=now),),
            card=card(clocks=(late, soon), next_due_at=now, updated_at=now),
        )
    )
    await looked.look()
    await rounds.of_casebook(engine)
    shown = [
        value("escalation_open", severity="P1", stage="triage"),
        value("escalation_clocks_overdue"),
        value("escalation_clocks_due_soon"),
        value("escalation_clocks_missed_lately"),
        value("escalation_casebook_up"),
    ]
    await ledger.append(
        Batch(case_id=CASE, entries=(entry(2, "case.closed"),), card=card(seq=2, closed_at=now, updated_at=now))
    )
    await looked.look()

    assert shown == [1, 1, 1, 1, 1]
    assert 'escalation_open{severity="P1"' not in generate_latest(counters.REGISTRY).decode()
    assert value("escalation_clocks_overdue") == value("escalation_clocks_due_soon") == 0


async def test_a_casebook_that_is_away_is_shown_as_down_and_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "casebook.db").mkdir()
    broken = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'casebook.db'}")

    await gauges.Gauges(broken).look()
    await broken.dispose()

    assert value("escalation_casebook_up") == 0


async def test_a_broken_chain_is_shown_by_the_next_round(engine: AsyncEngine) -> None:
    await Ledger(engine).append(Batch(case_id=CASE, entries=(entry(1, "case.opened"),), card=card()))
    await rounds.of_chain(engine)
    before = value("escalation_chain_whole")
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        await connection.exec_driver_sql("UPDATE entries SET text = 'another'")

    await rounds.of_chain(engine)

    assert before == 1
    assert value("escalation_chain_whole") == 0


async def test_the_rounds_at_temporal_show_who_works_and_what_is_kept(engine: AsyncEngine) -> None:
    from starter.keyring import fresh

    async with dev_server(fresh()) as client:

        async def connected() -> Client:
            return client

        await rounds.of_temporal(connected)

    assert value("escalation_temporal_up") == 1
    assert value("escalation_workers_polling") == 0
    assert value("escalation_retention_seconds") == 24 * 3600


@workflow.defn(name="GrowsLong")
class GrowsLong:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def grow(self) -> None:
        """Leave an event."""


async def test_the_budget_shows_the_longest_run_that_is_still_open(engine: AsyncEngine) -> None:
    from starter.keyring import fresh

    async with dev_server(fresh()) as client:

        async def connected() -> Client:
            return client

        runner = UnsandboxedWorkflowRunner()
        async with Worker(client, task_queue="grows", workflows=[GrowsLong], workflow_runner=runner):
            handle = await client.start_workflow(GrowsLong.run, id="long", task_queue="grows")
            await client.start_workflow(GrowsLong.run, id="short", task_queue="grows")
            for _ in range(5):
                await handle.signal(GrowsLong.grow)
            await listed(client, 2)
            await rounds.of_budgets(connected, engine)
            described = await handle.describe()

    shown = value("escalation_run_budget_used_ratio", limit="events") * EVENTS_MAX
    assert 5 < round(shown) <= described.history_length
    assert value("escalation_run_budget_used_ratio", limit="bytes") > 0


async def listed(client: Client, runs: int) -> None:
    """Wait until Temporal lists so many open runs; its lists lag a little."""
    for _ in range(100):
        if (await client.count_workflows(budgets.OPEN)).count == runs:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("they were never listed")


@workflow.defn(name="FailsItsTask")
class FailsItsTask:
    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("a bug")


async def test_a_workflow_task_that_fails_is_counted_as_alerts_name_it() -> None:
    address = f"127.0.0.1:{exposition._free_port()}"
    runtime = Runtime(telemetry=TelemetryConfig(metrics=exposition.config(address)))
    from temporalio.testing import WorkflowEnvironment

    async with (
        await WorkflowEnvironment.start_local(
            dev_server_existing_path=binary(), dev_server_log_level="error", runtime=runtime
        ) as env,
        Worker(env.client, task_queue="fails", workflows=[FailsItsTask], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        handle = await env.client.start_workflow("FailsItsTask", id="fails", task_queue="fails")
        async with httpx2.AsyncClient(trust_env=False) as client:
            for _ in range(200):
                scrape = (await client.get(f"http://{address}/metrics")).text
                if "temporal_workflow_task_execution_failed_total" in scrape:
                    break
                await asyncio.sleep(0.1)
        await handle.terminate()

    assert re.search(r"^temporal_workflow_task_execution_failed_total\{.*\} [1-9]", scrape, re.MULTILINE)


def _clock(rule: str, due: datetime) -> Clock:
    return Clock(
        rule=rule,
        version=1,
        duty="tell",
        instrument="law",
        meets=Milestone.CONTAINED,
        t0=NOW,
        t0_basis="report",
        status=ClockStatus.RUNNING,
        owner="LEG",
        recipient="authority",
        margin=timedelta(hours=2),
        due_operational=due,
    )
