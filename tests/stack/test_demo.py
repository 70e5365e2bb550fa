"""The demo, run as a newcomer runs it."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FIGURES
from tests.stack.conftest import ROOT, Seawall

SHARED = ROOT.parent / "shared" / "data"
RAW = SHARED / "recalls" / "raw_api_fixtures"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the real recall data is not beside this checkout")
pytestmark = pytest.mark.slow


Shown = Callable[[str, object], None]


def _shown(record: Shown, title: str, figures: dict[str, Any]) -> None:
    """Print figures at the end of the run."""
    record(FIGURES, f"{title}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def test_the_demo_runs_every_case_to_closed_and_says_what_it_cost(seawall: Seawall) -> None:
    first = seawall("demo")
    again = seawall("demo", "--json")

    assert first.returncode == 0, first.stderr
    for told in (
        "case.triaged",
        "because",
        "clock.started",
        "evidence.gathered",
        "vote.cast",
        "listings.hidden",
        "listings.restored",
        "notice.sent",
        "root_cause.approved",
        "case.closed",
        "What happened",
        "seawall show",
    ):
        assert told in first.stdout
    assert "\x1b[" not in first.stdout
    assert again.returncode == 0, again.stderr
    summary = json.loads(again.stdout)
    assert summary["figures"]["cases closed"] == len(summary["cases"]) == 5
    assert summary["figures"]["listings restored exactly"] == len(summary["restored"]) == 4
    assert summary["figures"]["told regulator statements"] > 0
    assert all(case["events"] > 0 and case["actions"] > 0 and case["stages"]["closed"] for case in summary["cases"])


@needs_data
@pytest.mark.parametrize(
    "name", ["sm-coding-projects_recall-radar/cpsc.json", "transcribed/cpsc_recall_api_2_records.json"]
)
def test_the_demo_takes_unmodified_records_of_the_recall_service(
    seawall: Seawall, record_property: Shown, name: str
) -> None:
    records = json.loads((RAW / name).read_text())

    ran = seawall("demo", "--json", "--from", str(RAW / name))

    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert len(summary["cases"]) + len(summary["quarantined"]) == len(records)
    assert all(case["closed"] for case in summary["cases"])
    _shown(record_property, name, summary["figures"])


@needs_data
def test_200_real_notices_against_10000_real_listings_become_cases_or_quarantined_records(
    seawall: Seawall, tmp_path: Path, record_property: Shown
) -> None:
    with gzip.open(SHARED / "recalls" / "cpsc_notices_1973_2024.jsonl.gz", "rt", encoding="utf-8") as lines:
        notices = list(lines)[::45][:200]
    file = tmp_path / "notices.jsonl"
    file.write_text("".join(notices), encoding="utf-8")
    listings = SHARED / "listings" / "toys_uk_10k.csv.gz"

    ran = seawall("demo", "--json", "--from", str(file), "--catalogue", str(listings))

    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert len(notices) == 200
    assert len(summary["cases"]) + len(summary["quarantined"]) + summary["figures"]["duplicates"] == 200
    assert all(case["closed"] for case in summary["cases"])
    assert all(record["reason"] for record in summary["quarantined"])
    _shown(record_property, "200 notices, 10,000 listings", summary["figures"])


def test_a_file_that_is_no_feed_is_one_clear_line(seawall: Seawall, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("this is not json")

    ran = seawall("demo", "--from", "bad.json")

    assert ran.returncode == 2
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "Traceback" not in ran.stderr
