"""Does a gate keep its promises whatever people say, in whatever order, however late?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from escalations import consensus
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
people, keys, stances = st.sampled_from(PEOPLE), st.sampled_from(KEYS), st.sampled_from(list(Stance))


class Table(RuleBasedStateMachine):
    """A gate in use: people vote, delegate, come late; the time-box ends."""

    @initialize(
        quorum=st.integers(1, 4), binding=st.booleans(), excluded=st.sets(people, max_size=2), veto=st.booleans()
    )
    def opened(self, quorum: int, binding: bool, excluded: set[str], veto: bool) -> None:
        self.now, self.votes, self.trust = OPENED, (), ()  # type: tuple[Vote, ...], tuple[Delegate, ...]
        self.outcome: Outcome | None = None
        self.number = 0
        self.gate = Gate(
            id="ESC-1/gate/1",
            kind=GateKind.RESPONSE,
            question="What now?",
            options=OPTIONS,
            recommended="act",
            default="wait",
            seats=tuple(
                Seat(role=role, persons=persons, required=role != "OPS", may_veto=veto and role == "LEG")
                for role, persons in SEATS.items()
            ),
            quorum=quorum,
            opened_at=OPENED,
            due_at=OPENED + BOX,
            digest="d" * 64,
            excluded=tuple(sorted(excluded)),
            binding=binding,
        )

    def said(self, person: str) -> Said:
        self.number += 1
        return Said(request_id=f"r-{self.number}", person=person)

    @rule(person=people, key=keys, stance=stances, behalf=st.sampled_from(("", *PEOPLE)), stale=st.integers(0, 9))
    def vote(self, person: str, key: str, stance: Stance, behalf: str, stale: int) -> None:
        message = Decide(
            said=self.said(person), gate=self.gate.id, digest=("d" if stale else "e") * 64, option=key, stance=stance,
            reason="seen", conditions=("tell the importer",), on_behalf_of=behalf,
        )  # fmt: skip
        refused = consensus.refusal(self.gate, self.votes, self.outcome, message, self.now, self.trust)
        if refused is not None:
            assert refused[0]
            assert refused[1]
            return
        assert self.outcome is None
        assert self.now < self.gate.due_at
        assert stale
        self.votes = (*self.votes, consensus.vote(self.gate, message, self.now, self.trust))
        self.outcome = consensus.outcome(self.gate, self.votes)

    @rule(giver=people, taker=people, minutes=st.integers(1, 200))
    def delegate(self, giver: str, taker: str, minutes: int) -> None:
        role = next((role for role, persons in SEATS.items() if giver in persons), "LEG")
        until = self.now + timedelta(minutes=minutes)
        self.trust = (*self.trust, Delegate(said=self.said(giver), to=taker, role=role, until=until))

    @rule(minutes=st.integers(1, 50))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.outcome is None and self.now >= self.gate.due_at)
    @rule()
    def time_box_ends(self) -> None:
        self.outcome = consensus.by_default(self.gate, self.votes, self.now)
        assert self.outcome.how == "default"
        taken = next(option for option in OPTIONS if option.key == self.outcome.option)
        assert taken.reversible
        assert not taken.external

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


TestTable = Table.TestCase
TestTable.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
