"""Does what-if find its cases on a living server, and say what it cannot find in one line?"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from starter.errors import BAD_INPUT
from tests.replay.test_whatif import run
from tests.workflows import test_paths as paths
from tests.workflows.living import living
from tests.workflows.world import World

CLOSED = "WorkflowType = 'Escalation' AND ExecutionStatus = 'Completed'"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A server that has lived two cases: one rejected, one that nobody decided in time."""
    async with living(tmp_path_factory.mktemp("world")) as world:
        await paths.test_a_rejected_case_hides_nothing_and_its_clocks_do_not_apply(world)
        await paths.test_when_nobody_decides_the_reversible_default_is_taken_at_the_time_box(world)
        yield world


@pytest.fixture(autouse=True)
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(world.told.home))
    monkeypatch.setenv("TEMPORAL_ADDRESS", world.env.client.service_client.config.target_host)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "gates.yaml").write_text("gates:\n  legal_review:\n    time_box: [PT20M, PT20M, PT20M, PT20M, PT20M]\n")
    return folder


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_cases_of_a_query_are_tried_whoever_fetches_them(world: World, book: Path, jobs: int) -> None:
    code, text = run("--rulebook", book, "--cases", CLOSED, "--jobs", jobs, "--json")

    told = json.loads(text)
    assert (code, told["cases"], told["same"], told["left_out"]) == (0, 2, 2, [])
    assert {one["case"] for one in told["scenarios"][0]["effects"]} <= set(world.cases)
    assert told["scenarios"][0]["gates"]["earlier"] >= 1


def test_a_query_for_one_stage_takes_the_cases_it_finds(world: World, book: Path) -> None:
    code, text = run("--rulebook", book, "--cases", f"WorkflowId = '{world.cases[0]}'", "--json")

    assert (code, json.loads(text)["cases"]) == (0, 1)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("WorkflowId = 'ESC-0000-0000-0000'", "finds no case", id="nothing found"),
        pytest.param("SeawallNonsense = 'x'", "does not understand", id="an attribute that there is not"),
        pytest.param("WorkflowId = ", "does not understand", id="half a query"),
    ],
)
def test_a_query_that_leads_nowhere_is_one_line(book: Path, tmp_path: Path, query: str, said: str) -> None:
    code, line = run("--rulebook", book, "--cases", query, "--html", tmp_path / "page.html")

    assert code == BAD_INPUT
    assert said in line
    assert "\n" not in line
    assert not (tmp_path / "page.html").exists()
