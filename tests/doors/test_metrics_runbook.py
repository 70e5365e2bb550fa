"""Does the runbook cover every alert, and does every command in it exist with the options it is given?"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml
from typer._click.exceptions import UsageError

from starter.cli import compose
from starter.doctor import machine
from tests.replay.server import binary
from tests.stack.conftest import ROOT

RUNBOOK = ROOT / "docs" / "runbook.md"
RULES = ROOT / "ops" / "prometheus" / "rules.yaml"
CODE = re.compile(r"`([^`]+)`")


def commands(program: str) -> list[str]:
    """Every command of a program that the runbook names in code, once."""
    spans = [" ".join(span.split()) for span in CODE.findall(RUNBOOK.read_text())]
    return sorted({span for span in spans if span.split()[0] == program and len(span.split()) > 1})


def anchor(heading: str) -> str:
    """How a heading is linked to."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def headings() -> set[str]:
    return {anchor(line.lstrip("# ")) for line in RUNBOOK.read_text().splitlines() if line.startswith("#")}


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_links_to_a_section_with_steps(rule: dict[str, Any]) -> None:
    file, _, section = rule["annotations"]["runbook"].partition("#")
    body = RUNBOOK.read_text().partition(f"## {rule['alert']}\n")[2].partition("\n## ")[0]

    assert file == "docs/runbook.md"
    assert section == anchor(rule["alert"])
    assert section in headings()
    assert "\n1. " in body
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_link_within_the_runbook_leads_somewhere() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", RUNBOOK.read_text())

    assert links
    assert set(links) <= headings()
    assert all((RUNBOOK.parent / file).exists() for file in re.findall(r"\]\(([^#)][^)]*)\)", RUNBOOK.read_text()))


@pytest.mark.parametrize("command", commands("seawall"))
def test_every_seawall_command_in_the_runbook_exists_with_its_options(command: str) -> None:
    root = typer.main.get_command(compose())
    words = shlex.split(command)[1:]

    found, rest = _resolved(root, words)

    options = {name for parameter in found.params for name in parameter.opts} | {"--help"}
    assert not hasattr(found, "commands"), f"{command} stops at a group"
    assert {word for word in rest if word.startswith("-")} <= options, command


def test_a_command_that_does_not_exist_would_be_found() -> None:
    root = typer.main.get_command(compose())

    with pytest.raises(UsageError):
        _resolved(root, ["doctors"])


def _resolved(command: Any, words: list[str]) -> tuple[Any, list[str]]:
    """Follow the words of a command line through its groups, as the program does. Raises UsageError."""
    while hasattr(command, "commands"):
        _, command, words = command.resolve_command(command.context_class(command), words)
    return command, words


@pytest.mark.parametrize("command", commands("temporal"))
def test_every_temporal_command_in_the_runbook_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    path = list(_until_option(words))

    helped, everywhere = (
        subprocess.run([binary(), *asked], capture_output=True, text=True, timeout=60, check=False)
        for asked in ((*path, "--help"), ("options",))
    )

    assert helped.returncode == 0, helped.stderr
    assert f"temporal {' '.join(path)}" in helped.stdout
    for option in (word for word in words if word.startswith("-")):
        known = helped.stdout + everywhere.stdout
        assert re.search(rf"(^|\s){re.escape(option)}\b", known), f"{command}: {option}"


def _until_option(words: list[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("-"):
            return
        yield word


def test_what_the_doctor_tells_people_to_run_exists() -> None:
    root = typer.main.get_command(compose())
    sources = [path.read_text() for path in sorted((ROOT / "starter" / "doctor").glob("*.py"))]

    told = {match for text in sources for match in re.findall(r"Run: seawall ([a-z -]+?)(?= [A-Z]|[,.\"]|$)", text)}

    assert len(told) >= 4
    for words in told:
        found, rest = _resolved(root, words.split())
        options = {name for parameter in found.params for name in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= options, words
    assert machine.LOCK.is_file()
