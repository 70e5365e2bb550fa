"""What does `seawall replay export` write, and what does it leave when it cannot?"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import typer
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from typer.testing import CliRunner

from replay import commands, export, histories, reading
from starter import keyring, settings
from starter.connect import ensure_search_attributes
from starter.errors import Problem
from tests.replay import chained, small
from tests.replay.opened import everything_said
from tests.replay.server import dev_server

CLOSED = "ESC-0000-0000-0201"
OPEN = "ESC-0000-0000-0202"
CHAIN = "ESC-0000-0000-0203"
CANARY = "Wilhelmina Quackenbush"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
async def client(home: Path) -> AsyncIterator[Client]:
    """A server with a closed case and its child, an open one, and one that went on as new twice."""
    ring = keyring.open_ring(settings.load(home=home).keyring_file)
    async with dev_server(ring) as connected:
        await ensure_search_attributes(connected)
        async with Worker(
            connected,
            task_queue="small",
            workflows=[small.Small, small.SmallChild, chained.Chained],
            activities=[small.judge, small.hide, small.tell],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            for case_id in (CLOSED, OPEN):
                await connected.start_workflow(small.Small.run, small.Order(CANARY), id=case_id, task_queue="small")
            handle = connected.get_workflow_handle_for(small.Small.run, CLOSED)
            await handle.execute_update(small.Small.say, small.Word(CANARY), id=f"by {CANARY}")
            await handle.result()
            handed = chained.Handed(CANARY, 2)
            await connected.execute_workflow(chained.Chained.run, handed, id=CHAIN, task_queue="small")
        yield connected


@pytest.fixture(autouse=True)
def here(client: Client, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    monkeypatch.setattr(reading, "workflows", lambda: (small.Small, small.SmallChild, chained.Chained))


def run(*words: str) -> tuple[int, str]:
    """Run a command. Two histories are not worth a second checking process; several are tried in their own tests."""
    app = typer.Typer()
    commands.build(app)
    alone = ("--jobs", "1") if words[0] == "check" else ()
    ended = CliRunner().invoke(app, ["replay", *words, *alone], standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return ended.return_value, ended.output


def exported(*words: str) -> list[dict[str, object]]:
    code, text = run("export", *words, "--json")
    assert code == 0
    return list(json.loads(text))


def test_a_case_is_written_with_its_children_and_an_index(tmp_path: Path) -> None:
    written = exported(CLOSED, "-o", str(tmp_path / "out"))

    assert [each["workflow_id"] for each in written] == [CLOSED, f"{CLOSED}/follow/1"]
    assert {each["case"] for each in written} == {CLOSED}
    assert json.loads((tmp_path / "out" / histories.INDEX).read_text()) == written
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [histories.INDEX, *(str(each["file"]) for each in written)]
    )


def test_a_chain_of_runs_is_kept_together_in_order(tmp_path: Path) -> None:
    first, second, third = exported(CHAIN, "-o", str(tmp_path / "out"))

    assert (first["next"], second["next"], third["next"]) == (second["run_id"], third["run_id"], "")
    assert (second["previous"], third["previous"]) == (first["run_id"], second["run_id"])


def test_open_cases_and_the_cases_of_a_query_are_written_whole(tmp_path: Path) -> None:
    still = exported("--open", "-o", str(tmp_path / "open"))
    found = exported("--query", "WorkflowType = 'SmallChild'", "-o", str(tmp_path / "query"))

    assert {each["workflow_id"] for each in still} == {OPEN}
    assert {each["workflow_id"] for each in found} == {CLOSED, f"{CLOSED}/follow/1"}


@pytest.mark.parametrize("case_id", [CLOSED, CHAIN])
async def test_a_redacted_case_replays_the_same_with_the_ring_beside_it(case_id: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_in_thread = asyncio.to_thread

    await run_in_thread(run, "export", case_id, "--redacted", "-o", str(folder))
    code, text = await run_in_thread(run, "check", str(folder), "--keyring", str(folder / export.RING), "--json")

    assert code == 0
    told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]  # progress is not JSON
    assert {each["verdict"] for each in told if "verdict" in each} == {"same"}
    ring = keyring.open_ring(folder / export.RING)
    for path in histories.files([folder]):
        said = await everything_said(histories.of_file(path), ring)
        assert CANARY not in said
        assert case_id in said


async def test_a_redacted_chain_hands_over_what_the_run_before_made(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    await asyncio.to_thread(run, "export", CHAIN, "--redacted", "-o", str(folder))

    runs = [histories.of_file(folder / str(each["file"])) for each in json.loads((folder / "runs.json").read_text())]

    for before, after in itertools.pairwise(runs):
        handed = before.events[-1].workflow_execution_continued_as_new_event_attributes.input.payloads
        assert list(handed) == list(after.input)
    said = await everything_said(runs[-1], keyring.open_ring(folder / export.RING))
    assert "again: again: " in said


def test_a_redacted_export_cannot_be_read_with_the_key_of_the_house(home: Path, tmp_path: Path) -> None:
    run("export", CLOSED, "--redacted", "-o", str(tmp_path / "out"))

    code, text = run("check", str(tmp_path / "out"))

    assert code == 2  # no judgement could be made
    assert text.count("unreadable  ") == 2


def test_nothing_is_left_when_a_case_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        run("export", "ESC-9999-9999-9999", "-o", str(tmp_path / "out"))

    assert (refused.value.code, refused.value.exit_code) == ("unknown_case", 4)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_the_key_does_not_open_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "elsewhere"))
    keyring.open_ring(settings.load().keyring_file)

    with pytest.raises(Problem) as refused:
        run("export", CLOSED, "--redacted", "-o", str(tmp_path / "out"))

    assert (refused.value.code, refused.value.exit_code) == ("unreadable", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_a_folder_that_holds_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(Problem) as refused:
        run("export", CLOSED, "-o", str(tmp_path))

    assert (refused.value.code, refused.value.exit_code) == ("cannot_write", 73)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_below_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Problem) as refused:
        run("export", CLOSED, "-o", str(tmp_path / "file" / "out"))

    assert refused.value.exit_code == 73


def test_a_query_that_temporal_does_not_understand_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        run("export", "--query", "Nonsense ==", "-o", str(tmp_path / "out"))

    assert (refused.value.code, refused.value.exit_code) == ("bad_query", 2)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_away_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    with pytest.raises(Problem) as refused:
        run("export", CLOSED, "-o", str(tmp_path / "out"))

    assert refused.value.exit_code == 69
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), (CLOSED, "--all"), ("--open", "--query", "x"), ("--open", "--all")])
def test_exactly_one_way_to_name_cases_is_taken(words: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as refused:
        run("export", *words)

    assert (refused.value.code, refused.value.exit_code) == ("bad_input", 2)
