"""May this person say this at this gate?

A delegate carries the conflicts of the person spoken for, and of whoever passed the delegation on.
"""

from datetime import datetime

from escalations.consensus import Gate, Outcome, Seat, Stance, Vote, counted, vetoable, voices
from escalations.delegations import between, ended, lent, principal
from escalations.messages import Decide, Delegate

WITHOUT_OPTION = frozenset({Stance.ABSTAIN, Stance.RECUSE})
NEEDS_REASON = frozenset({Stance.OBJECT, Stance.VETO, Stance.CONDITIONS})


def refusal(
    gate: Gate,
    votes: tuple[Vote, ...],
    outcome: Outcome | None,
    message: Decide,
    now: datetime,
    delegations: tuple[Delegate, ...] = (),
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


def vote(gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...] = ()) -> Vote:
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
        on_behalf_of=principal(message),
        door=message.said.door,
        request_id=message.said.request_id,
    )


def _shut(gate: Gate, outcome: Outcome | None, message: Decide, now: datetime) -> tuple[str, str] | None:
    if message.gate != gate.id:
        return "unknown_gate", f"this is {gate.id}; the vote names another gate"
    if outcome is not None:
        return "gate_closed", f"{gate.id} ended {_time(outcome.at)} by {outcome.how}: {outcome.option}"
    if now >= gate.due_at:
        return "expired", f"{gate.id} was open until {_time(gate.due_at)}; its default {gate.default} applies"
    return None


def _about_something_else(gate: Gate, message: Decide) -> tuple[str, str] | None:
    if message.digest != gate.digest:
        return "stale_digest", f"what you were shown has changed; look at {gate.id} again and decide on that"
    keys = [option.key for option in gate.options]
    if message.option in keys or (not message.option and message.stance in WITHOUT_OPTION):
        return None
    return "unknown_option", f"options of {gate.id}: {', '.join(keys)}"


def _speaker_refused(
    gate: Gate, votes: tuple[Vote, ...], message: Decide, now: datetime, delegations: tuple[Delegate, ...]
) -> tuple[str, str] | None:
    person, spoken_for = message.said.person, principal(message)
    if person in gate.excluded:
        return "separation_of_duties", f"you took part in what {gate.id} judges; somebody else must decide it"
    aside = {*gate.excluded, *_stood_aside(gate, votes)}
    if spoken_for in aside:
        return "conflict", f"{spoken_for} may not decide {gate.id}, so nobody may on their behalf"
    if _seat(gate, message, now, delegations) is None:
        return _no_seat(gate, message, now, delegations)
    passed_on_by = between(gate, message, now, delegations)
    if passed_on_by and all(one in aside for one in passed_on_by):
        text = f"{passed_on_by[0]}, who passed the delegation on, may not decide {gate.id}; ask {spoken_for}"
        return "conflict", text
    if {person, spoken_for} & voices(counted(gate, votes)):
        return "already_voted", f"this voice was counted at {gate.id} already; one person, one vote"
    return None


def _no_seat(gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...]) -> tuple[str, str]:
    if over := ended(gate, message, now, delegations):
        return "delegation_expired", f"the delegation ended {_time(max(over))}; ask for a new one"
    roles = ", ".join(seat.role for seat in gate.seats)
    if principal(message):
        return "not_eligible", f"no delegation lets you speak there; seats at {gate.id}: {roles}"
    return "not_eligible", f"you hold none of the seats at {gate.id}: {roles}"


def _stance_refused(
    gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...]
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


def _seat(gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...]) -> Seat | None:
    """Find the seat a message speaks for: the role it names, else the first one open to its speaker."""
    spoken_for = principal(message)
    roles = lent(gate, message, now, delegations)
    for seat in gate.seats:
        meant = message.role in ("", seat.role)
        if meant and (spoken_for or message.said.person) in seat.persons and (not spoken_for or seat.role in roles):
            return seat
    return None


def _conditions(message: Decide) -> tuple[str, ...]:
    return tuple(text.strip() for text in message.conditions if text.strip())


def _stood_aside(gate: Gate, votes: tuple[Vote, ...]) -> set[str]:
    return {one.person for one in counted(gate, votes) if one.stance is Stance.RECUSE}


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"
