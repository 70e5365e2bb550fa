"""Do the alerts and dashboards name figures that exist, and do figures count each fact once, under few words?"""

import asyncio
import base64
import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
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
from standins.demo_notices import __path__ as notices
from starter import budgets
from starter.budgets import EVENTS_MAX
from starter.intake import webhooks
from starter.seeing import counters, exposition, gauges, rounds
from starter.stack.ports import Ports, free
from store import migrations
from store.engine import open_engine
from store.ledger import Ledger
from tests.replay.server import binary, dev_server
from tests.stack.conftest import COMMAND, ROOT, environment

OPS = ROOT / "ops"
RULES = OPS / "prometheus" / "rules.yaml"
NAME = re.compile(r"\b(?:escalation|temporal)_[a-z0-9_]+")
FEED = Path(next(iter(notices))) / "cpsc_recalls.json"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
CANARY = "CANARY-31f0"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CASE = ids.case_id("test", "metrics")
# Figures that only a failure brings forth; each is provoked by the test named here.
ON_FAILURE = {
    "temporal_workflow_task_execution_failed_total": "test_a_workflow_task_that_fails_is_counted_as_alerts_name_it",
    "escalation_deadline_breaches_total": "test_a_fact_is_counted_when_it_is_written_and_not_when_it_is_told_again",
    "escalation_gates_decided_total": "test_a_fact_is_counted_when_it_is_written_and_not_when_it_is_told_again",
}


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """Every expression of rules and dashboards, by its place."""
    found = {f"rules.yaml: {rule['alert']}": rule["expr"] for rule in alerts()}
    for file in sorted((OPS / "grafana").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                found[f"{file.name}: {panel['title']} {target['refId']}"] = target["expr"]
    return found


def names(text: str) -> set[str]:
    """The figures that a scrape or an expression names; parts of a histogram count as the histogram."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(text)}


def value(name: str, **labels: str) -> float:
    """What is shown for one series of ours just now; nought when there is none."""
    for family in text_string_to_metric_families(generate_latest(counters.REGISTRY).decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return 0.0


# the files


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "rules.yaml"),
        ("test", "rules", "rules_test.yaml"),
        ("check", "config", "prometheus.yaml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_the_files_and_every_alert_fires_when_it_should(arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [promtool(), *arguments], cwd=OPS / "prometheus", capture_output=True, text=True, timeout=120, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alert_is_tried_both_ways() -> None:
    tried = yaml.safe_load((OPS / "prometheus" / "rules_test.yaml").read_text())["tests"]

    fires, silent = (
        {
            each["alert_rule_test"][0]["alertname"]
            for each in tried
            if bool(each["alert_rule_test"][0]["exp_alerts"]) is how
        }
        for how in (True, False)
    )

    assert fires == silent == {rule["alert"] for rule in alerts()}


def test_every_dashboard_has_its_own_panels_and_a_choice_of_source() -> None:
    for file in sorted((OPS / "grafana").glob("*.json")):
        board = json.loads(file.read_text())
        numbers = [panel["id"] for panel in board["panels"]]

        assert len(set(numbers)) == len(numbers) >= 10
        assert all(panel["datasource"]["uid"] == "${source}" for panel in board["panels"])
        assert board["uid"]


# a running stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A stack that has taken reports, and what its processes said then."""

    worker: str
    console: str
    ready: dict[str, Any]
    told: str

    @property
    def all(self) -> str:
        return self.worker + self.console


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Start a stack as a user does, bring it reports by every way, and scrape it."""
    folder = tmp_path_factory.mktemp("live")
    ports = free()
    home = folder / ".seawall"
    home.mkdir(mode=0o700)
    secrets = home / "intake-secrets.json"
    secrets.write_text(json.dumps({"demo": [KEY]}))
    secrets.chmod(0o600)
    with _up(folder, ports) as output:
        opened = subprocess.run(
            [*COMMAND, "open", str(FEED)], cwd=folder, env=environment(), capture_output=True, timeout=100, check=False
        )
        assert opened.returncode == 0, opened.stderr
        asyncio.run(_reported(ports))
        yield replace(asyncio.run(_scraped(ports)), told=output.read_text())


@contextlib.contextmanager
def _up(folder: Path, ports: Ports) -> Iterator[Path]:
    moved = [f"--port={name}={port}" for name, port in asdict(ports).items()]
    output = folder / "output"
    with output.open("w") as told:
        process = subprocess.Popen(
            [*COMMAND, "up", "--overlay", "demo", *moved], cwd=folder, env=environment(), stdout=told, stderr=told
        )
    try:
        for _ in range(1200):
            if "state" in output.read_text():
                break
            assert process.poll() is None, output.read_text()
            time.sleep(0.1)
        yield output
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


async def _reported(ports: Ports) -> None:
    """Send a report, the same again, another about its case, and one with a wrong signature."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ports.console}", trust_env=False, timeout=60) as client:
        report = {"schema_version": 1, "source_ref": "M-1", "kind": "incident_report", "title": f"{CANARY} burned"}
        first = await _sent(client, report)
        assert first.status_code == 202, first.text
        again = await _sent(client, report)
        about = await _sent(client, {**report, "source_ref": "M-2", "about": first.json()["case_id"]})
        refused = await client.post("/v1/intake/demo", content=b"{}", headers={"content-type": "application/json"})
    assert (again.status_code, about.status_code, refused.status_code) == (200, 200, 401)


