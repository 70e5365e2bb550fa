"""Does any combination of people, stances, options and digests get past a small gate that should not?

Every message of a small world is tried in every state that up to three messages can reach. What must happen is said
again below, in other words than the product's: a ledger of who spoke, and a table of who sits where.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

from escalations.consensus import (
    Gate,
    GateKind,
    Option,
    Outcome,
    Seat,
    Stance,
    Vote,
    by_default,
    outcome,
)
from escalations.messages import Decide, Delegate, Said
from escalations.voting import refusal, vote

OPENED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOW, DUE = OPENED + timedelta(minutes=5), OPENED + timedelta(minutes=30)

SEATED = {("ana", "IC"), ("leo", "LEG"), ("lea", "LEG"), ("oz", "OPS"), ("ana", "OPS")}
REQUIRED = {"IC", "LEG"}
VETO = {"LEG"}
EXCLUDED = {"rex"}
LENT = {("leo", "dee", "LEG"): DUE, ("rex", "dee", "LEG"): DUE, ("lea", "dee", "LEG"): OPENED}
PEOPLE = ("ana", "leo", "lea", "oz", "dee", "eve", "rex")
SAFE = {"hide": True, "disclose": False}
DIGESTS = ("shown", "older")
QUORUM = 2


def persons(role: str) -> tuple[str, ...]:
    return tuple(sorted(person for person, held in SEATED | {("rex", "LEG")} if held == role))


GATE = Gate(
    id="gate",
    kind=GateKind.RESPONSE,
    question="Tell the press?",
    options=tuple(Option(key=key, label=key, reversible=safe, external=not safe) for key, safe in SAFE.items()),
    recommended="disclose",
    default="hide",
    seats=tuple(
        Seat(role=role, persons=persons(role), required=role in REQUIRED, may_veto=role in VETO)
        for role in ("IC", "LEG", "OPS")
    ),
    quorum=QUORUM,
    opened_at=OPENED,
    due_at=DUE,
    digest="shown",
    excluded=tuple(EXCLUDED),
)
DELEGATIONS = tuple(
    Delegate(said=Said(request_id=f"{lender}{to}", person=lender), to=to, role=role, until=until)
    for (lender, to, role), until in LENT.items()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One admissible thing that was said, as the oracle remembers it."""

    who: str
    for_whom: str
    role: str
    option: str
    stance: Stance


def message(person: str, stance: Stance, option: str, digest: str, principal: str, reason: str) -> Decide:
    conditions = ("within the EU",) if stance is Stance.CONDITIONS else ()
    return Decide(
        said=Said(request_id="r", person=person),
        gate="gate",
        digest=digest,
        option=option,
        stance=stance,
        reason=reason,
        conditions=conditions,
        on_behalf_of=principal,
    )


def everything() -> Iterator[Decide]:
    """Give every message of the small world: 7 people, 6 stances, 3 options, 2 digests, 4 principals, 2 reasons."""
    options = (*SAFE, "burn")
    for parts in product(PEOPLE, Stance, options, DIGESTS, ("", "leo", "lea", "rex"), ("", "why")):
        yield message(*parts)


def sensible() -> Iterator[Decide]:
    """Give the messages that may pass at first; those that never can are judged once, in `everything`."""
    yield from (one for one in everything() if oracle_role(one) and one.digest == "shown" and one.reason)


def oracle_role(one: Decide) -> str:
    """Name the role a message speaks for when nothing was said before; empty when it may not be said at all."""
    who, lender = one.said.person, one.on_behalf_of
    if lender in ("", who):
        roles = [role for role in ("IC", "LEG", "OPS") if (who, role) in SEATED]
    else:
        roles = [role for role in ("IC", "LEG", "OPS") if LENT.get((lender, who, role), OPENED) > NOW]
    barred = who in EXCLUDED or lender in EXCLUDED or one.option not in SAFE or one.digest != "shown" or not roles
    if barred or (one.stance in (Stance.OBJECT, Stance.VETO, Stance.CONDITIONS) and one.reason == ""):
        return ""
    if one.stance is Stance.VETO and (roles[0] not in VETO or SAFE[one.option]):
        return ""
    return roles[0]


def oracle_admits(said: tuple[Spoken, ...], one: Decide) -> bool:
    """Judge a message against the ledger: everyone is heard once, in person or through somebody."""
    who = one.said.person
    lender = one.on_behalf_of if one.on_behalf_of != who else ""
    ended = oracle_end(said) is not None
    spoke = any(old.who == who or (old.for_whom == who and old.stance is not Stance.RECUSE) for old in said)
    lender_spoke = any(
        lender == old.who or (lender == old.for_whom and old.stance is not Stance.RECUSE) for old in said if lender
    )
    return bool(oracle_role(one)) and not ended and not spoke and not lender_spoke


def oracle_end(said: tuple[Spoken, ...]) -> tuple[str, str] | None:
    """Say `(option, how)` by counting the ledger; None while the gate is open."""
    vetoed = {old.option for old in said if old.stance is Stance.VETO}
    for option in SAFE:
        rows = [old for old in said if old.option == option]
        favour = [old for old in rows if old.stance in (Stance.APPROVE, Stance.CONDITIONS)]
        against = [old for old in rows if old.stance is Stance.OBJECT and old.role in REQUIRED]
        every_seat = all(any(old.role == role for old in favour) for role in REQUIRED)
        if len(favour) >= QUORUM and every_seat and len(against) < 2 and option not in vetoed:
            return option, "quorum"
    return ("hide", "veto") if vetoed == {"disclose"} else None


