"""Does `seawall rulebook check` find each kind of fault, with file, line and what to do, and end with code 2?

Each fault is put into a copy of the shipped rulebook, or into a company's folder laid over it.
"""

import re
import shutil
from pathlib import Path

import pytest

from rulebook.sources import HERE
from starter.errors import BAD_INPUT
from tests.commands import Run

NEAR = 30  # a fault of two rows is told at the second
FAULTS = [
    pytest.param(
        "clocks/eu.yaml", "    recipient: the notifier\n", "    recipent: the notifier\n",
        "recipent", "remove it or correct its name", id="unknown-field",
    ),
    pytest.param(
        "clocks/eu.yaml", "    applies_if: \"'notice' in kinds\"", "    applies_if: \"'notice' inn kinds\"",
        "applies_if", "is not CEL", id="bad-cel",
    ),
    pytest.param(
        "clocks/eu.yaml", "    applies_if: \"'notice' in kinds\"", "    applies_if: \"'notice' in knds\"",
        "applies_if", "did you mean kinds?", id="cel-unknown-name",
    ),
    pytest.param(
        "severity.yaml", 'when: "deaths >= 1"', 'when: "deaths"', "when", "is no yes or no; compare it with something",
        id="cel-that-is-no-question",
    ),
    pytest.param(
        "playbooks/psafe.yaml", "panel: {quorum: 1, seats: {PSAF: {required: true}}}",
        "panel: {quorum: 7, seats: {PSAF: {required: true}}}",
        "gates.root_cause.panel.quorum", "can never be reached by 2 people; lower it or add seats",
        id="unreachable-quorum",
    ),
    pytest.param(
        "playbooks/psafe.yaml", "seats: {PSAF: {}, PROD: {}", "seats: {WIZARD: {}, PROD: {}",
        "gates.verification.panel.seats.WIZARD", "add people to rosters", id="role-nobody-holds",
    ),
    pytest.param(
        "clocks/eu.yaml", "    owner: PSAF\n", "    owner: WIZARD\n", "owner", "name a role of", id="owner-nobody-is"
    ),
    pytest.param(
        "clocks/eu.yaml", '    source: "Regulation (EU) 2023/988 art. 22(8)"\n', "", "source", "is missing; add it",
        id="missing-source",
    ),
    pytest.param(
        "clocks/in.yaml", "{from: 2021-02-25, to: 2026-02-19}", "{from: 2021-02-25, to: 2026-02-20}",
        "effective", "end one before the other begins", id="overlapping-dates",
    ),
    pytest.param(
        "clocks/us.yaml", "calendar: US}", "calendar: USSR}", "calendar", "use a code such as DE or AU-NSW",
        id="calendar-that-is-none",
    ),
    pytest.param(
        "clocks/us.yaml", "zone: America/New_York", "zone: America/Gotham", "zone", "use a name such as Europe/Dublin",
        id="zone-that-is-none",
    ),
    pytest.param(
        "gates.yaml", "default: hold_back", "default: send", "gates.external_response.default",
        "a default must be a reversible option", id="irreversible-default",
    ),
    pytest.param(
        "gates.yaml", "apart_from: [emergency_act]", "apart_from: [root_cause]", "gates.ratification.apart_from",
        "who took part must not decide (separation of duties); add emergency_act", id="who-acted-may-ratify",
    ),
    pytest.param(
        "ladder.yaml", "{items: 500, sellers: 20}", "{items: 5, sellers: 20}", "blast.tiers[1]",
        "B1 must reach further than B0", id="tier-that-reaches-less",
    ),
    pytest.param(
        "clocks/eu.yaml", "{n: 2, unit: working_day}", "{n: 0, unit: working_day}", "period", "needs n of 1 or more",
        id="period-of-zero",
    ),
    pytest.param(
        "clocks/eu.yaml", "{n: 2, unit: working_day}", "{n: -2, unit: working_day}", "period.n",
        "greater than or equal to 0", id="negative-period",
    ),
    pytest.param(
        "clocks/eu.yaml", "{n: 1, unit: hour}", "{n: 0, unit: hour}", "period", "needs n of 1 or more", id="zero-hours"
    ),
    pytest.param(
        "clocks/us.yaml", "{n: 10, most: 14, unit: business_day}", "{n: 14, most: 9, unit: business_day}",
        "period", "a window ends after it opens", id="window-that-never-opens",
    ),
    pytest.param(
        "clocks/eu.yaml", "    margin: PT6H\n", "    margin: -PT6H\n", "margin", "write a duration such as PT30M",
        id="negative-margin",
    ),
    pytest.param(
        "clocks/eu.yaml", "from: 2024-12-13, to: null", "from: 2024-02-30, to: null", "effective.from", "valid date",
        id="no-such-day",
    ),
    pytest.param(
        "clocks/br.yaml", "working_days: true", "n: 3, min_working_days: -1", "min_working_days",
        "greater than or equal to 0", id="negative-working-days",
    ),
    pytest.param(
        "clocks/eu.yaml", "starts_at: event\n    event: remedy_lapsed\n", "starts_at: event\n    event: party\n",
        "event", "needs one of", id="unknown-event",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "field", "remedy"), FAULTS)
def test_a_fault_is_told_with_its_file_its_line_and_what_to_do(
    run: Run, tmp_path: Path, name: str, old: str, new: str, field: str, remedy: str
) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer says {old!r}"
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1

    code, out, err = run("rulebook", "check", str(folder), "--whole")

    assert (code, err) == (BAD_INPUT, "")
    found = [re.fullmatch(r"rules/(\S+):(\d+) (\S+): (.*)", one) for one in out.splitlines()[:-1]]
    mine = [one for one in found if one and one[1] == name and one[3].endswith(field)]
    assert mine, out
    assert any(remedy in one[4] for one in mine), out
    assert any(abs(int(one[2]) - line) <= NEAR for one in mine), (line, out)


def test_every_kind_of_fault_is_found_in_one_go(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name, old, new in (
        ("clocks/us.yaml", "calendar: US}", "calendar: USSR}"),
        ("clocks/in.yaml", "{from: 2021-02-25, to: 2026-02-19}", "{from: 2021-02-25, to: 2026-02-20}"),
        ("gates.yaml", "default: hold_back", "default: send"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    code, out, _ = run("rulebook", "check", str(folder), "--whole")

    assert code == BAD_INPUT
    assert {one.split(":")[0] for one in out.splitlines()[:-1]} == {
        "rules/clocks/us.yaml", "rules/clocks/in.yaml", "rules/gates.yaml",
    }  # fmt: skip


@pytest.mark.parametrize("folder", ["nowhere", "/dev/null"])
def test_a_folder_that_is_none_is_refused_in_one_line(run: Run, folder: str) -> None:
    code, out, err = run("rulebook", "check", folder)

    assert (code, out) == (BAD_INPUT, "")
    assert "Give the path of a folder" in err
