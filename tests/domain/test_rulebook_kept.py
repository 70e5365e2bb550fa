"""Is every version kept as it was, may a company add its own rules, and is every fault of a rulebook found?"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import rulebook
from escalations.rulebook import UnknownRulebook
from rulebook import archive, differences, sources

NEW_CLOCK = """rules:
  - id: {id}
    version: {version}
    effective: {{from: {since}, to: null}}
    jurisdiction: EU
    instrument: house policy, not law
    duty: call the seller
    meets: sellers_informed
    owner: {owner}
    recipient: the seller
    applies_if: "domain == 'FRAUD'"
    starts_at: intake
    period: {{n: 4, unit: hour}}
    margin: PT1H
    force: house
    confidence: H
    source: house policy
    checked: 2026-11-23
"""


def company(tmp_path: Path, **changes: str) -> Path:
    told = {"id": "ACME-CALL", "version": "1", "since": "2026-01-01", "owner": "OPS", **changes}
    folder = tmp_path / "acme"
    (folder / "clocks").mkdir(parents=True)
    (folder / "clocks" / "acme.yaml").write_text(NEW_CLOCK.format(**told), encoding="utf-8")
    return folder


def test_a_version_that_was_used_can_be_read_again_and_is_the_same(tmp_path: Path) -> None:
    own = company(tmp_path)

    first = archive.opened(tmp_path / "kept", company=own)
    second = archive.opened(tmp_path / "kept", overlay="demo")
    again = second.of(first.current.version)

    assert first.current.version != second.current.version
    assert again.version == first.current.version
    assert "ACME-CALL" in {rule.id for rule in again.clocks}
    assert again.playbooks == first.current.playbooks
    assert second.of(second.current.version) is second.current


def test_keeping_a_version_twice_is_keeping_it_once(tmp_path: Path) -> None:
    archive.opened(tmp_path / "kept")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*")}

    archive.opened(tmp_path / "kept")

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*")} == before


def test_a_version_that_is_not_kept_or_was_altered_is_refused_with_the_next_step(tmp_path: Path) -> None:
    first = archive.opened(tmp_path / "kept", overlay="demo")
    second = archive.opened(tmp_path / "kept")
    file = tmp_path / "kept" / first.current.version / "severity.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("nuisance", "trifle"), encoding="utf-8")

    with pytest.raises(UnknownRulebook, match="was altered"):
        second.of(first.current.version)
    with pytest.raises(UnknownRulebook, match="put it back, or replan the case"):
        second.of("2026.01-000000000000")


def test_a_company_adds_rules_and_versions_and_changes_what_is_not_a_clock(tmp_path: Path) -> None:
    own = company(tmp_path)
    (own / "rulebook.yaml").write_text("platform: {name: Acme}\n", encoding="utf-8")

    book = rulebook.load(company=own)

    assert book.platform.name == "Acme"
    assert len(book.clocks) == len(rulebook.load().clocks) + 1


def test_a_company_never_edits_a_clock_in_place(tmp_path: Path) -> None:
    own = company(tmp_path, id="EU-GPSR-22-4")

    with pytest.raises(rulebook.RulebookInvalid, match="twice; raise the version"):
        rulebook.load(company=own)


def test_two_versions_of_a_rule_are_never_in_force_at_once(tmp_path: Path) -> None:
    own = company(tmp_path, id="EU-GPSR-22-4", version="2", since="2026-12-01")

    with pytest.raises(rulebook.RulebookInvalid, match="overlaps version 1 of EU-GPSR-22-4"):
        rulebook.load(company=own)


def test_every_fault_is_found_with_its_line(tmp_path: Path) -> None:
    copied = tmp_path / "rules"
    shutil.copytree(sources.HERE, copied, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    eu = copied / "clocks" / "eu.yaml"
    text = eu.read_text(encoding="utf-8")
    text = text.replace("'online_marketplace' in roles", "'online_marketplace' in role", 1)
    eu.write_text(text.replace("unit: working_day}", "unit: fortnight}", 1), encoding="utf-8")
    severity = copied / "severity.yaml"
    severity.write_text(severity.read_text(encoding="utf-8").replace("weight: 30", "wait: 30", 1), encoding="utf-8")

    found = rulebook.faults(copied)

    assert len(found) >= 3
    assert {where.split(":")[0] for where, _ in found} == {"rules/clocks/eu.yaml", "rules/severity.yaml"}
    assert all(where.split(":")[1].split(" ")[0].isdigit() for where, _ in found)
    assert any("did you mean roles?" in text for _, text in found)


def test_a_role_that_nobody_holds_is_a_fault(tmp_path: Path) -> None:
    [(where, text)] = rulebook.faults(company=company(tmp_path, owner="NOBODY"))

    assert where.startswith("acme/clocks/acme.yaml:")
    assert "nobody holds the role NOBODY" in text


def test_the_shipped_rulebook_has_no_fault() -> None:
    assert rulebook.faults() == rulebook.faults(overlay="demo") == ()


def test_a_difference_is_told_in_words_with_the_cases_it_changes(tmp_path: Path) -> None:
    old, new = rulebook.load(), rulebook.load(company=company(tmp_path))

    told = differences.differences(old, new)

    assert "clock ACME-CALL version 1 is new" in told
    assert any(line.startswith("FRAUD ") and line.endswith("ACME-CALL starts") for line in told)
    assert not [line for line in told if line.startswith("PSAFE ")]
    assert differences.differences(old, rulebook.load()) == ()


def test_every_part_of_a_rulebook_that_differs_is_named_and_every_changed_clock_is_counted() -> None:
    old = rulebook.load()
    longer = {"EU-DSA-17": 1, "US-SAR": 20}  # one starts after the act, one with an event
    clocks = tuple(replace(one, number=longer.get(one.id, one.number)) for one in old.clocks)
    platform = replace(old.platform, contact="other@bazaara.example")
    new = replace(old, version="other", clocks=clocks, platform=platform, countries=old.countries[1:])

    told = differences.differences(old, new)

    assert "platform: contact changed" in told
    assert "countries: AT changed" in told
    assert (
        "clock US-SAR version 1: counted from 2026-12-24 12:00Z it is due 2027-01-24 04:59Z → 2027-01-14 04:59Z" in told
    )
    assert (
        "PSAFE recall notice without harm known: EU-DSA-17 is due 2026-12-24 23:59Z → 2026-12-25 23:59Z" in told
    )  # fmt: skip


def test_rulebooks_that_differ_in_wordings_only_are_not_called_equal() -> None:
    old = rulebook.load()

    assert differences.differences(old, replace(old, version="other")) == ("the wordings of the letters changed",)