def holds(votes: tuple[Vote, ...], ended: Outcome) -> None:
    """Check what must be true of any ended gate, whatever the oracle says (reliability I2)."""
    assert ended.votes == votes
    if ended.how == "quorum":
        favour = [
            one for one in votes if one.option == ended.option and one.stance in (Stance.APPROVE, Stance.CONDITIONS)
        ]
        people = {one.on_behalf_of or one.person for one in favour}
        assert len({one.person for one in favour}) == len(people) == len(favour) >= QUORUM
        assert {one.role for one in favour} >= REQUIRED
        assert not people & EXCLUDED
    assert not any(one.stance is Stance.VETO and one.option == ended.option for one in votes)
    assert len(ended.dissent) == sum(one.stance in (Stance.OBJECT, Stance.VETO) for one in votes)


def test_no_message_of_the_small_world_is_admitted_or_refused_wrongly_at_first() -> None:
    seen: Counter[str] = Counter()
    for one in everything():
        refused = refusal(GATE, (), None, one, NOW, DELEGATIONS)

        assert (refused is None) == oracle_admits((), one), (one, refused)
        seen[refused[0] if refused else "admitted"] += 1
    assert set(seen) == {
        "admitted",
        "stale_digest",
        "unknown_option",
        "separation_of_duties",
        "conflict",
        "not_eligible",
        "delegation_expired",
        "veto_out_of_scope",
        "reason_required",
    }


def test_after_the_gate_ended_or_expired_nothing_at_all_is_admitted() -> None:
    ended = Outcome(gate="gate", option="hide", how="quorum", at=NOW)
    for one in everything():
        closed = refusal(GATE, (), ended, one, NOW, DELEGATIONS)
        expired = refusal(GATE, (), None, one, DUE, DELEGATIONS)

        assert closed is not None
        assert closed[0] == "gate_closed"
        assert expired is not None
        assert expired[0] == "expired"


def test_every_run_of_three_messages_ends_exactly_as_counted_by_hand() -> None:
    alphabet = tuple(sensible())
    seen: Counter[str] = Counter()

    def explore(votes: tuple[Vote, ...], said: tuple[Spoken, ...], depth: int) -> None:
        ended = outcome(GATE, votes)
        expected = oracle_end(said)
        assert (ended and (ended.option, ended.how)) == expected, (votes, ended, expected)
        seen[ended.how if ended else "open"] += 1
        if ended:
            holds(votes, ended)
        else:
            holds(votes, by_default(GATE, votes, DUE))
        for one in alphabet if depth else ():
            refused = refusal(GATE, votes, ended, one, NOW, DELEGATIONS)
            assert (refused is None) == oracle_admits(said, one), (votes, one, refused)
            seen[refused[0] if refused else "admitted"] += 1
            if refused is None:
                kept = vote(GATE, one, NOW, DELEGATIONS)
                spoken = Spoken(
                    who=one.said.person,
                    for_whom=one.on_behalf_of if one.on_behalf_of != one.said.person else "",
                    role=oracle_role(one),
                    option=one.option,
                    stance=one.stance,
                )
                assert (kept.person, kept.role) == (spoken.who, spoken.role)
                explore((*votes, kept), (*said, spoken), depth - 1)

    explore((), (), 3)

    print(dict(seen))
    assert seen["admitted"] > 10_000
    assert {"open", "quorum", "veto", "gate_closed", "already_voted", "conflict"} <= set(seen)


def test_every_order_of_consent_and_objection_of_two_required_seats_ends_as_counted_by_hand() -> None:
    roles = {"ana": "IC", "ben": "IC", "leo": "LEG", "lea": "LEG"}
    seats = tuple(Seat(role=role, persons=tuple(p for p in roles if roles[p] == role)) for role in ("IC", "LEG"))
    gate = replace(GATE, seats=seats, excluded=())
    contested = 0

    for stances in product((Stance.APPROVE, Stance.OBJECT, Stance.ABSTAIN), repeat=4):
        for order in permutations(zip(roles, stances, strict=True)):
            votes: tuple[Vote, ...] = ()
            for person, stance in order:
                votes += (vote(gate, message(person, stance, "hide", "shown", "", "why"), NOW),)

            ended = outcome(gate, votes)

            expected = next((n for n in range(1, 5) if agreed_by_hand(order[:n], roles)), None)
            assert (len(ended.votes) if ended else None) == expected, (order, ended)
            contested += expected is None and agreed_by_hand(order, roles, objections_allowed=4)
    assert contested == 48


def agreed_by_hand(said: tuple[tuple[str, Stance], ...], roles: dict[str, str], *, objections_allowed: int = 1) -> bool:
    in_favour = {roles[person] for person, stance in said if stance is Stance.APPROVE}
    against = sum(stance is Stance.OBJECT for _, stance in said)
    return in_favour == {"IC", "LEG"} and against <= objections_allowed
