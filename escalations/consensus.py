"""Who must agree, and what did they decide? A gate asks one question; votes answer it; nothing leaks to the next gate.

Persons are compared, never roles: nobody counts twice. Whether a vote may be cast is judged in `voting`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
OBJECTIONS_THAT_ESCALATE = 2
SUPERSEDED = "superseded"


def outcome(gate: Gate, votes: tuple[Vote, ...]) -> Outcome | None:
    """Say how the votes end the gate, None while it is open. The first vote that completes an answer ends it.

    Quorum: `gate.quorum` distinct persons in favour of one option, among them one for every required seat. An option
    that two persons in required seats object to is not decided here; it goes up the ladder at the time-box. A veto in
    scope strikes its option; when that leaves a single option, reversible and internal, that one is taken.
    """
    heard = counted(gate, votes)
    for count in range(1, len(heard) + 1):
        ended = _ended(gate, heard[:count])
        if ended:
            return ended
    return None


def by_default(gate: Gate, votes: tuple[Vote, ...], now: datetime) -> Outcome:
    """End a gate at its time-box with its default option, marked as such.

    A vetoed default (it is external then) gives way to the first reversible, internal option left, if there is one.
    """
    heard = counted(gate, votes)
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
    heard = counted(gate, votes)
    return any(_contested(gate, heard, option.key) for option in gate.options)


def counted(gate: Gate, votes: tuple[Vote, ...]) -> tuple[Vote, ...]:
    """Keep the votes that count: of this gate, by nobody excluded, the first of each voice."""
    heard: list[Vote] = []
    spoken: set[str] = set()
    for one in votes:
        speaks = voices((one,))
        if one.gate == gate.id and not speaks & (spoken | set(gate.excluded)):
            heard.append(one)
            spoken |= speaks
    return tuple(heard)


def voices(votes: tuple[Vote, ...]) -> set[str]:
    """Name everyone who has spoken; standing aside is personal, so it leaves the principal free."""
    spoken = {one.person for one in votes}
    return spoken | {one.on_behalf_of for one in votes if one.on_behalf_of and one.stance is not Stance.RECUSE}


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
