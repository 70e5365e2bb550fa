"""Is a wrong rule file refused at start, with one line that says which line and what to do?"""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import rulebook
from escalations.consensus import GateKind
from escalations.model import Domain
from escalations.rulebook import NoPlaybook
from rulebook import RulebookInvalid
from rulebook.sources import HERE

SHIPPED = {
    "EU-GPSR-22-4", "EU-GPSR-22-8", "EU-GPSR-22-12a", "EU-GPSR-22-12b", "EU-GPSR-22-12d", "EU-GPSR-22-12e",
    "EU-PLEDGE", "EU-DSA-9", "EU-DSA-16-4", "EU-DSA-16-5", "EU-DSA-17", "EU-DSA-24-5", "EU-DSA-18", "EU-DSA-32",
    "EU-TCO-3-3", "US-CPSA-15b", "CA-CCPSA-14-2", "AU-ACL-131", "IN-ITR-3-1-d",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "rulebook"
    shutil.copytree(HERE, root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return root


def edited(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer says {old!r}"
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_rule_of_product_safety_and_illegal_content_is_shipped():
    assert {rule.id for rule in rulebook.load().clocks} >= SHIPPED


@pytest.mark.parametrize("rule", rulebook.load().clocks, ids=lambda rule: f"{rule.id}-{rule.version}")
def test_every_rule_says_where_it_comes_from_and_when_that_was_checked(rule):
    assert rule.source
    assert rule.checked.year == 2026


@pytest.mark.parametrize("domain", [Domain.PSAFE, Domain.ILLEG])
def test_a_playbook_answers_every_question_of_the_process(domain):
    playbook = rulebook.load().playbook(domain)

    assert {rule.kind for rule in playbook.gates} == set(GateKind)
    assert [span.total_seconds() for span in playbook.resweeps] == [3600, 86_400, 7 * 86_400, 30 * 86_400]
    assert playbook.root_cause_to == 2


def test_a_domain_without_a_playbook_names_the_next_step():
    book = rulebook.load()
    without = replace(book, playbooks=tuple(one for one in book.playbooks if one.domain is not Domain.TVEC))

    with pytest.raises(NoPlaybook, match=r"add rulebook/playbooks/tvec\.yaml"):
        without.playbook(Domain.TVEC)


def test_every_deciding_role_is_held_by_two_people():
    book = rulebook.load()
    panels = [rule.panel for playbook in book.playbooks for rule in playbook.gates]
    roles = {seat.role for panel in panels for seat in panel.seats}

    assert all(len(book.roster.persons_in(role)) >= 2 for role in roles)
    assert book.roster.roles_of("ana.ic") == ("IC",)
    assert book.roster.roles_of("nobody") == ()


def test_the_version_names_the_edition_and_the_content(folder):
    ours, copied = rulebook.load(), rulebook.load(folder)
    edited(folder, "rosters/persons.yaml", "Ana Duarte", "Ana Duarte-Lopes")

    changed = rulebook.load(folder)

    assert re.fullmatch(r"2026\.11-[0-9a-f]{12}", ours.version)
    assert copied.version == ours.version
    assert changed.version != ours.version


def test_a_comment_does_not_change_the_version(folder):
    edited(folder, "rosters/persons.yaml", "persons:", "# hello\npersons:")

    assert rulebook.load(folder).version == rulebook.load().version


def test_the_demonstration_has_short_times_and_says_so():
    ordinary, short = rulebook.load(), rulebook.load(overlay="demo")
    playbook = short.playbook(Domain.PSAFE)

    assert (ordinary.short_timeboxes, short.short_timeboxes) == (False, True)
    assert max(rule.time_box[-1].total_seconds() for rule in playbook.gates) <= 120
    assert max(span.total_seconds() for span in playbook.resweeps) <= 10
    assert short.version != ordinary.version
    assert short.clocks == ordinary.clocks


REFUSALS = [
    pytest.param(
        "rosters/persons.yaml", "[IC]", "[]", r"rosters/persons\.yaml:\d+ persons\.ana\.ic\.roles", id="no-role"
    ),
    pytest.param("rosters/persons.yaml", "[PROD]", "[OPS]", r"only one person holds PROD", id="one-person-in-a-role"),
    pytest.param(
        "rosters/persons.yaml",
        "  ivo.ic:",
        "  ana.ic:",
        r"rosters/persons\.yaml:\d+: the key ana\.ic is there twice",
        id="key-twice",
    ),
    pytest.param(
        "rosters/persons.yaml", "persons:", "persons: {", r"rosters/persons\.yaml:\d+: is not YAML", id="not-yaml"
    ),
    pytest.param(
        "playbooks/psafe.yaml",
        "quorum: 1",
        "quorum: 0",
        r"psafe\.yaml:\d+ gates\.root_cause\.panel\.quorum",
        id="A8-quorum-0",
    ),
    pytest.param(
        "playbooks/psafe.yaml", "quorum: 1", "quorum: -1", r"quorum: .*greater than or equal to 1", id="A8-negative"
    ),
    pytest.param(
        "playbooks/psafe.yaml", "quorum: 1", "quorum: 9", r"9 can never be reached by 2 people", id="A8-unreachable"
    ),
    pytest.param("playbooks/psafe.yaml", "quorum: 1", "quorum: true", r"valid integer", id="quorum-true"),
    pytest.param(
        "playbooks/payaml.yaml",
        "{quorum: 2, seats: {",
        "{quorum: 1, seats: {LEG: {required: true}, ",
        r"less than the 2 required seats",
        id="quorum-too-low",
    ),
    pytest.param(
        "playbooks/psafe.yaml",
        "PSAF: {required: true}}",
        "WIZARD: {required: true}}",
        r"nobody holds the role WIZARD",
        id="A8-role-nobody-holds",
    ),
    pytest.param(
        "gates.yaml",
        "default: hold_back",
        "default: send",
        r"external_response\.default: cannot be undone",
        id="A8-irreversible-default",
    ),
    pytest.param(
        "playbooks/psafe.yaml",
        "default: hide",
        "default: maybe",
        r"legal_review\.default: is not an option",
        id="unknown-default",
    ),
    pytest.param(
        "playbooks/psafe.yaml", "owner: PSAF", "owner: WIZARD", r"nobody holds the role WIZARD", id="owner-nobody"
    ),
    pytest.param("playbooks/psafe.yaml", "owner: PSAF", "ownr: PSAF", r"ownr: is not a field", id="unknown-field"),
    pytest.param(
        "playbooks/psafe.yaml",
        "reason_code: unsafe_product",
        "reason_code: unsafe_product\n  batch: '200'",
        r"batch: Input should be a valid integer",
        id="text-for-number",
    ),
    pytest.param(
        "gates.yaml",
        "minimum: PT15M",
        "minimum: 15 minutes",
        r"write a duration such as PT30M",
        id="duration",
    ),
    pytest.param("gates.yaml", "minimum: PT15M", "minimum: PT0M", r"longer than nothing", id="no-duration"),
    pytest.param(
        "gates.yaml",
        "[PT30M, PT2H, PT8H, P2D, P5D]",
        "[PT2H, PT30M, PT8H, P2D, P5D]",
        r"time_box: must not be shorter",
        id="time-box-order",
    ),
    pytest.param(
        "playbooks/psafe.yaml", "EU-GPSR-22-12b,", "EU-GPSR-99,", r"no such clock: EU-GPSR-99", id="unknown-clock"
    ),
    pytest.param(
        "playbooks/psafe.yaml",
        "template: buyer_recall",
        "template: buyer_recal",
        r"no such wording",
        id="unknown-wording",
    ),
    pytest.param(
        "playbooks/psafe.yaml",
        '"deaths >= 1',
        '"death >= 1',
        r"psafe\.yaml:\d+ contain_first.*death is not known; did you mean deaths",
        id="unknown-subject",
    ),
    pytest.param(
        "playbooks/psafe.yaml", '"deaths >= 1', '"deaths', r"contain_first.*cannot be judged", id="flag-for-number"
    ),
    pytest.param("gates.yaml", '|| order"', '|| order > 1"', r"gates\.yaml:\d+ page", id="list-for-flag"),
    pytest.param(
        "playbooks/illeg.yaml", "domain: ILLEG", "domain: PSAFE", r"another playbook has this domain", id="domain-twice"
    ),
    pytest.param(
        "playbooks/illeg.yaml", "domain: ILLEG", "domain: WORLD", r"illeg\.yaml:\d+ domain", id="unknown-domain"
    ),
    pytest.param(
        "clocks/eu.yaml",
        "{n: 2, unit: working_day}",
        "{n: two, unit: working_day}",
        r"eu\.yaml:16 rules\[0\]\.period\.n: Input should be a valid integer",
        id="period-in-words",
    ),
    pytest.param(
        "clocks/eu.yaml",
        "{n: 2, unit: working_day}",
        "{n: 0, unit: working_day}",
        r"needs n of 1 or more",
        id="no-period",
    ),
    pytest.param(
        "clocks/eu.yaml", "{n: 1, unit: hour}", "{n: 1, unit: month}", r"needs `counting`", id="month-without-calendar"
    ),
    pytest.param(
        "clocks/eu.yaml",
        "    internal_target: PT48H\n",
        "",
        r"internal_target: is needed where the law has no number",
        id="no-target",
    ),
    pytest.param(
        "clocks/eu.yaml",
        "{from: 2024-12-13, to: null}",
        "{from: 2024-12-13, to: 2024-01-01}",
        r"ends before it begins",
        id="dates",
    ),
    pytest.param("clocks/eu.yaml", "from: 2024-12-13", "from: soon", r"effective\.from", id="no-date"),
    pytest.param(
        "clocks/eu.yaml", "meets: contained", "meets: done", r"meets: Input should be", id="unknown-milestone"
    ),
    pytest.param("clocks/eu.yaml", "owner: PSAF", "owner: WIZARD", r"nobody holds the role WIZARD", id="owner"),
    pytest.param(
        "clocks/eu.yaml",
        "{zone: establishment, calendar: establishment}",
        "{zone: establishment, calendar: DE}",
        r"belong together",
        id="mixed-place",
    ),
    pytest.param("clocks/us.yaml", "zone: America/New_York", "zone: America/Newyork", r"is no time zone", id="zone"),
    pytest.param("clocks/au.yaml", "calendar: AU-NSW", "calendar: AU-XYZ", r"is no known calendar", id="calendar"),
    pytest.param("clocks/in.yaml", "version: 2", "version: 1", r"is there twice; raise the version", id="row-twice"),
    pytest.param("severity.yaml", "weight: 30", "weight: 31", r"the weights add up to 101", id="weights"),
    pytest.param("severity.yaml", '"75", "55"', '"55", "75"', r"must fall from P0 to P3", id="bands"),
    pytest.param(
        "rulebook.yaml", "establishment: IE", "establishment: ZZ", r"is not among `countries`", id="establishment"
    ),
    pytest.param(
        "rulebook.yaml",
        "  AT: {",
        "  NO: {zone: Europe/Oslo, calendar: NO, legal_order: NO}\n  AT: {",
        r"the key NO is not a text; put it in quotes",
        id="norway",
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "says"), REFUSALS)
def test_a_wrong_file_is_refused_in_one_line(folder, name, old, new, says):
    edited(folder, name, old, new)

    with pytest.raises(RulebookInvalid, match=says) as refused:
        rulebook.load(folder)

    text = str(refused.value)
    assert text.startswith("rulebook/")
    assert "\n" not in text
    assert ";" in text


def test_a_missing_file_is_refused(folder):
    (folder / "severity.yaml").unlink()

    with pytest.raises(RulebookInvalid, match=r"severity\.yaml: cannot be read .*put the file there"):
        rulebook.load(folder)


def test_a_folder_without_clocks_is_refused(folder):
    shutil.rmtree(folder / "clocks")

    with pytest.raises(RulebookInvalid, match="holds no rule files"):
        rulebook.load(folder)


def test_an_unknown_overlay_is_refused():
    with pytest.raises(RulebookInvalid, match="is no overlay folder"):
        rulebook.load(overlay="dmeo")


def test_an_overlay_may_not_invent_a_field(folder):
    edited(folder, "demo/rulebook.yaml", "short_timeboxes", "short_time")

    with pytest.raises(RulebookInvalid, match=r"demo/rulebook\.yaml:2 short_time: overlays nothing"):
        rulebook.load(folder, overlay="demo")


def test_a_fault_in_an_overlay_names_the_overlay(folder):
    edited(folder, "demo/gates.yaml", "[PT2S, PT4S, PT6S, PT8S]", "[PT2S, soon]")

    with pytest.raises(RulebookInvalid, match=r"demo/gates\.yaml:3 resweeps\[1\]: write a duration"):
        rulebook.load(folder, overlay="demo")


def test_rulebooks_share_the_desks_that_are_the_same_in_them(folder):
    (folder / "rosters" / "dublin.yaml").write_text(
        (folder / "rosters" / "dublin.yaml").read_text(encoding="utf-8").replace('to: "18:00"', 'to: "18:30"', 1),
        encoding="utf-8",
    )

    ours, theirs = ({one.key: one for one in rulebook.load(root).roster.desks} for root in (None, folder))

    assert ours["seattle"] is theirs["seattle"]
    assert ours["dublin"] != theirs["dublin"]
