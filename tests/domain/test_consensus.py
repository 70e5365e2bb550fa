"""Does a gate take exactly the votes it may, and end exactly when enough of the right people agree?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from escalations.consensus import (
    Gate,
    GateKind,
    Option,
    Outcome,
    Seat,
    Stance,
    Vote,
    by_default,
    escalates,
)
from escalations.consensus import outcome as outcome_of
from escalations.messages import Decide, Delegate, Said
from escalations.voting import refusal, vote

OPENED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW = OPENED + timedelta(minutes=5)
DUE = OPENED + timedelta(minutes=30)
GATE = Gate(
    id="ESC-1/gate/1",
    kind=GateKind.LEGAL_REVIEW,
    question="Hide the listings?",
    options=(
        Option(key="hide", label="Hide the listings"),
        Option(key="disclose", label="Tell the press", reversible=False, external=True, blast=2),
    ),
    recommended="hide",
    default="hide",
    seats=(
        Seat(role="IC", persons=("ana.ic", "ben.ic")),
        Seat(role="LEG", persons=("lea.legal", "leo.legal"), may_veto=True),
        Seat(role="OPS", persons=("oz.ops", "ben.ic"), required=False),
    ),
    quorum=2,
    opened_at=OPENED,
    due_at=DUE,
    digest="d1",
    excluded=("rex.reporter",),
)


def say(person: str, stance: Stance = Stance.APPROVE, option: str = "hide", **more: object) -> Decide:
    """Say something admissible unless `more` makes it otherwise."""
    said = Said(request_id=f"{person}-{stance}-{option}", person=person, door="test")
    given: dict[str, object] = {"digest": "d1", "reason": "because of X", "gate": GATE.id, **more}
    if stance is Stance.CONDITIONS:
        given.setdefault("conditions", ("only in Germany",))
    return Decide(said=said, option=option, stance=stance, **given)  # type: ignore[arg-type]  # the test names fields


def hands_over(principal: str, to: str, role: str, until: datetime = DUE) -> Delegate:
    return Delegate(said=Said(request_id=f"{principal}>{to}", person=principal), to=to, role=role, until=until)


def code(
    message: Decide,
    *,
    gate: Gate = GATE,
    votes: tuple[Vote, ...] = (),
    outcome: Outcome | None = None,
    now: datetime = NOW,
    delegations: tuple[Delegate, ...] = (),
) -> str | None:
    refused = refusal(gate, votes, outcome, message, now, delegations)
    return refused[0] if refused else None


def taken(*messages: Decide, gate: Gate = GATE, delegations: tuple[Delegate, ...] = ()) -> tuple[Vote, ...]:
    votes: tuple[Vote, ...] = ()
    for message in messages:
        assert refusal(gate, votes, None, message, NOW, delegations) is None
        votes += (vote(gate, message, NOW, delegations),)
    return votes


def test_a_vote_keeps_who_spoke_for_whom_by_which_door_and_when() -> None:
    given = hands_over("lea.legal", "dee.deputy", "LEG")
    message = say("dee.deputy", Stance.CONDITIONS, on_behalf_of="lea.legal", conditions=(" within the EU ", " "))

    kept = vote(GATE, message, NOW, (given,))

    assert kept == Vote(
        gate=GATE.id,
        person="dee.deputy",
        role="LEG",
        option="hide",
        stance=Stance.CONDITIONS,
        at=NOW,
        reason="because of X",
        conditions=("within the EU",),
        on_behalf_of="lea.legal",
        door="test",
        request_id=message.said.request_id,
    )


def test_a_vote_without_a_seat_is_not_recorded_by_mistake() -> None:
    with pytest.raises(ValueError, match="holds no seat"):
        vote(GATE, say("eve.else"), NOW)


def test_one_person_for_each_required_seat_ends_the_gate() -> None:
    first = taken(say("ana.ic"))
    both = taken(say("ana.ic"), say("lea.legal"))

    assert outcome_of(GATE, first) is None
    ended = outcome_of(GATE, both)
    assert ended is not None
    assert (ended.option, ended.how, ended.at, ended.votes) == ("hide", "quorum", NOW, both)


def test_two_people_of_one_role_do_not_stand_for_the_other_required_role() -> None:
    assert outcome_of(GATE, taken(say("ana.ic"), say("ben.ic", role="IC"))) is None


def test_a_quorum_above_the_required_seats_waits_for_one_more_person() -> None:
    gate = replace(GATE, quorum=3)

    assert outcome_of(gate, taken(say("ana.ic"), say("lea.legal"), gate=gate)) is None
    assert outcome_of(gate, taken(say("ana.ic"), say("lea.legal"), say("oz.ops"), gate=gate)) is not None


def test_votes_for_different_options_do_not_add_up() -> None:
    assert outcome_of(GATE, taken(say("ana.ic"), say("lea.legal", option="disclose"))) is None


def test_what_was_said_at_one_gate_never_counts_at_the_next() -> None:
    votes = taken(say("ana.ic"), say("lea.legal"))
    second = replace(GATE, id="ESC-1/gate/2")

    assert outcome_of(second, votes) is None
    assert code(say("ana.ic", gate=second.id), gate=second, votes=votes) is None


def test_a_later_vote_does_not_change_how_a_gate_ended() -> None:
    votes = taken(say("ana.ic"), say("lea.legal"))
    late = replace(votes[0], person="leo.legal", role="LEG", stance=Stance.OBJECT, at=NOW + timedelta(minutes=1))

    assert outcome_of(GATE, (*votes, late)) == outcome_of(GATE, votes)


def test_conditions_of_those_in_favour_come_with_the_outcome_once() -> None:
    votes = taken(
        say("ana.ic", Stance.CONDITIONS, conditions=("a", "b")), say("lea.legal", Stance.CONDITIONS, conditions=("b",))
    )

    ended = outcome_of(GATE, votes)

    assert ended is not None
    assert ended.conditions == ("a", "b")


def test_one_objection_is_logged_and_does_not_stop_the_others() -> None:
    ended = outcome_of(GATE, taken(say("leo.legal", Stance.OBJECT), say("ana.ic"), say("lea.legal")))

    assert ended is not None
    assert ended.dissent == ("LEG leo.legal (object, hide): because of X",)


def test_two_objections_from_required_seats_leave_the_decision_to_the_next_level() -> None:
    votes = taken(say("leo.legal", Stance.OBJECT), say("ben.ic", Stance.OBJECT), say("ana.ic"), say("lea.legal"))

    assert outcome_of(GATE, votes) is None
    assert escalates(GATE, votes)


def test_objections_from_seats_that_are_not_required_do_not_escalate() -> None:
    votes = taken(
        say("oz.ops", Stance.OBJECT), say("ben.ic", Stance.OBJECT, role="OPS"), say("ana.ic"), say("lea.legal")
    )

    assert not escalates(GATE, votes)
    assert outcome_of(GATE, votes) is not None


def test_a_veto_on_the_external_option_leaves_the_reversible_one() -> None:
    ended = outcome_of(GATE, taken(say("lea.legal", Stance.VETO, "disclose")))

    assert ended is not None
    assert (ended.option, ended.how) == ("hide", "veto")
    assert ended.dissent == ("LEG lea.legal (veto, disclose): because of X",)


def test_a_veto_strikes_one_option_and_leaves_the_choice_between_the_others() -> None:
    gate = replace(GATE, options=(*GATE.options, Option(key="label", label="Label the listings")))

    votes = taken(say("lea.legal", Stance.VETO, "disclose"), gate=gate)

    assert outcome_of(gate, votes) is None
    agreed = outcome_of(gate, votes + taken(say("leo.legal", option="label"), say("ana.ic", option="label"), gate=gate))
    assert agreed is not None
    assert (agreed.option, agreed.how) == ("label", "quorum")


def test_a_veto_never_hands_the_gate_to_another_irreversible_option() -> None:
    terminate = Option(key="terminate", label="End the contract", reversible=False)
    gate = replace(GATE, options=(GATE.options[1], terminate), default="terminate", recommended="disclose")

    assert outcome_of(gate, taken(say("lea.legal", Stance.VETO, "disclose"), gate=gate)) is None


def test_the_seat_of_a_recused_person_is_filled_by_another_of_the_role() -> None:
    votes = taken(say("lea.legal", Stance.RECUSE, option="", reason=""), say("ana.ic"))

    assert outcome_of(GATE, votes) is None
    assert outcome_of(GATE, votes + taken(say("leo.legal"))) is not None


def test_an_abstention_is_recorded_and_counts_for_nothing() -> None:
    votes = taken(say("ana.ic", Stance.ABSTAIN, option=""), say("lea.legal"))

    assert outcome_of(GATE, votes) is None


def test_a_delegate_fills_the_seat_of_the_principal() -> None:
    given = (hands_over("lea.legal", "dee.deputy", "LEG"),)
    votes = taken(say("dee.deputy", on_behalf_of="lea.legal"), say("ana.ic"), delegations=given)

    assert outcome_of(GATE, votes) is not None


def passed_on(*persons: str, until: datetime = DUE) -> tuple[Delegate, ...]:
    """A delegation in the role LEG that is passed along some persons; the last link ends at `until`."""
    pairs = list(pairwise(persons))
    return tuple(
        hands_over(giver, taker, "LEG", until if number == len(pairs) - 1 else DUE)
        for number, (giver, taker) in enumerate(pairs)
    )


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        pytest.param(("lea.legal", "dee.deputy"), None, id="given"),
        pytest.param(("lea.legal", "mid.deputy", "dee.deputy"), None, id="passed-on-once"),
        pytest.param(("lea.legal", "mid.deputy", "far.deputy", "dee.deputy"), "not_eligible", id="passed-on-twice"),
        pytest.param(("lea.legal", "rex.reporter", "dee.deputy"), "conflict", id="by-somebody-with-a-conflict"),
    ],
)
def test_a_delegation_may_be_passed_on_once_by_somebody_without_a_conflict(
    chain: tuple[str, ...], expected: str | None
) -> None:
    message = say("dee.deputy", on_behalf_of="lea.legal")

    assert code(message, delegations=passed_on(*chain)) == expected
    if expected is None:
        assert vote(GATE, message, NOW, passed_on(*chain)).role == "LEG"


def test_a_chain_of_delegations_ends_with_its_first_link_to_end() -> None:
    given = passed_on("lea.legal", "mid.deputy", "dee.deputy", until=NOW)

    assert code(say("dee.deputy", on_behalf_of="lea.legal"), delegations=given) == "delegation_expired"


def test_somebody_who_stood_aside_passes_nothing_on() -> None:
    given = (*passed_on("lea.legal", "leo.legal", "dee.deputy"),)
    votes = taken(say("leo.legal", Stance.RECUSE), delegations=given)

    assert code(say("dee.deputy", on_behalf_of="lea.legal"), votes=votes, delegations=given) == "conflict"


def test_delegator_and_delegate_are_one_voice_whoever_speaks_first() -> None:
    given = (hands_over("lea.legal", "dee.deputy", "LEG"), hands_over("lea.legal", "leo.legal", "LEG"))
    deputy, principal = say("dee.deputy", on_behalf_of="lea.legal"), say("lea.legal")

    assert code(principal, votes=taken(deputy, delegations=given), delegations=given) == "already_voted"
    assert code(deputy, votes=taken(principal), delegations=given) == "already_voted"
    second = say("leo.legal", on_behalf_of="lea.legal")
    assert code(second, votes=taken(deputy, delegations=given), delegations=given) == "already_voted"


def test_a_person_with_two_roles_speaks_once() -> None:
    assert code(say("ben.ic", role="OPS"), votes=taken(say("ben.ic", role="IC"))) == "already_voted"


def test_a_delegate_who_stands_aside_leaves_the_principal_free() -> None:
    given = (hands_over("lea.legal", "dee.deputy", "LEG"),)
    votes = taken(say("dee.deputy", Stance.RECUSE, on_behalf_of="lea.legal"), delegations=given)

    assert code(say("lea.legal"), votes=votes, delegations=given) is None


def test_at_the_time_box_the_default_applies_and_is_marked() -> None:
    votes = taken(say("leo.legal", Stance.OBJECT), say("ana.ic", Stance.CONDITIONS, conditions=("tell sellers",)))

    ended = by_default(GATE, votes, DUE)

    assert (ended.option, ended.how, ended.at, ended.votes) == ("hide", "default", DUE, votes)
    assert ended.conditions == ("tell sellers",)
    assert len(ended.dissent) == 1


def test_a_vetoed_external_default_gives_way_to_the_reversible_option() -> None:
    label = Option(key="label", label="Label the listings")
    gate = replace(GATE, options=(*GATE.options, label), default="disclose")

    ended = by_default(gate, taken(say("lea.legal", Stance.VETO, "disclose"), gate=gate), DUE)

    assert (ended.option, ended.how) == ("hide", "default")


def test_a_vetoed_default_never_gives_way_to_something_irreversible() -> None:
    terminate = Option(key="terminate", label="End the contract", reversible=False)
    gate = replace(GATE, options=(GATE.options[1], terminate, GATE.options[0]), default="disclose")

    ended = by_default(gate, taken(say("lea.legal", Stance.VETO, "disclose"), gate=gate), DUE)

    assert ended.option == "hide"


def test_one_person_suffices_where_the_gate_asks_for_one() -> None:
    gate = replace(GATE, seats=GATE.seats[:1], quorum=1)

    assert outcome_of(gate, taken(say("ana.ic"), gate=gate)) is not None


def test_a_gate_ends_at_the_time_of_the_vote_that_completes_it() -> None:
    first, second = taken(say("ana.ic"), say("lea.legal"))
    later = replace(second, at=NOW + timedelta(minutes=3))

    ended = outcome_of(GATE, (first, later))

    assert ended is not None
    assert ended.at == later.at


def test_votes_that_should_never_have_been_recorded_do_not_count() -> None:
    ana, lea = taken(say("ana.ic"), say("lea.legal"))
    twice = replace(ana, role="LEG")
    for_herself = replace(lea, person="ana.ic", on_behalf_of="lea.legal")
    excluded = replace(lea, person="rex.reporter")
    for_excluded = replace(lea, person="dee.deputy", on_behalf_of="rex.reporter")

    assert [outcome_of(GATE, (ana, other)) for other in (twice, for_herself, excluded, for_excluded)] == [None] * 4


def test_conditions_of_another_option_are_not_taken_over() -> None:
    elsewhere = say("oz.ops", Stance.CONDITIONS, "disclose", conditions=("later",))

    ended = outcome_of(GATE, taken(elsewhere, say("ana.ic"), say("lea.legal")))

    assert ended is not None
    assert ended.conditions == ()


ENDED = Outcome(gate=GATE.id, option="hide", how="quorum", at=NOW)
EXPIRED = hands_over("lea.legal", "dee.deputy", "LEG", until=NOW)
LIVE = hands_over("lea.legal", "dee.deputy", "LEG", until=NOW + timedelta(seconds=1))
FOR_LEA = say("dee.deputy", on_behalf_of="lea.legal")


@pytest.mark.parametrize(
    ("expected", "message", "given"),
    [
        pytest.param("unknown_gate", say("ana.ic", gate="ESC-1/gate/2"), {}, id="another gate"),
        pytest.param("gate_closed", say("ana.ic"), {"outcome": ENDED}, id="the gate has ended"),
        pytest.param("expired", say("ana.ic"), {"now": DUE}, id="at the time-box"),
        pytest.param(None, say("ana.ic"), {"now": DUE - timedelta(microseconds=1)}, id="just before the time-box"),
        pytest.param("stale_digest", say("ana.ic", digest="d0"), {}, id="shown another plan"),
        pytest.param("stale_digest", say("ana.ic", digest=""), {}, id="no digest"),
        pytest.param("unknown_option", say("ana.ic", option="burn"), {}, id="an option nobody offered"),
        pytest.param("unknown_option", say("ana.ic", option=""), {}, id="approving nothing"),
        pytest.param("not_eligible", say("eve.else"), {}, id="nobody of the table"),
        pytest.param("not_eligible", say("ana.ic", role="LEG"), {}, id="claiming a role"),
        pytest.param("separation_of_duties", say("rex.reporter"), {}, id="taking part in what is judged"),
        pytest.param("not_eligible", FOR_LEA, {}, id="no delegation"),
        pytest.param("delegation_expired", FOR_LEA, {"delegations": (EXPIRED,)}, id="delegation over"),
        pytest.param(None, FOR_LEA, {"delegations": (EXPIRED, LIVE)}, id="renewed delegation"),
        pytest.param(
            "not_eligible",
            FOR_LEA,
            {"delegations": (hands_over("lea.legal", "dee.deputy", "IC", until=NOW),)},
            id="ended delegation of a seat the principal never held",
        ),
        pytest.param(
            "not_eligible",
            FOR_LEA,
            {"delegations": (hands_over("lea.legal", "dee.deputy", "OPS"),)},
            id="delegation for another role",
        ),
        pytest.param(
            "not_eligible",
            say("eve.else", on_behalf_of="lea.legal"),
            {"delegations": (LIVE,)},
            id="somebody else's delegation",
        ),
        pytest.param(
            "not_eligible",
            say("eve.else", on_behalf_of="dee.deputy"),
            {"delegations": (LIVE, hands_over("dee.deputy", "eve.else", "LEG"))},
            id="delegate of a delegate",
        ),
        pytest.param(
            "conflict",
            say("dee.deputy", on_behalf_of="rex.reporter"),
            {"delegations": (hands_over("rex.reporter", "dee.deputy", "LEG"),)},
            id="delegate of an excluded person",
        ),
        pytest.param(
            "separation_of_duties",
            say("rex.reporter", on_behalf_of="lea.legal"),
            {"delegations": (hands_over("lea.legal", "rex.reporter", "LEG"),)},
            id="excluded delegate",
        ),
        pytest.param(
            "conflict",
            FOR_LEA,
            {"delegations": (LIVE,), "votes": taken(say("lea.legal", Stance.RECUSE))},
            id="delegate of a recused person",
        ),
        pytest.param("already_voted", say("ana.ic"), {"votes": taken(say("ana.ic", Stance.OBJECT))}, id="twice"),
        pytest.param(
            "already_voted", say("ana.ic"), {"votes": taken(say("ana.ic", Stance.RECUSE))}, id="after recusal"
        ),
        pytest.param("veto_out_of_scope", say("lea.legal", Stance.VETO), {}, id="veto of a reversible measure"),
        pytest.param(
            "veto_out_of_scope", say("ana.ic", Stance.VETO, "disclose"), {}, id="veto from a seat that has none"
        ),
        pytest.param(
            "veto_out_of_scope",
            say("lea.legal", Stance.VETO, "disclose"),
            {"gate": replace(GATE, binding=True)},
            id="veto of a binding order",
        ),
        pytest.param(None, say("lea.legal", Stance.VETO, "disclose"), {}, id="veto of the external option"),
        pytest.param("reason_required", say("ana.ic", Stance.OBJECT, reason=" \n"), {}, id="objection in spaces"),
        pytest.param("reason_required", say("ana.ic", Stance.OBJECT, reason="🙅"), {}, id="objection in emoji"),
        pytest.param(
            "reason_required", say("lea.legal", Stance.VETO, "disclose", reason=""), {}, id="veto without reason"
        ),
        pytest.param("reason_required", say("ana.ic", Stance.CONDITIONS, reason=""), {}, id="conditions, no reason"),
        pytest.param(
            "reason_required", say("ana.ic", Stance.CONDITIONS, conditions=(" ",)), {}, id="blank condition only"
        ),
        pytest.param(None, say("ana.ic", reason=""), {}, id="approving needs no reason"),
    ],
)
def test_a_refusal_names_its_reason(expected: str | None, message: Decide, given: dict[str, object]) -> None:
    assert code(message, **given) == expected  # type: ignore[arg-type]  # the table names parameters of code()


def test_a_refusal_says_what_to_do_in_words() -> None:
    refused = refusal(GATE, (), ENDED, say("ana.ic"), NOW)

    assert refused == ("gate_closed", "ESC-1/gate/1 ended 2026-11-22 09:05Z by quorum: hide")
