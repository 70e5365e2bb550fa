"""What does `seawall deploy …` refuse, and what is a build called?"""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from typer.testing import CliRunner

from replay.deploying import commands, deployment
from starter import build_id, keyring, settings
from starter.errors import BAD_INPUT, UNAVAILABLE, Problem
from tests.replay.server import dev_server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
async def client(home: Path) -> AsyncIterator[Client]:
    async with dev_server(keyring.open_ring(settings.load(home=home).keyring_file)) as connected:
        yield connected


@pytest.fixture(autouse=True)
def here(client: Client, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    monkeypatch.setenv("SEAWALL_BUILD_ID", "0a1b2c3d")
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    monkeypatch.setattr(deployment, "TRIES", 1)


def run(*words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(commands.app, list(words), standalone_mode=False)
    if isinstance(ended.exception, Problem):
        raise ended.exception
    return ended.return_value, ended.output


def test_before_any_worker_has_versioning_the_status_says_who_takes_the_cases() -> None:
    code, text = run("status", "--json")

    assert (code, json.loads(text)) == (0, {"here": "0a1b2c3d", "current": "", "versions": []})


def test_this_checkout_cannot_speak_for_another_build() -> None:
    with pytest.raises(Problem) as refused:
        run("current", "ffffffff")

    assert (refused.value.code, refused.value.exit_code) == ("another_build", BAD_INPUT)
    assert "--unchecked" in refused.value.next_step


@pytest.mark.parametrize("words", [("current", "--unchecked", "night"), ("ramp", "10", "--unchecked", "night")])
def test_a_build_of_which_no_worker_has_asked_for_work_takes_nothing(words: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as refused:
        run(*words)

    assert (refused.value.code, refused.value.exit_code) == ("unknown_build", UNAVAILABLE)
    assert "0a1b2c3d" in refused.value.line()


def test_a_build_is_called_by_its_commit_and_marked_when_files_differ_from_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        named = ("-c", "user.name=t", "-c", "user.email=t@t.example")
        return subprocess.run(
            ["git", "-C", str(tmp_path), *named, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("one\n")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    clean = build_id._commit(tmp_path)
    (tmp_path / "code.py").write_text("two\n")
    changed = build_id._commit(tmp_path)

    assert clean == git("rev-parse", "--short=8", "HEAD")
    assert changed == f"{clean}+"


def test_outside_a_checkout_a_build_is_called_by_its_release(tmp_path: Path) -> None:
    assert build_id._commit(tmp_path) == ""
    assert build_id._release()
