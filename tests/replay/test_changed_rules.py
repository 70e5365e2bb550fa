"""Do recorded cases keep their past when law or policy changes? Policy's answers are in history, not computed anew."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import rulebook
from activities.policy import Policy
from escalations.consensus import Gate, GateKind
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Product
from escalations.plans import GateRequest, Plan, PlanRequest
from escalations.rulebook import OneRulebook
from replay import histories, reading
from replay.check import Verdict, check
from rulebook.calendars import Calendars
from starter.sealing import data_converter
from tests.replay import corpus

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDER = Intake(
    source="authority",
    source_ref="MSA-1",
    kind=IntakeKind.AUTHORITY_ORDER,
    title="Order to remove a power bank",
    received_at=NOON,
    domain=Domain.PSAFE,
    jurisdictions=("DE",),
    product=Product(name="Power bank", gtins=("9521100200110",)),
    order=AuthorityOrder(
        authority="Landesamt", reference="MSA-1", legal_basis="GPSR art. 22(4)", country="DE", reply_to="a@b.example"
    ),
    facts=Facts(minor_injuries=1, units_sold=500),
)
WEIGHT = (
    "severity.yaml",
    *("name: harm\n    weight: 30", "name: harm\n    weight: 20"),
    *("name: confirmation\n    weight: 10", "name: confirmation\n    weight: 20"),
)
DUE = ("clocks/eu.yaml", "period: {n: 2, unit: working_day}", "period: {n: 1, unit: working_day}")


def changed(folder: Path) -> Path:
    """Copy the shipped rules and change a weight, a period and a quorum in the copy."""
    shutil.copytree(Path(rulebook.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name, *pairs in (WEIGHT, DUE):
        text = (folder / name).read_text(encoding="utf-8")
        for before, after in zip(pairs[::2], pairs[1::2], strict=True):
            assert before in text
            text = text.replace(before, after, 1)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def larger_quorum(book: rulebook.Rulebook) -> rulebook.Rulebook:
    """Ask one more person at every legal review of product safety."""
    playbook = book.playbook(Domain.PSAFE)
    rule = playbook.gate(GateKind.LEGAL_REVIEW)
    more = replace(
        rule,
        panel=replace(rule.panel, quorum=rule.panel.quorum + 1),
        tiers=tuple((tier, replace(panel, quorum=panel.quorum + 1)) for tier, panel in rule.tiers),
    )
    gates = tuple(more if one is rule else one for one in playbook.gates)
    others = tuple(one for one in book.playbooks if one is not playbook)
    return replace(book, playbooks=(*others, replace(playbook, gates=gates)))


async def answers(book: rulebook.Rulebook) -> tuple[Plan, Gate]:
    policy = Policy(OneRulebook(book), Calendars())
    plan = await policy.plan_case(PlanRequest(case_id="ESC-0000-0000-0000", intakes=(ORDER,), now=NOON))
    asked = GateRequest(
        case_id="ESC-0000-0000-0000", number=1, kind=GateKind.LEGAL_REVIEW, plan=plan, digest="0" * 64, now=NOON
    )
    return plan, await policy.draft_gate(asked)


@pytest.fixture
def new(tmp_path: Path) -> rulebook.Rulebook:
    return larger_quorum(rulebook.load(changed(tmp_path / "rulebook")))


async def test_the_changed_rulebook_gives_other_answers(new: rulebook.Rulebook) -> None:
    plan, gate = await answers(rulebook.load())
    other_plan, other_gate = await answers(new)
    due = {clock.rule: clock.due_operational for clock in plan.clocks}
    other_due = {clock.rule: clock.due_operational for clock in other_plan.clocks}

    assert other_plan.severity.score != plan.severity.score
    assert other_due["EU-GPSR-22-4"] != due["EU-GPSR-22-4"]
    assert other_gate.quorum == gate.quorum + 1


async def test_every_recorded_history_replays_clean_under_the_changed_rulebook(
    new: rulebook.Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulebook, "load", lambda *_args, **_named: new)
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)
    runs = [histories.of_file(path) for path in histories.files([corpus.HISTORIES])]

    verdicts = [each async for each in check(runs, workflows=reading.workflows(), converter=converter)]

    assert len(verdicts) == len(runs) > 0
    assert [each.detail for each in verdicts if each.verdict is not Verdict.SAME] == []
