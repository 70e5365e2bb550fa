"""Who must agree, and what did they decide? A gate asks one question; votes answer it; nothing leaks to the next gate.

Persons are compared, never roles: nobody counts twice, and a delegate carries the conflicts of the person spoken for,
and of whoever passed the delegation on. A delegation is passed on once at most.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # messages imports Stance from here
    from escalations.messages import Decide, Delegate


class GateKind(StrEnum):
    """Which question of the process a gate asks."""

    LEGAL_REVIEW = "legal_review"
    CONTAINMENT = "containment"
    RATIFICATION = "ratification"
    RESPONSE = "external_response"
    ROOT_CAUSE = "root_cause"
    VERIFICATION = "verification"


class Stance(StrEnum):
    """What a person may say at a gate."""

    APPROVE = "approve"
    CONDITIONS = "approve_with_conditions"
    OBJECT = "object"
    VETO = "veto"
    ABSTAIN = "abstain"
    RECUSE = "recuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One possible answer. `blast` is the tier B0..B3 of what it would touch."""

    key: str
    label: str
    reversible: bool = True
    external: bool = False
    blast: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A role at the table: who may speak for it, whether its consent is required, whether it may veto."""

    role: str
    persons: tuple[str, ...]
    required: bool = True
    may_veto: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One question with everything an answer is judged by, pinned when it was asked.

    `digest` names the evidence and plan the approvers are shown; `excluded` persons may not decide (separation of
    duties); `default` is the option taken at `due_at` and is always reversible and lawful; `quorum` counts distinct
    persons in favour of one option, seats required included. `asked` is the digest of the request, for replay; the
    case does not keep it. `ask` are the persons on duty to ask first, when it was asked; everybody in a seat may vote.
    """

    id: str
    kind: GateKind
    question: str
    options: tuple[Option, ...]
    recommended: str
    default: str
    seats: tuple[Seat, ...]
    quorum: int
    opened_at: datetime
    due_at: datetime
    digest: str
    excluded: tuple[str, ...] = ()
    binding: bool = False
    rulebook: str = ""
    steps: tuple[str, ...] = ()
    asked: str = ""
    ask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one person said at one gate, as recorded."""

    gate: str
    person: str
    role: str
    option: str
    stance: Stance
    at: datetime
    reason: str = ""
    conditions: tuple[str, ...] = ()
    on_behalf_of: str = ""
    door: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a gate ended: `how` is `quorum`, `veto`, `default` or `superseded`."""

    gate: str
    option: str
    how: str
    at: datetime
    votes: tuple[Vote, ...] = ()
    dissent: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


IN_FAVOUR = frozenset({Stance.APPROVE, Stance.CONDITIONS})
WITHOUT_OPTION = frozenset({Stance.ABSTAIN, Stance.RECUSE})
NEEDS_REASON = frozenset({Stance.OBJECT, Stance.VETO, Stance.CONDITIONS})
OBJECTIONS_THAT_ESCALATE = 2
LONGEST_CHAIN = 2
SUPERSEDED = "superseded"


def refusal(
    gate: Gate,
    votes: tuple[Vote, ...],
    outcome: Outcome | None,
    message: "Decide",
    now: datetime,
    delegations: "tuple[Delegate, ...]" = (),
) -> tuple[str, str] | None:
    """Return `(code, reason)` when the gate must not take this vote, None when it may.

    `votes` and `outcome` are what the gate has taken so far. Codes, in the order they are looked for: `unknown_gate`,
    `gate_closed`, `expired` (from `due_at` on), `stale_digest`, `unknown_option`, `separation_of_duties`, `conflict`
    (the principal is excluded or stood aside), `not_eligible`, `delegation_expired`, `already_voted` (delegator and
    delegate are one voice), `veto_out_of_scope`, `reason_required`.
    """
    return (
        _shut(gate, outcome, message, now)
        or _about_something_else(gate, message)
        or _speaker_refused(gate, votes, message, now, delegations)
        or _stance_refused(gate, message, now, delegations)
    )


