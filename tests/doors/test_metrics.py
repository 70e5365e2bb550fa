"""Do the alerts and dashboards name figures that exist?"""

import asyncio
import base64
import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from escalations import ids
from standins.demo_notices import __path__ as notices
from starter.intake import webhooks
from starter.stack.ports import Ports, free
from tests.stack.conftest import COMMAND, ROOT, environment

OPS = ROOT / "ops"
RULES = OPS / "prometheus" / "rules.yaml"
NAME = re.compile(r"\b(?:escalation|temporal)_[a-z0-9_]+")
FEED = Path(next(iter(notices))) / "cpsc_recalls.json"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
CANARY = "CANARY-31f0"
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


def test_promtool_can_parse_the_query_of_every_panel(tmp_path: Path) -> None:
    queries = [query for place, query in expressions().items() if not place.startswith("rules.yaml")]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "panels.yaml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")

    ran = subprocess.run([promtool(), "check", "rules", str(file)], capture_output=True, text=True, check=False)

    assert len(queries) > 30
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_panel_of_a_dashboard_lies_over_another_or_beyond_the_grid() -> None:
    for file in sorted((OPS / "grafana").glob("*.json")):
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in json.loads(file.read_text())["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]

        assert len(set(cells)) == len(cells)
        assert {x for x, _ in cells} <= set(range(24)), "Grafana's grid has 24 columns"


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


def test_what_only_a_failure_brings_forth_is_provoked_by_a_test() -> None:
    provoking = (Path(__file__).parent / "test_figures.py").read_text()

    assert all(f"def {test}(" in provoking for test in ON_FAILURE.values())
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
