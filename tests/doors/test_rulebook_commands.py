"""Can a lawyer check and compare rulebooks at a terminal?"""

import json
import shutil
from pathlib import Path

import pytest

from rulebook import archive, sources
from starter.errors import BAD_INPUT, MISCONFIGURED
from tests.commands import Run
from tests.domain.test_rulebook_kept import company


def test_a_rulebook_in_order_passes(run: Run, tmp_path: Path) -> None:
    assert run("rulebook", "check")[:2] == (0, "in order\n")
    assert run("rulebook", "check", str(company(tmp_path)))[0] == 0


def test_a_fault_is_told_with_file_line_and_what_to_do(run: Run, tmp_path: Path) -> None:
    folder = str(company(tmp_path, owner="NOBODY"))

    code, out, _ = run("rulebook", "check", folder)
    _, told, _ = run("rulebook", "check", folder, "--json")

    assert code == BAD_INPUT
    assert out.startswith("acme/clocks/acme.yaml:")
    assert "name a role of rosters/persons.yaml" in out
    assert json.loads(told)["in_order"] is False


def test_two_rulebooks_are_compared_in_words(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("rulebook", "diff", "shipped", str(company(tmp_path)))
    same = run("rulebook", "diff", "shipped", "shipped")

    assert code == 0
    assert "clock ACME-CALL version 1 is new" in out
    assert same[:2] == (0, "nothing differs\n")


def copied(folder: Path) -> Path:
    """A copy of the shipped rulebook, as somebody makes who wants to try a change; one time-box is another."""
    shutil.copytree(sources.HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "demo"))
    gates = folder / "gates.yaml"
    gates.write_text(gates.read_text().replace("time_box: [PT30M", "time_box: [PT20M", 1))
    return folder


def test_a_copy_of_the_shipped_rulebook_is_whole_and_is_told_how_to_be_seen_alone(run: Run, tmp_path: Path) -> None:
    copy = str(copied(tmp_path / "copy"))

    code, _, err = run("rulebook", "check", copy)

    assert code == BAD_INPUT
    assert err == f"{copy} was laid over the shipped rules and holds every file itself; see it alone with --whole.\n"
    assert run("rulebook", "check", copy, "--whole")[:2] == (0, "in order\n")
    assert run("replay", "what-if", "--rulebook", copy, "--cases", copy)[2].count("add --whole") == 1


def test_a_whole_rulebook_is_compared_as_one(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("rulebook", "diff", "shipped", str(copied(tmp_path / "copy")))

    assert code == 0
    assert "by 24 Dec 12:20" in out
    assert "clock" not in out


def test_a_version_that_was_kept_can_be_compared(run: Run, tmp_path: Path) -> None:
    kept = archive.opened(tmp_path / "home" / "rulebooks", company=company(tmp_path)).current.version

    code, out, _ = run("rulebook", "diff", "shipped", kept)

    assert code == 0
    assert "clock ACME-CALL version 1 is new" in out


def test_a_folder_that_is_not_there_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    code, out, err = run("rulebook", "check", str(tmp_path / "nowhere"))

    assert (code, out) == (BAD_INPUT, "")
    assert err.count("\n") == 1


def test_a_company_rulebook_with_a_fault_stops_every_command_with_its_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAWALL_RULEBOOK", str(company(tmp_path, owner="NOBODY")))

    code, _, err = run("clocks", "list")

    assert code == MISCONFIGURED
    assert "acme/clocks/acme.yaml:" in err