def vote(gate: Gate, message: "Decide", now: datetime, delegations: "tuple[Delegate, ...]" = ()) -> Vote:
    """Record an admitted message: its seat is found from the person, or from the person spoken for.

    Raises ValueError for a message that `refusal` would refuse for its speaker.
    """
    seat = _seat(gate, message, now, delegations)
    if seat is None:
        raise ValueError(f"{message.said.person} holds no seat at {gate.id}; ask refusal() before recording a vote")
    return Vote(
        gate=gate.id,
        person=message.said.person,
        role=seat.role,
        option=message.option,
        stance=message.stance,
        at=now,
        reason=message.reason.strip(),
        conditions=_conditions(message),
        on_behalf_of=_principal(message),
        door=message.said.door,
        request_id=message.said.request_id,
    )


def outcome(gate: Gate, votes: tuple[Vote, ...]) -> Outcome | None:
    """Say how the votes end the gate, None while it is open. The first vote that completes an answer ends it.

    Quorum: `gate.quorum` distinct persons in favour of one option, among them one for every required seat. An option
    that two persons in required seats object to is not decided here; it goes up the ladder at the time-box. A veto in
    scope strikes its option; when that leaves a single option, reversible and internal, that one is taken.
    """
    heard = _heard(gate, votes)
    for count in range(1, len(heard) + 1):
        ended = _ended(gate, heard[:count])
        if ended:
            return ended
    return None


def by_default(gate: Gate, votes: tuple[Vote, ...], now: datetime) -> Outcome:
    """End a gate at its time-box with its default option, marked as such.

    A vetoed default (it is external then) gives way to the first reversible, internal option left, if there is one.
    """
    heard = _heard(gate, votes)
    struck = _struck(gate, heard)
    taken = gate.default
    if taken in struck:
        taken = next((option.key for option in gate.options if option.key not in struck and _safe(option)), taken)
    return _outcome(gate, heard, taken, "default", now)


def superseded(gate: Gate, votes: tuple[Vote, ...], now: datetime) -> Outcome:
    """End a gate whose question no longer needs an answer. It names the default, and nobody acts on it."""
    return Outcome(gate=gate.id, option=gate.default, how=SUPERSEDED, at=now, votes=votes)


def vetoable(gate: Gate, option: Option) -> bool:
    """Say whether a veto can stop this option: only what is irreversible or external, never under a binding order."""
    return not gate.binding and not _safe(option)


def escalates(gate: Gate, votes: tuple[Vote, ...]) -> bool:
    """Say whether objections have taken an option from this table: two persons in required seats object to it."""
    heard = _heard(gate, votes)
    return any(_contested(gate, heard, option.key) for option in gate.options)


def _shut(gate: Gate, outcome: Outcome | None, message: "Decide", now: datetime) -> tuple[str, str] | None:
    if message.gate != gate.id:
        return "unknown_gate", f"this is {gate.id}; the vote names another gate"
    if outcome is not None:
        return "gate_closed", f"{gate.id} ended {_time(outcome.at)} by {outcome.how}: {outcome.option}"
    if now >= gate.due_at:
        return "expired", f"{gate.id} was open until {_time(gate.due_at)}; its default {gate.default} applies"
    return None


def _about_something_else(gate: Gate, message: "Decide") -> tuple[str, str] | None:
    if message.digest != gate.digest:
        return "stale_digest", f"what you were shown has changed; look at {gate.id} again and decide on that"
    keys = [option.key for option in gate.options]
    if message.option in keys or (not message.option and message.stance in WITHOUT_OPTION):
        return None
    return "unknown_option", f"options of {gate.id}: {', '.join(keys)}"


def _speaker_refused(
    gate: Gate, votes: tuple[Vote, ...], message: "Decide", now: datetime, delegations: "tuple[Delegate, ...]"
) -> tuple[str, str] | None:
    person, principal = message.said.person, _principal(message)
    if person in gate.excluded:
        return "separation_of_duties", f"you took part in what {gate.id} judges; somebody else must decide it"
    aside = {*gate.excluded, *_stood_aside(gate, votes)}
    if principal in aside:
        return "conflict", f"{principal} may not decide {gate.id}, so nobody may on their behalf"
    if _seat(gate, message, now, delegations) is None:
        return _no_seat(gate, message, now, delegations)
    between = _between(gate, message, now, delegations)
    if between and all(one in aside for one in between):
        return "conflict", f"{between[0]}, who passed the delegation on, may not decide {gate.id}; ask {principal}"
    if {person, principal} & _voices(_heard(gate, votes)):
        return "already_voted", f"this voice was counted at {gate.id} already; one person, one vote"
    return None


