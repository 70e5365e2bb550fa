"""Does a gate keep its promises whatever people say, in whatever order, however late?

Random talk seldom reaches a quorum, so some rules are guided: they say what would bring the gate to its end. What the
walk reached is counted, and each corner has a minimum: a machine that stopped reaching one would prove nothing.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from escalations import consensus, voting
from escalations.consensus import Gate, GateKind, Option, Outcome, Seat, Stance
from escalations.messages import Decide, Delegate, Said

OPENED = datetime(2026, 11, 23, 9, tzinfo=UTC)
BOX = timedelta(hours=2)
SEATS = {"LEG": ("leo", "lena"), "PSAF": ("sam", "sofia"), "OPS": ("omar",)}
OUTSIDE = ("ana", "cora")
PEOPLE = (*(person for persons in SEATS.values() for person in persons), *OUTSIDE)
KEYS = ("act", "send", "wait")
OPTIONS = (
    Option(key="act", label="hide", reversible=True, external=False),
    Option(key="send", label="tell the authority", reversible=False, external=True),
    Option(key="wait", label="wait", reversible=True, external=False),
)
LEAST = {
    "ended by quorum": 40, "ended by veto": 3, "ended by default": 30, "an option escalated": 5,
    "a default after a veto": 3, "spoken for somebody": 15, "passed on and spoken": 5,
    "approve": 100, "approve_with_conditions": 40, "object": 30, "veto": 8, "abstain": 20, "recuse": 20,
    "refused stale_digest": 10, "refused gate_closed": 20, "refused expired": 20, "refused not_eligible": 20,
    "refused separation_of_duties": 20, "refused conflict": 5, "refused already_voted": 20,
    "refused delegation_expired": 2, "refused veto_out_of_scope": 20, "refused unknown_gate": 5,
    "refused unknown_option": 5, "refused reason_required": 5,
}  # fmt: skip
REACHED: Counter[str] = Counter()
people, keys, stances = st.sampled_from(PEOPLE), st.sampled_from(KEYS), st.sampled_from(list(Stance))


def role_of(person: str) -> str:
    return next((role for role, persons in SEATS.items() if person in persons), "LEG")


class Table(RuleBasedStateMachine):
    """A gate in use: people vote, delegate, come late; the time-box ends."""

    @initialize(
        quorum=st.integers(1, 4), binding=st.integers(0, 3), excluded=st.sets(people, max_size=2),
        veto=st.integers(0, 3), few=st.booleans(), default=st.sampled_from(("wait", "wait", "send")),
    )  # fmt: skip
    def opened(self, quorum: int, binding: int, excluded: set[str], veto: int, few: bool, default: str) -> None:
        self.now, self.votes, self.trust = OPENED, (), ()  # type: tuple[Vote, ...], tuple[Delegate, ...]
        self.outcome: Outcome | None = None
        self.number, self.asked = 0, 1
        self.gate = Gate(
            id="ESC-1/gate/1",
            kind=GateKind.RESPONSE,
            question="What now?",
            options=OPTIONS[1:] if few else OPTIONS,
            recommended="send",
            default=default,
            seats=tuple(
                Seat(role=role, persons=persons, required=role != "OPS", may_veto=veto > 0 and role == "LEG")
                for role, persons in SEATS.items()
            ),
            quorum=quorum,
            opened_at=OPENED,
            due_at=OPENED + BOX,
            digest="d" * 64,
            excluded=tuple(sorted(excluded)),
            binding=binding == 0,
        )

    def said(self, person: str) -> Said:
        self.number += 1
        return Said(request_id=f"r-{self.number}", person=person)

    def says(self, person: str, key: str, stance: Stance, behalf: str = "", **other: str) -> None:
        """Say something; keep what the gate takes, count what it refuses."""
        told = {"gate": self.gate.id, "digest": "d" * 64, "reason": "seen", **other}
        message = Decide(
            said=self.said(person), option=key, stance=stance, conditions=("tell the importer",), on_behalf_of=behalf,
            **told,
        )  # fmt: skip
        refused = voting.refusal(self.gate, self.votes, self.outcome, message, self.now, self.trust)
        if refused is not None:
            assert refused[1]
            REACHED[f"refused {refused[0]}"] += 1
            return
        assert self.outcome is None
        assert self.now < self.gate.due_at
        assert (told["gate"], told["digest"]) == (self.gate.id, "d" * 64)
        kept = voting.vote(self.gate, message, self.now, self.trust)
        REACHED[stance.value] += 1
        if kept.on_behalf_of:
            REACHED["spoken for somebody"] += 1
            direct = [one for one in self.trust if (one.said.person, one.to) == (kept.on_behalf_of, person)]
            REACHED["passed on and spoken"] += not direct
        self.votes = (*self.votes, kept)
        self.outcome = consensus.outcome(self.gate, self.votes)
        REACHED["an option escalated"] += consensus.escalates(self.gate, self.votes)
        if self.outcome is not None:
            REACHED[f"ended by {self.outcome.how}"] += 1

    @rule(person=people, key=keys, stance=stances, behalf=st.sampled_from(("", *PEOPLE)))
    def anybody_says_anything(self, person: str, key: str, stance: Stance, behalf: str) -> None:
        self.says(person, key, stance, behalf)

    @rule(person=people, stance=stances, fault=st.sampled_from(("digest", "gate", "option", "reason")))
    def something_is_wrong_with_the_message(self, person: str, stance: Stance, fault: str) -> None:
        other = {"digest": {"digest": "e" * 64}, "gate": {"gate": "ESC-1/gate/0"}, "reason": {"reason": " - "}}
        self.says(person, "burn" if fault == "option" else "send", stance, **other.get(fault, {}))

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(key=keys, with_conditions=st.booleans())
    def everybody_agrees(self, key: str, with_conditions: bool) -> None:
        for persons in SEATS.values():
            for person in persons:
                self.says(person, key, Stance.CONDITIONS if with_conditions else Stance.APPROVE)

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(key=keys)
    def the_required_roles_object(self, key: str) -> None:
        for person in ("leo", "sam"):
            self.says(person, key, Stance.OBJECT, reason=" ")
            self.says(person, key, Stance.OBJECT)

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(person=people, stance=st.sampled_from((Stance.ABSTAIN, Stance.RECUSE)))
    def somebody_steps_back(self, person: str, stance: Stance) -> None:
        self.says(person, "", stance)

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(person=people, key=keys)
    def somebody_comes_late(self, person: str, key: str) -> None:
        self.delegate("sofia", "cora", 1, role="PSAF")
        self.now += timedelta(minutes=2)
        self.says("cora", key, Stance.APPROVE, "sofia")
        self.now = max(self.now, self.gate.due_at)
        self.says(person, key, Stance.APPROVE)

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(key=st.sampled_from(("send", "wait")))
    def legal_stops_what_leaves_the_house(self, key: str) -> None:
        self.says("lena", key, Stance.VETO)
        if key == "send" and self.outcome is None:
            self.the_time_box_ends()

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(giver=st.sampled_from(("lena", "sofia", "omar")), stance=stances)
    def a_deputy_speaks(self, giver: str, stance: Stance) -> None:
        self.delegate(giver, "ana", 30, role=role_of(giver))
        self.says("ana", "wait", stance, giver)

    @precondition(lambda self: self.outcome is None and self.now < self.gate.due_at)
    @rule(giver=st.sampled_from(("leo", "sam", "omar")), stance=stances)
    def the_deputy_of_a_deputy_speaks(self, giver: str, stance: Stance) -> None:
        self.trust = ()
        self.delegate(giver, "ana", 30, role=role_of(giver))
        self.delegate("ana", "cora", 20, role=role_of(giver))
        self.says("cora", "wait", stance, giver)

    @rule(giver=people, taker=people, minutes=st.integers(1, 200))
    def anybody_delegates(self, giver: str, taker: str, minutes: int) -> None:
        self.delegate(giver, taker, minutes, role=role_of(giver))

    def delegate(self, giver: str, taker: str, minutes: int, *, role: str) -> None:
        until = self.now + timedelta(minutes=minutes)
        self.trust = (*self.trust, Delegate(said=self.said(giver), to=taker, role=role, until=until))

    @rule(minutes=st.integers(1, 50))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.outcome is None and self.votes)
    @rule()
    def nobody_decides_in_time(self) -> None:
        self.the_time_box_ends()

    def the_time_box_ends(self) -> None:
        self.now = max(self.now, self.gate.due_at)
        self.outcome = consensus.by_default(self.gate, self.votes, self.now)
        vetoed = any(vote.stance is Stance.VETO for vote in self.votes)
        assert self.outcome.how == "default"
        taken = next(option for option in OPTIONS if option.key == self.outcome.option)
        assert (taken.reversible and not taken.external) is (self.gate.default == "wait" or vetoed)
        REACHED["ended by default"] += 1
        REACHED["a default after a veto"] += vetoed

    @precondition(lambda self: self.outcome is not None)
    @rule(binding=st.integers(0, 3))
    def the_next_question_is_asked(self, binding: int) -> None:
        self.asked += 1
        self.gate = replace(
            self.gate,
            id=f"ESC-1/gate/{self.asked}",
            opened_at=self.now,
            due_at=self.now + BOX,
            binding=binding == 0,
        )
        assert consensus.outcome(self.gate, self.votes) is None  # what was said at one gate never counts at the next
        self.votes, self.outcome = (), None

    @invariant()
    def nobody_is_heard_twice_and_no_conflict_speaks(self) -> None:
        persons = [vote.person for vote in self.votes]
        voices = [vote.on_behalf_of or vote.person for vote in self.votes if vote.stance is not Stance.RECUSE]
        assert len(persons) == len(set(persons))
        assert len(voices) == len(set(voices))
        assert not {*persons, *voices} & set(self.gate.excluded)

    @invariant()
    def every_vote_has_a_seat(self) -> None:
        for vote in self.votes:
            seat = next(seat for seat in self.gate.seats if seat.role == vote.role)
            assert (vote.on_behalf_of or vote.person) in seat.persons

    @invariant()
    def a_veto_never_stops_a_safety_measure_or_an_order(self) -> None:
        for vote in self.votes:
            if vote.stance is Stance.VETO:
                option = next(one for one in OPTIONS if one.key == vote.option)
                assert not self.gate.binding
                assert option.external or not option.reversible

    @invariant()
    def a_decision_has_its_quorum_and_every_required_role(self) -> None:
        if self.outcome is None or self.outcome.how != "quorum":
            return
        favour = [
            vote for vote in self.votes
            if vote.option == self.outcome.option and vote.stance in consensus.IN_FAVOUR
        ]  # fmt: skip
        assert len(favour) >= self.gate.quorum
        assert {"LEG", "PSAF"} <= {vote.role for vote in favour}

    @invariant()
    def the_same_votes_always_decide_the_same(self) -> None:
        if self.outcome is not None and self.outcome.how in ("quorum", "veto"):
            again = consensus.outcome(self.gate, self.votes)
            assert again is not None
            assert replace(again, at=self.outcome.at) == self.outcome


def test_a_gate_keeps_its_promises_on_a_walk_that_reached_every_corner() -> None:
    REACHED.clear()

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Table,
        settings=settings(
            max_examples=250,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )

    short = {corner: (REACHED[corner], least) for corner, least in LEAST.items() if REACHED[corner] < least}
    assert not short, (short, dict(REACHED))
