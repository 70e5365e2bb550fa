"""Is each message taken exactly when it may be, and refused with the right code otherwise?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from escalations import admission, ids
from escalations.admission import refusal
from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.messages import (
    Abort,
    Appeal,
    Assign,
    Claim,
    Decide,
    Delegate,
    Exempt,
    Hold,
    Kill,
    Learn,
    Merge,
    Release,
    Reopen,
    Replan,
    Report,
    ReportFinding,
    Resume,
    Said,
    Split,
    TaskDone,
    Withdraw,
)
from escalations.model import Action
from tests.domain.casefiles import CASE_ID, HOUR, NOW, ORDERED, OTHER, OTHER_ID, casefile, gate, intake, said

FILE = casefile()
ACTION = Action(
    id="a", title="block it", owner="petra.product", strength="automate", due=timedelta(days=30), verifier_role="PSAF"
)
VOTE = Decide(said=said("leo.legal"), gate=ids.gate_id(CASE_ID, 2), digest="d" * 64, option="hide", reason="seen")
CAUSE = ReportFinding(said=said(), kind="root_cause", text="weekly import", factors=("DET-1",), actions=(ACTION,))
TRUST = Delegate(said=said("leo.legal"), to="lena.legal", role="LEG", until=NOW + HOUR)
PASSED_ON = Delegate(said=said("lena.legal"), to="gabe.gov", role="LEG", until=NOW + HOUR)
GRANT = Appeal(said=said("olga.ops"), listings=("L-1",), reason="second generation", grant=True)

TAKEN: tuple[Any, ...] = (
    Report(said=said(), intake=OTHER),
    Learn(said=said(), fact="deaths", value="1"),
    VOTE,
    Claim(said=said()),
    Assign(said=said(), to="ivo.ic"),
    TRUST,
    ReportFinding(said=said(), kind="importer", text="one only"),
    CAUSE,
    TaskDone(said=said(), task="t-1"),
    Hold(said=said(), clock="TCO", reason="no listing is named"),
    Release(said=said(), clock="TCO#2"),
    Exempt(said=said(), clock="TCO", reason="no terrorist content"),
    Replan(said=said(), reason="the scale was wrong"),
    Kill(said=said(), sweep=1, reason="stop"),
    Resume(said=said(), sweep=1),
    Merge(said=said(), other=OTHER_ID, intake=OTHER),
    Withdraw(said=said(), reason="retracted"),
    Appeal(said=said("leo.legal"), listings=("L-1",), reason="second generation"),
    GRANT,
    replace(GRANT, grant=False, deny=True),
    Abort(said=said(), reason="wrong product"),
)

REFUSED: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("already_reported", Report(said=said(), intake=intake()), {}),
    ("bad_fact", Learn(said=said(), fact="guilt", value="1"), {}),
    ("bad_fact", Learn(said=said(), fact="aware_at", value="2026-11-22T12:00:00+00:00"), {}),
    ("bad_fact", Learn(said=said(), fact="order_withdrawn", value="true"), {}),
    (
        "already_withdrawn",
        Learn(said=said(), fact="order_withdrawn", value="true"),
        {"withdrawn": "retracted", "intakes": [ORDERED]},
    ),
    ("unknown_gate", replace(VOTE, gate="ESC-1/gate/9"), {}),
    ("gate_closed", replace(VOTE, gate=ids.gate_id(CASE_ID, 1)), {}),
    ("stale_digest", replace(VOTE, digest="0" * 64), {}),
    ("not_eligible", replace(VOTE, said=said("ana.ic")), {}),
    ("unknown_clock", Exempt(said=said(), clock="NONE", reason="out of scope"), {}),
    ("reason_required", Exempt(said=said(), clock="TCO", reason=" "), {}),
    ("reason_required", Replan(said=said(), reason=""), {}),
    ("not_triaged", Replan(said=said(), reason="new law"), {"plan": None}),
    ("already_owner", Claim(said=said()), {"owner": "ana.ic"}),
    ("person_required", Assign(said=said(), to=""), {}),
    ("bad_delegate", replace(TRUST, to=""), {}),
    ("bad_delegate", replace(TRUST, to="leo.legal"), {}),
    ("delegation_expired", replace(TRUST, until=NOW), {}),
    ("bad_delegate", replace(TRUST, said=said("lena.legal"), to="leo.legal"), {"delegations": [TRUST]}),
    ("delegation_chain", replace(TRUST, said=said("gabe.gov"), to="ivo.ic"), {"delegations": [TRUST, PASSED_ON]}),
    ("delegation_chain", replace(TRUST, said=said("ivo.ic"), to="leo.legal"), {"delegations": [TRUST, PASSED_ON]}),
    ("bad_delegate", replace(TRUST, said=said("gabe.gov"), to="leo.legal"), {"delegations": [TRUST, PASSED_ON]}),
    ("reason_required", ReportFinding(said=said(), kind="", text="x"), {}),
    ("reason_required", ReportFinding(said=said(), kind="importer", text="  "), {}),
    ("bad_action", replace(CAUSE, actions=(replace(ACTION, owner=""),)), {}),
    ("bad_action", replace(CAUSE, actions=(replace(ACTION, title=""),)), {}),
    ("gate_open", CAUSE, {"gates": [gate(1, GateKind.ROOT_CAUSE)]}),
    ("unknown_task", TaskDone(said=said(), task="t-9"), {}),
    ("already_done", TaskDone(said=said(), task="t-2"), {}),
    ("unknown_clock", Hold(said=said(), clock="NONE", reason="x"), {}),
    ("not_suspendable", Hold(said=said(), clock="HOUSE-1", reason="x"), {}),
    ("not_running", Hold(said=said(), clock="TCO#2", reason="x"), {}),
    ("reason_required", Hold(said=said(), clock="TCO", reason=" "), {}),
    ("unknown_clock", Release(said=said(), clock="NONE"), {}),
    ("not_suspended", Release(said=said(), clock="TCO"), {}),
    ("unknown_sweep", Kill(said=said(), sweep=0, reason="x"), {}),
    ("unknown_sweep", Kill(said=said(), sweep=-1, reason="x"), {}),
    ("unknown_sweep", Resume(said=said(), sweep=2), {}),
    ("inconsistent", Merge(said=said(), other=CASE_ID, intake=OTHER), {}),
    ("inconsistent", Merge(said=said(), other="ESC-AAAA-AAAA-AAAA", intake=OTHER), {}),
    ("already_merged", Merge(said=said(), other=OTHER_ID, intake=OTHER), {"merged": [OTHER_ID]}),
    ("already_reported", Merge(said=said(), other=OTHER_ID, intake=OTHER), {"intakes": [intake(), OTHER]}),
    ("intake_required", Merge(said=said(), other=OTHER_ID), {}),
    ("not_merged", Split(said=said(), other=OTHER_ID, reason="x"), {}),
    ("already_withdrawn", Withdraw(said=said(), reason="x"), {"withdrawn": "retracted"}),
    ("reason_required", Withdraw(said=said(), reason="\n"), {}),
    ("listings_required", replace(GRANT, listings=()), {}),
    ("nothing_restricted", GRANT, {"restricted": 0}),
    ("separation_of_duties", replace(GRANT, said=said("leo.legal")), {}),
    ("separation_of_duties", replace(GRANT, said=said("leo.legal"), grant=False, deny=True), {}),
    ("reason_required", replace(GRANT, reason=""), {}),
    ("already_open", Reopen(said=said(), reason="again"), {}),
    ("already_aborted", Abort(said=said(), reason="x"), {"aborted": "wrong product"}),
    ("reason_required", Abort(said=said(), reason=""), {}),
)

NOTE = ReportFinding(said=said(), kind="note", text="x")
MISSHAPEN: tuple[tuple[str, Any], ...] = (
    ("request_id_required", Claim(said=Said(request_id="", person="ana.ic"))),
    ("request_id_required", Claim(said=Said(request_id="r" * 201, person="ana.ic"))),
    ("person_required", Claim(said=Said(request_id="r", person=""))),
    ("person_required", Claim(said=Said(request_id="r", person="p" * 101))),
    ("too_long", replace(NOTE, text="x" * 4001)),
    ("too_long", replace(NOTE, evidence=("x" * 4001,))),
    ("too_long", Report(said=said(), intake=replace(OTHER, summary="x" * 4001))),
    ("too_long", replace(NOTE, evidence=("x" * 4000,) * 26)),
    ("too_many_items", replace(NOTE, evidence=("x",) * 201)),
    ("too_many_items", Report(said=said(), intake=replace(OTHER, listings=("x",) * 201))),
    ("control_character", replace(NOTE, text="a\x00b")),
    ("control_character", replace(NOTE, text="a\u2028b")),
    ("control_character", replace(NOTE, text="a\udc80b")),
    ("control_character", Claim(said=Said(request_id="r", person="ana\x1bic"))),
    ("timezone_required", replace(TRUST, until=datetime(2026, 12, 1))),  # noqa: DTZ001 - that is the fault
    ("date_out_of_range", replace(TRUST, until=NOW.replace(year=9999))),
    ("date_out_of_range", Report(said=said(), intake=replace(OTHER, received_at=NOW.replace(year=1999)))),
    ("out_of_range", replace(CAUSE, actions=(replace(ACTION, due=timedelta(days=-1)),))),
    ("out_of_range", replace(CAUSE, actions=(replace(ACTION, due=timedelta.max),))),
)


def test_every_message_of_the_domain_is_in_the_table_of_those_that_are_taken() -> None:
    only_with_a_state = {Split, Reopen}

    assert {type(message) for message in TAKEN} | only_with_a_state == set(admission.MESSAGES.values())


@pytest.mark.parametrize("message", TAKEN, ids=lambda message: type(message).__name__)
def test_a_message_that_fits_is_taken(message: Any) -> None:
    assert refusal(FILE, message, NOW) is None


def test_a_merge_may_be_split_again() -> None:
    file = casefile(merged=[OTHER_ID])

    assert refusal(file, Split(said=said(), other=OTHER_ID, reason="another model"), NOW) is None


@pytest.mark.parametrize(
    ("code", "message", "changes"), REFUSED, ids=[f"{type(m).__name__}-{code}" for code, m, _ in REFUSED]
)
def test_a_message_that_does_not_fit_is_refused_with_its_code(code: str, message: Any, changes: dict[str, Any]) -> None:
    refused = refusal(casefile(**changes), message, NOW)

    assert refused is not None
    assert refused[0] == code
    assert refused[1]


@pytest.mark.parametrize(("code", "message"), MISSHAPEN)
def test_a_misshapen_message_is_refused_before_anything_else(code: str, message: Any) -> None:
    refused = refusal(FILE, message, NOW)

    assert refused is not None
    assert refused[0] == code


@pytest.mark.parametrize("message", [*TAKEN, Reopen(said=said(), reason="x")], ids=lambda one: type(one).__name__)
def test_a_closed_case_takes_nothing_more(message: Any) -> None:
    refused = refusal(casefile(closed_at=NOW), message, NOW)

    assert refused is not None
    assert refused[0] == "already_closed"
    assert "2026-11-22 11:00Z" in refused[1]


def test_a_refusal_never_repeats_what_the_sender_wrote() -> None:
    planted = "planted-4711"
    messages: list[Any] = [
        Learn(said=said(), fact=planted, value="1"),
        Learn(said=said(), fact="deaths", value=planted),
        Learn(said=said(), fact="aware_at", value=planted),
        replace(VOTE, gate=planted),
        TaskDone(said=said(), task=planted),
        Hold(said=said(), clock=planted, reason="x"),
        Split(said=said(), other=planted, reason="x"),
        replace(NOTE, text=planted * 1000),
    ]

    refusals = [refusal(FILE, message, NOW) for message in messages]

    assert all(refused is not None and planted not in refused[1] for refused in refusals)


def test_judging_changes_nothing() -> None:
    before: CaseFile = casefile()
    after = casefile()

    for message in (*TAKEN, *(message for _, message, _ in REFUSED)):
        refusal(after, message, NOW)

    assert after == before


def test_a_delegation_is_passed_on_once_and_an_ended_one_binds_nobody() -> None:
    ended = replace(TRUST, until=NOW)

    assert refusal(casefile(delegations=[TRUST]), PASSED_ON, NOW) is None
    assert refusal(casefile(delegations=[ended]), replace(TRUST, said=said("lena.legal"), to="leo.legal"), NOW) is None
    other_role = replace(TRUST, said=said("gabe.gov"), to="ivo.ic", role="GOV")
    assert refusal(casefile(delegations=[TRUST, PASSED_ON]), other_role, NOW) is None
