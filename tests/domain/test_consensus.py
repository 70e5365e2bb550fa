"""Does a gate end exactly when enough of the right people agree?"""

from dataclasses import replace
from datetime import timedelta

from escalations.consensus import (
    Option,
    Stance,
    by_default,
    escalates,
)
from escalations.consensus import outcome as outcome_of
from tests.domain.votes import DUE, GATE, NOW, code, hands_over, say, taken


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
