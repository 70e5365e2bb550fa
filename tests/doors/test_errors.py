"""Does a refusal have the same exit code at every door, and a next step?"""

import ast
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from starter import cli, next_steps
from starter.errors import CANNOT_WRITE, MISCONFIGURED, UNAVAILABLE
from starter.faults import of_store
from store.errors import StoreMisconfigured, StoreUnavailable

ROOT = Path(__file__).resolve().parents[2]
CASE = "ESC-7Q2M-0ABC-XYZ1"
JUDGES = (
    "escalations/admission.py",
    "escalations/delegations.py",
    "escalations/voting.py",
    "workflows/reception.py",
)


@pytest.fixture(autouse=True)
def logs_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (StoreUnavailable("away", "It does not answer.", next_step="Start it."), UNAVAILABLE),
        (StoreUnavailable("locked", "It is locked.", next_step="Wait."), UNAVAILABLE),
        (StoreUnavailable("read_only", "It may only be read.", next_step="Make it writable."), CANNOT_WRITE),
        (StoreUnavailable("full", "The disk is full.", next_step="Free space."), CANNOT_WRITE),
        (StoreMisconfigured("bad_url", "That is no address.", next_step="Correct it."), MISCONFIGURED),
    ],
    ids=lambda one: one.code if hasattr(one, "code") else str(one),
)
def test_a_fault_of_the_casebook_is_one_line_with_its_exit_code_wherever_it_is_met(
    fault: StoreUnavailable | StoreMisconfigured, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise fault

    assert (of_store(fault).code, of_store(fault).exit_code) == (fault.code, code)
    assert cli.guarded(fails) == code
    assert capsys.readouterr().err == f"seawall: {fault.text} {fault.next_step}\n"


@pytest.mark.parametrize(
    "words",
    [("list",), ("inbox", "--as", "ana.ic"), ("show", CASE), ("clocks", CASE), ("timeline", CASE), ("open", "r.json")],
    ids=lambda words: words[0],
)
def test_a_database_server_that_is_away_is_exit_69_at_every_command(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = free.getsockname()[1]
    (tmp_path / "r.json").write_text(
        '{"schema_version": 1, "source_ref": "R-1", "kind": "incident_report", "title": "a burned hand"}'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEAWALL_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{nobody}/casebook")
    monkeypatch.setattr("sys.argv", ["seawall", *words])

    code = cli.run()

    told = capsys.readouterr().err
    assert code == UNAVAILABLE
    assert told.count("\n") == 1
    assert "does not answer" in told
    assert "SEAWALL_DATABASE_URL" in told


def test_every_reason_of_a_case_that_has_a_step_of_its_own_exists() -> None:
    words = {
        node.value
        for name in JUDGES
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert next_steps.STEPS.keys() <= words


def test_whatever_a_case_refuses_for_the_next_step_is_named() -> None:
    assert next_steps.after("unknown_task", f"{CASE}/prevention/1") == f"Look at it: seawall show {CASE}"
    assert "seats" in next_steps.after("not_eligible", CASE)
    assert next_steps.sentence("this was said before") == "this was said before."
    assert next_steps.sentence("Is it?") == "Is it?"
