"""Can a person take in a file from a terminal, and is every refusal one line with its exit code?"""

import asyncio
import io
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer

from escalations import ids
from escalations.model import Intake
from starter.cli import guarded
from starter.intake import commands
from store import intakes, quarantine
from store.engine import open_engine

REPORT = {"schema_version": 1, "source_ref": "REF-1", "kind": "incident_report", "title": "A burned hand"}
RECALL = {
    "RecallID": 1,
    "RecallNumber": "26001",
    "Title": "Halvorsen Recalls Heaters Due to Fire Hazard",
    "Products": [{"Name": "Halvorsen heaters"}],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own, a Temporal address where nobody listens, and the logs put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def run(*arguments: str) -> int:
    app = typer.Typer()
    commands.build(app)
    return guarded(lambda: typer.main.get_command(app)(list(arguments), standalone_mode=False))


def written(path: Path, document: Any) -> str:
    path.write_text(json.dumps(document))
    return str(path)


def kept(home: Path) -> tuple[list[Intake | None], list[str]]:
    async def read() -> tuple[list[Intake | None], list[str]]:
        engine = open_engine(f"sqlite+aiosqlite:///{home / 'casebook.db'}")
        try:
            rows = await intakes.waiting(engine)
            return [row.intake for row in rows], [record.code for record in await quarantine.list(engine)]
        finally:
            await engine.dispose()

    return asyncio.run(read())


def test_a_report_is_kept_although_temporal_is_away(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "r.json", REPORT | {"source": "hotline"})

    assert run("open", file) == 0
    assert run("open", file) == 0

    case_id = ids.case_id("hotline", "REF-1")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ESC-")]
    assert lines == [
        f"{case_id} new REF-1 (its workflow starts when Temporal answers)",
        f"{case_id} duplicate REF-1 (its workflow starts when Temporal answers)",
    ]
    reports, _ = kept(home)
    assert [report.source for report in reports if report] == ["hotline"]


def test_a_feed_on_standard_input_is_taken_record_by_record(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [RECALL, {"RecallID": 0, "Title": "Error retrieving Recalls"}, RECALL]
    stream = io.TextIOWrapper(io.BytesIO(json.dumps(rows).encode()))
    monkeypatch.setattr("sys.stdin", stream)

    assert run("open", "-", "--json") == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed["counts"] == {"new": 1, "duplicate": 1, "quarantined": 1}
    assert printed["records"][-1]["reason"] == "api_error_row"
    assert kept(home)[1] == ["api_error_row"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "not exactly one JSON object"),
        ("", "not JSON, or is empty"),
        ("not json", "not JSON, or is empty"),
        ("17", "neither a Seawall report nor a recall feed"),
        (json.dumps(REPORT | {"SECRET": 1}), "does not know"),
        (json.dumps(REPORT | {"schema_version": 7}), "version"),
    ],
)
def test_a_file_that_cannot_be_taken_is_one_line_and_exit_2(
    tmp_path: Path, content: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content)

    assert run("open", str(file)) == 2

    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert code in told.err
    assert "SECRET" not in told.err


def test_a_file_that_is_not_there_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("open", "/nowhere/report.json") == 2

    assert "cannot be read" in capsys.readouterr().err


def test_another_report_under_the_same_reference_is_a_conflict_and_exit_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("open", written(tmp_path / "1.json", REPORT)) == 0
    assert run("open", written(tmp_path / "2.json", REPORT | {"title": "Another"})) == 5

    assert "same reference" in capsys.readouterr().err


def test_the_schema_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema", "report") == 0

    assert json.loads(capsys.readouterr().out)["$id"] == "urn:seawall:report:1"
