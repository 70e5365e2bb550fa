"""Does the terminal explain due times and triage, with a reason for each, and refuse bad input in one line?"""

import json
from pathlib import Path
from typing import Any

import pytest

from starter.errors import BAD_INPUT
from tests.commands import Run

BREACH: dict[str, Any] = {
    "schema_version": 1,
    "source_ref": "BREACH-0001",
    "kind": "alert",
    "title": "A bucket with documents was open",
    "domain": "PRIV",
    "jurisdictions": ["IE", "DE", "BR", "SG", "KR", "IN"],
    "facts": {
        "marks": ["personal_data_breach", "high_risk_breach", "sensitive_data"],
        "people_affected": 18204,
        "events": [{"kind": "breach_assessed", "at": "2026-10-24T11:00:00+08:00", "place": "SG"}],
    },
}


def written(tmp_path: Path, document: dict[str, Any]) -> str:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("rule", "at", "calendar", "due", "latest"),
    [
        ("EU-GDPR-33", "2026-10-23T14:20Z", "", "2026-10-26T14:20:00+00:00", "2026-10-28T23:59:59+00:00"),
        ("EU-GPSR-22-4", "2026-12-24T14:40Z", "DE", "2026-12-29T22:59:59+00:00", "2026-12-29T22:59:59+00:00"),
        ("EU-GPSR-22-4", "2026-12-24T14:40Z", "IE", "2026-12-29T23:59:59+00:00", "2026-12-29T23:59:59+00:00"),
        ("EU-TCO-3-3", "2026-10-25T00:30Z", "", "2026-10-25T01:30:00+00:00", "2026-10-25T01:30:00+00:00"),
    ],
)
def test_a_due_time_is_told_with_its_derivation(
    run: Run, rule: str, at: str, calendar: str, due: str, latest: str
) -> None:
    words = ("--calendar", calendar) if calendar else ()

    code, out, _ = run("clocks", "due", rule, "--at", at, *words, "--json")
    told = json.loads(out)
    _, people, _ = run("clocks", "due", rule, "--at", at, *words)

    assert code == 0
    assert (told["due_operational"], told["due_legal_latest"]) == (due, latest)
    assert told["derivation"]
    assert told["derivation"][-1] in people
    assert told["source"] in people


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("due", "EU-GPSR-22-4", "--at", "2026-12-24T14:40"), "no zone"),
        (("due", "EU-GPSR-22-4", "--at", "tomorrow"), "not readable"),
        (("due", "EU-GPSR-22-4", "--at", ""), "missing"),
        (("due", "EU-GPSR-22-5Z", "--at", "2026-12-24T14:40Z"), "Did you mean EU-GPSR-22-"),
        (("due", "EU-GPSR-22-4", "--at", "2026-12-24T14:40Z", "--calendar", "XX"), "XX is not known; use one of"),
        (("due", "EU-GPSR-22-4", "--at", "2020-12-24T14:40Z"), "not in force then"),
        (("due", "EU-GPSR-22-4", "--at", "2026-12-24T14:40Z", "--version", "9"), "no such version"),
        (("due", "EU-GPSR-22-4", "--at", "2199-12-24T14:40Z"), "calendars are known for 1970 to 2099"),
        (("due", "US-CSAM-1Y", "--at", "2099-12-24T14:40Z"), "holidays of US are not known for 2101"),
        (("due", "IN-CERT", "--at", "0001-01-01T00:00Z", "--version", "1"), "calendars are known"),
        (("list", "--jurisdiction", "ZZ"), "Use one of"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_one_line(run: Run, words: tuple[str, ...], says: str) -> None:
    code, out, err = run("clocks", *words)

    assert (code, out) == (BAD_INPUT, "")
    assert says in err
    assert err.count("\n") == 1


def test_the_rules_of_a_jurisdiction_are_listed(run: Run) -> None:
    code, out, _ = run("clocks", "list", "--jurisdiction", "SG", "--json")
    rules = json.loads(out)

    assert code == 0
    assert {rule["jurisdiction"] for rule in rules} == {"SG"}
    assert "SG-PDPA" in {rule["rule"] for rule in rules}
    assert all(rule["source"] and rule["law"] and rule["confidence"] in "HML" for rule in rules)


def test_a_report_is_triaged_without_starting_or_keeping_anything(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, BREACH)

    code, out, _ = run("triage", file, "--at", "2026-10-23T14:20Z", "--json")
    told = json.loads(out)[0]
    due = {clock["rule"]: clock["due_operational"] for clock in told["clocks"]}
    _, people, _ = run("triage", file, "--at", "2026-10-23T14:20Z")

    assert code == 0
    assert (told["domain"], told["priority"], told["severity"]["floor"]) == ("PRIV", 1, 1)
    assert list(told["severity"]["vector"].values()) == [3, 2, 3, 0, 1, 4, 0, 3]
    assert "harm 3, confirmation 2, reach 3" in people
    assert told["sign_off"] == {
        "approve": ["DPO", "SEC"], "veto": ["LEG", "DPO"], "consulted": ["COMMS"], "called": [],
    }  # fmt: skip
    assert told["ring"] == "privileged"
    assert due["EU-GDPR-33"].startswith("2026-10-26T14:20:00")
    assert due["SG-PDPA"].startswith("2026-10-27T15:59:59")
    assert due["BR-ANPD"].startswith("2026-10-29T02:59:59")
    assert "IN-DPDP" not in due
    assert all(step in people for step in told["steps"])
    assert {gate["kind"] for gate in told["gates"]} >= {"legal_review", "external_response"}
    assert not (tmp_path / "home" / "casebook.db").exists()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"facts": {"marks": ["guilty"]}}, "/facts/marks/0"),
        ({"facts": {"events": [{"kind": "breach_assessed", "at": "2026-10-24T11:00:00"}]}}, "/facts/events/0/at"),
        ({"facts": {"events": [{"kind": "breach_assessed", "at": "2101-01-01T00:00:00Z"}]}}, "/facts/events/0/at"),
        ({"facts": {"events": [{"kind": "breach_assessed", "at": "1999-12-31T00:00:00Z"}]}}, "/facts/events/0/at"),
        ({"facts": {"events": [{"kind": "party", "at": "2026-10-24T11:00:00Z"}]}}, "/facts/events/0/kind"),
        ({"facts": {"people_affected": -1}}, "/facts/people_affected"),
        ({"kind": "rumour"}, "/kind"),
        ({"domain": "WORLD"}, "/domain"),
    ],
)
def test_a_report_with_a_fault_is_refused_with_its_place(
    run: Run, tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    code, out, err = run("triage", written(tmp_path, BREACH | change))

    assert (code, out) == (BAD_INPUT, "")
    assert f"(at {place})" in err


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2100-06-01T00:00Z", "reports arrive in 2000 to 2090"),
        ("1969-01-01T00:00Z", "reports arrive in 2000 to 2090"),
        ("2026-10-25T02:30", "no zone"),
        ("2026-02-30T00:00Z", "not readable"),
    ],
)
def test_a_time_of_arrival_that_cannot_be_is_refused(run: Run, tmp_path: Path, at: str, says: str) -> None:
    code, out, err = run("triage", written(tmp_path, BREACH), "--at", at)

    assert (code, out) == (BAD_INPUT, "")
    assert says in err
    assert err.count("\n") == 1