def _no_seat(gate: Gate, message: "Decide", now: datetime, delegations: "tuple[Delegate, ...]") -> tuple[str, str]:
    ended = [one.until for one in _given(gate, message, delegations) if one.until <= now]
    chains = [_until(first, last) for first, last in _passed_on(gate, message, delegations)]
    ended += [until for until in chains if until <= now]
    if ended:
        return "delegation_expired", f"the delegation ended {_time(max(ended))}; ask for a new one"
    roles = ", ".join(seat.role for seat in gate.seats)
    if _principal(message):
        return "not_eligible", f"no delegation lets you speak there; seats at {gate.id}: {roles}"
    return "not_eligible", f"you hold none of the seats at {gate.id}: {roles}"


def _stance_refused(
    gate: Gate, message: "Decide", now: datetime, delegations: "tuple[Delegate, ...]"
) -> tuple[str, str] | None:
    if message.stance is Stance.VETO:
        seat = _seat(gate, message, now, delegations)
        if seat is None or not seat.may_veto:
            return "veto_out_of_scope", "this seat has no veto; object, or approve with conditions"
        if not any(option.key == message.option and vetoable(gate, option) for option in gate.options):
            return (
                "veto_out_of_scope",
                "a veto stops only what is irreversible or external, and no binding order; ask for it to be narrowed",
            )
    if message.stance in NEEDS_REASON and not any(sign.isalnum() for sign in message.reason):
        return "reason_required", f"say why: {message.stance.value} needs a reason"
    if message.stance is Stance.CONDITIONS and not _conditions(message):
        return "reason_required", "name at least one condition"
    return None


def _seat(gate: Gate, message: "Decide", now: datetime, delegations: "tuple[Delegate, ...]") -> Seat | None:
    """Find the seat a message speaks for: the role it names, else the first one open to its speaker."""
    principal = _principal(message)
    roles = {one.role for one in _given(gate, message, delegations) if one.until > now}
    roles |= {first.role for first, last in _passed_on(gate, message, delegations) if _until(first, last) > now}
    for seat in gate.seats:
        named = message.role in ("", seat.role)
        if named and (principal or message.said.person) in seat.persons and (not principal or seat.role in roles):
            return seat
    return None


def _given(gate: Gate, message: "Decide", delegations: "tuple[Delegate, ...]") -> "list[Delegate]":
    """List what the principal delegated to the speaker for seats of this gate, ended or not."""
    principal = _principal(message)
    seats = {seat.role for seat in gate.seats if principal in seat.persons and message.role in ("", seat.role)}
    return [
        one
        for one in delegations
        if one.said.person == principal and one.to == message.said.person and one.role in seats
    ]


def _passed_on(gate: Gate, message: "Decide", delegations: "tuple[Delegate, ...]") -> "list[tuple[Delegate, Delegate]]":
    """List the two-link chains from the principal to the speaker for seats of this gate, ended or not."""
    principal, speaker = _principal(message), message.said.person
    seats = {seat.role for seat in gate.seats if principal in seat.persons and message.role in ("", seat.role)}
    return [
        (first, last)
        for first in delegations
        for last in delegations
        if first.said.person == principal
        and first.to == last.said.person not in (principal, speaker)
        and last.to == speaker
        and first.role == last.role
        and first.role in seats
    ]


def _between(gate: Gate, message: "Decide", now: datetime, delegations: "tuple[Delegate, ...]") -> tuple[str, ...]:
    """Name who passed the delegation on, in every chain that holds; nobody where the speaker has it directly."""
    if any(one.until > now for one in _given(gate, message, delegations)):
        return ()
    return tuple(first.to for first, last in _passed_on(gate, message, delegations) if _until(first, last) > now)


def _until(first: "Delegate", last: "Delegate") -> datetime:
    return min(first.until, last.until)


