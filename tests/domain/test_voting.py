"""Does a gate take exactly the votes it may, from those who may speak?"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from escalations.consensus import (
    Outcome,
    Stance,
    Vote,
)
from escalations.consensus import outcome as outcome_of
from escalations.messages import Decide, Delegate
from escalations.voting import refusal, vote
from tests.domain.votes import DUE, GATE, NOW, code, hands_over, say, taken


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