async def _sent(client: httpx2.AsyncClient, document: dict[str, Any]) -> httpx2.Response:
    raw, seconds = json.dumps(document).encode(), int(time.time())
    message = ids.digest(raw)[:24]
    headers = {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": webhooks.signature(webhooks.secret(KEY), message, seconds, raw),
    }
    return await client.post("/v1/intake/demo", content=raw, headers=headers)


async def _scraped(ports: Ports) -> Live:
    """Scrape until everything that alerts and dashboards name is there, for two minutes at most."""
    wanted = set().union(*map(names, expressions().values())) - ON_FAILURE.keys()
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        for _ in range(60):
            worker = (await client.get(f"http://127.0.0.1:{ports.worker_metrics}/metrics")).text
            console = (await client.get(f"http://127.0.0.1:{ports.console_metrics}/metrics")).text
            ready = (await client.get(f"http://127.0.0.1:{ports.worker_metrics}/readyz")).json()
            if wanted <= _with_values(worker + console):
                break
            await asyncio.sleep(2)
    return Live(worker=worker, console=console, ready=ready, told="")


def _with_values(scrape: str) -> set[str]:
    return names("\n".join(line for line in scrape.splitlines() if not line.startswith("#")))


@pytest.mark.slow
@pytest.mark.parametrize("place", expressions())
def test_every_name_in_rules_and_dashboards_is_in_a_live_scrape(live: Live, place: str) -> None:
    missing = names(expressions()[place]) - _with_values(live.all) - ON_FAILURE.keys()

    assert missing == set()


def test_what_only_a_failure_brings_forth_is_provoked_by_a_test_here() -> None:
    assert all(test in globals() for test in ON_FAILURE.values())
    assert ON_FAILURE.keys() <= set().union(*map(names, expressions().values()))


@pytest.mark.slow
def test_the_state_of_the_cases_is_shown_by_the_console_and_the_work_by_the_worker(live: Live) -> None:
    shown = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(live.console)
        for sample in family.samples
    }

    assert sum(value for name, value in shown.items() if name[0] == "escalation_open") == 5
    assert shown[("escalation_intakes_total", ("outcome", "new"))] == 1
    assert shown[("escalation_intakes_total", ("outcome", "duplicate"))] == 1
    assert shown[("escalation_intakes_total", ("outcome", "added"))] == 1
    assert shown[("escalation_refusals_total", ("code", "bad_signature"), ("door", "intake"))] == 1
    # The door and the dispatcher may both bring a report; the case counts it once by its request id.
    assert shown[("escalation_messages_total", ("message", "report"))] in (1, 2)
    assert shown[("escalation_casebook_up",)] == shown[("escalation_chain_whole",)] == 1
    assert 'escalation_external_requests_total{outcome="ok",system="marketplace"}' in live.worker
    assert live.ready["status"] == "ok"


@pytest.mark.slow
def test_no_label_holds_an_id_or_words_of_a_report_and_series_stay_few(live: Live) -> None:
    for family in text_string_to_metric_families(live.all):
        if not family.name.startswith("escalation_"):
            continue
        assert len(family.samples) <= 400, family.name
        for sample in family.samples:
            assert all(re.fullmatch(r"[A-Za-z0-9_.+-]{1,40}", word) for word in sample.labels.values()), sample
    assert "ESC-" not in live.all
    assert CANARY not in live.all


@pytest.mark.slow
def test_up_prints_where_the_figures_are(live: Live) -> None:
    assert live.told.count("/metrics") == 2


# each fact once


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'casebook.db'}")
    await migrations.upgrade(made)
    yield made
    await made.dispose()


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