def links(
    person: str, role: str, delegations: "tuple[Delegate, ...]", now: datetime, *, onward: bool = False
) -> tuple[tuple[str, ...], ...]:
    """List the chains of delegations in a role that reach a person, each with the nearest giver first.

    `onward` lists where the person's own delegations lead instead. Nobody is in a chain twice.
    """
    steps = [
        (one.said.person, one.to) if onward else (one.to, one.said.person)
        for one in delegations
        if one.role == role and one.until > now
    ]
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[str, ...]] = [(person,)]
    while waiting:
        path = waiting.pop()
        further = [(*path, other) for here, other in steps if here == path[-1] and other not in path]
        found += [one[1:] for one in further]
        waiting += further
    return tuple(found)


def _principal(message: "Decide") -> str:
    return "" if message.on_behalf_of == message.said.person else message.on_behalf_of


def _conditions(message: "Decide") -> tuple[str, ...]:
    return tuple(text.strip() for text in message.conditions if text.strip())


def _heard(gate: Gate, votes: tuple[Vote, ...]) -> tuple[Vote, ...]:
    """Keep the votes that count: of this gate, by nobody excluded, the first of each voice."""
    heard: list[Vote] = []
    voices: set[str] = set()
    for one in votes:
        speaks = _voices((one,))
        if one.gate == gate.id and not speaks & (voices | set(gate.excluded)):
            heard.append(one)
            voices |= speaks
    return tuple(heard)


def _voices(votes: tuple[Vote, ...]) -> set[str]:
    """Name everyone who has spoken; standing aside is personal, so it leaves the principal free."""
    voices = {one.person for one in votes}
    return voices | {one.on_behalf_of for one in votes if one.on_behalf_of and one.stance is not Stance.RECUSE}


def _stood_aside(gate: Gate, votes: tuple[Vote, ...]) -> set[str]:
    return {one.person for one in _heard(gate, votes) if one.stance is Stance.RECUSE}


def _ended(gate: Gate, heard: tuple[Vote, ...]) -> Outcome | None:
    struck = _struck(gate, heard)
    left = [option for option in gate.options if option.key not in struck]
    for option in left:
        if _agreed(gate, heard, option.key):
            return _outcome(gate, heard, option.key, "quorum", heard[-1].at)
    if struck and len(left) == 1 and _safe(left[0]):
        return _outcome(gate, heard, left[0].key, "veto", heard[-1].at)
    return None


def _agreed(gate: Gate, heard: tuple[Vote, ...], key: str) -> bool:
    favour = [one for one in heard if one.option == key and one.stance in IN_FAVOUR]
    filled = {one.role for one in favour}
    required = {seat.role for seat in gate.seats if seat.required}
    enough = len(favour) >= max(gate.quorum, 1)
    return enough and required <= filled and not _contested(gate, heard, key)


def _contested(gate: Gate, heard: tuple[Vote, ...], key: str) -> bool:
    required = {seat.role for seat in gate.seats if seat.required}
    against = [one for one in heard if one.option == key and one.stance is Stance.OBJECT and one.role in required]
    return len(against) >= OBJECTIONS_THAT_ESCALATE


def _struck(gate: Gate, heard: tuple[Vote, ...]) -> set[str]:
    may_veto = {seat.role for seat in gate.seats if seat.may_veto}
    stopped = {one.option for one in heard if one.stance is Stance.VETO and one.role in may_veto}
    return {option.key for option in gate.options if option.key in stopped and vetoable(gate, option)}


def _safe(option: Option) -> bool:
    return option.reversible and not option.external


def _outcome(gate: Gate, heard: tuple[Vote, ...], option: str, how: str, at: datetime) -> Outcome:
    favour = [one for one in heard if one.option == option and one.stance in IN_FAVOUR]
    against = [one for one in heard if one.stance in (Stance.OBJECT, Stance.VETO)]
    return Outcome(
        gate=gate.id,
        option=option,
        how=how,
        at=at,
        votes=heard,
        dissent=tuple(f"{one.role} {one.person} ({one.stance.value}, {one.option}): {one.reason}" for one in against),
        conditions=tuple(dict.fromkeys(text for one in favour for text in one.conditions)),
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"
