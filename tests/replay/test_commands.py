"""What does an engineer get from `seawall replay …`, and with which exit code?"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import typer
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from typer.testing import CliRunner

from replay import commands, reading
from starter import keyring, settings
from starter.connect import ensure_search_attributes
from starter.errors import Problem
from tests.replay import small
from tests.replay.server import dev_server

CASE = "ESC-0000-0000-0101"
OPEN = "ESC-0000-0000-0102"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
async def client(home: Path) -> AsyncIterator[Client]:
    """A server with one closed and one open case, sealed with the ring of the home folder."""
    ring = keyring.open_ring(settings.load(home=home).keyring_file)
    async with dev_server(ring) as connected:
        await ensure_search_attributes(connected)
        async with Worker(
            connected,
            task_queue="small",
            workflows=[small.Small, small.SmallChild],
            activities=[small.judge, small.hide, small.tell],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            for case_id in (CASE, OPEN):
                await connected.start_workflow(small.Small.run, small.Order("S1"), id=case_id, task_queue="small")
            handle = connected.get_workflow_handle_for(small.Small.run, CASE)
            await handle.signal(small.Small.whisper, "psst")
            await handle.execute_update(small.Small.say, small.Word("yes"))
            await handle.result()
        yield connected


@pytest.fixture(autouse=True)
def here(client: Client, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    monkeypatch.setattr(reading, "workflows", lambda: (small.Small, small.SmallChild))


def run(*words: str) -> tuple[int, str]:
    """Run a command. Two histories are not worth a second checking process; several are tried in their own tests."""
    app = typer.Typer()
    commands.build(app)
    alone = ("--jobs", "1") if words[0] == "check" else ()
    ended = CliRunner().invoke(app, ["replay", *words, *alone], standalone_mode=False)
    if isinstance(ended.exception, Problem):
        raise ended.exception
    return ended.return_value, ended.output


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_case_is_exported_and_checked_as_files(tmp_path: Path) -> None:
    folder = tmp_path / "out"

    code, text = run("export", CASE, "-o", str(folder))
    assert (code, "2 runs written" in text) == (0, True)
    code, text = run("check", str(folder))

    assert (code, "2 runs, 0 differ" in text) == (0, True)
    assert (folder / "runs.json").is_file()


def test_a_changed_timer_ends_with_exit_code_1_and_names_case_event_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("export", CASE, "-o", str(tmp_path))
    monkeypatch.setenv("SMALL_LIFE", '{"wait": 2}')

    code, text = run("check", str(tmp_path), "--json")

    assert code == 1
    *verdicts, summary = lines(text)
    [different] = [each for each in verdicts if each["verdict"] == "differs"]
    [difference] = different["differences"]
    assert summary["summary"]["verdicts"] == {"differs": 1, "same": 1}
    assert different["workflow_id"] == CASE
    assert difference["event_id"] > 0
    assert difference["place"].startswith("tests/replay/small.py:")


def test_an_export_with_states_shows_code_that_keeps_something_else_and_does_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, folder = str(tmp_path / "bare"), str(tmp_path / "out")
    run("export", CASE, "-o", bare)
    code, text = run("export", CASE, "--states", "-o", folder, "--json")
    written = {each["workflow_id"]: each["states"] for each in json.loads(text)}
    assert (code, written[f"{CASE}/follow/1"]) == (0, 1)
    assert written[CASE] > 3
    *same, _ = lines(run("check", folder, "--json")[1])
    assert {each["workflow_id"]: (each["verdict"], each["states"]) for each in same} == {
        case_id: ("same", count) for case_id, count in written.items()
    }
    monkeypatch.setenv("SMALL_LIFE", '{"notes": false}')

    unseen, _ = run("check", bare)
    seen, text = run("check", folder)

    assert (unseen, seen) == (0, 1)
    [line] = [line for line in text.splitlines() if "state unread" in line]
    assert "recorded one value, now another at tests/replay/small.py:" in line
    assert "; the same " in line


def test_the_details_that_the_ui_shows_are_among_the_states_and_hold_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("export", CASE, "--states", "-o", str(tmp_path / "out"))
    monkeypatch.setenv("SMALL_LIFE", '{"summary": "other"}')

    code, text = run("check", str(tmp_path / "out"))

    assert code == 0
    assert "only in words of Temporal's UI: event " in text
    assert any("state details: recorded one value, now another" in line for line in text.splitlines())


def test_a_redacted_export_has_redacted_states(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run("export", CASE, "--redacted", "--states", "-o", str(folder))

    code, text = run("check", str(folder), "--keyring", str(folder / "throw-away.keyring"), "--json")

    assert code == 0
    assert all(each["states"] for each in lines(text)[:-1])


def test_code_that_cannot_live_a_case_writes_it_without_states_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "LIVE", [type("Broken", (small.Life,), {"breaks": True})])

    code, text = run("export", CASE, "--states", "-o", str(tmp_path / "out"))

    assert code == 0
    assert "no states of 1 runs: this code does not live them as recorded" in text
    assert len(list((tmp_path / "out" / "states").iterdir())) == 1


def test_the_open_cases_of_a_server_are_checked_alone() -> None:
    code, text = run("check", "--server", "--open", "--json")

    assert code == 0
    assert {each["workflow_id"]: each["verdict"] for each in lines(text)[:-1]} == {OPEN: "same"}


def test_all_cases_of_a_server_are_checked_and_exported(tmp_path: Path) -> None:
    code, text = run("check", "--server", "--json")
    assert (code, lines(text)[-1]["summary"]["verdicts"]) == (0, {"same": 3})

    code, text = run("export", "--all", "-o", str(tmp_path), "--json")

    assert {each["workflow_id"] for each in json.loads(text)} == {CASE, OPEN, f"{CASE}/follow/1"}


def test_files_of_another_installation_fail_with_one_line_each(tmp_path: Path) -> None:
    run("export", CASE, "-o", str(tmp_path / "out"))
    theirs = tmp_path / "keys" / "keyring.json"
    keyring.open_ring(theirs)

    code, text = run("check", str(tmp_path / "out"), "--keyring", str(theirs))

    assert code == 2, text
    assert text.count("unreadable  ") == 2


@pytest.mark.parametrize("words", [("export",), ("export", CASE, "--all"), ("check",), ("check", "x", "--open")])
def test_what_contradicts_itself_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as refused:
        run(*words)

    assert (refused.value.code, refused.value.exit_code) == ("bad_input", 2)


def test_an_unknown_case_a_missing_file_an_empty_folder_and_a_missing_ring_are_refused(tmp_path: Path) -> None:
    for words, code in (
        (("export", "ESC-9999-9999-9999", "-o", str(tmp_path)), "unknown_case"),
        (("check", str(tmp_path / "none.json")), "no_file"),
        (("check", str(tmp_path)), "no_file"),
    ):
        with pytest.raises(Problem) as refused:
            run(*words)
        assert refused.value.code == code
    run("export", CASE, "-o", str(tmp_path / "out"))
    with pytest.raises(Problem) as refused:
        run("check", str(tmp_path / "out"), "--keyring", str(tmp_path / "no.json"))
    assert (refused.value.code, refused.value.exit_code) == ("no_keyring", 78)


def test_a_server_that_is_away_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    with pytest.raises(Problem) as refused:
        run("check", "--server")

    assert refused.value.exit_code == 69


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Problem) as refused:
        run("export", CASE, "-o", str(tmp_path / "file" / "out"))

    assert refused.value.exit_code == 73
