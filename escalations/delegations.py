"""Who may speak for whom at a gate? A delegation is for one role and a time, and is passed on once at most."""

from datetime import datetime

from escalations.consensus import Gate
from escalations.messages import Decide, Delegate

LONGEST_CHAIN = 2


def principal(message: Decide) -> str:
    """Name the person spoken for; empty when somebody speaks for themselves."""
    return "" if message.on_behalf_of == message.said.person else message.on_behalf_of


def lent(gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...]) -> set[str]:
    """List the roles of this gate in which the speaker may speak for the principal."""
    direct = {one.role for one in _given(gate, message, delegations) if one.until > now}
    return direct | {first.role for first, last in _passed_on(gate, message, delegations) if _ends(first, last) > now}


def ended(gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...]) -> list[datetime]:
    """Say when the delegations ended by which the speaker could have spoken for the principal."""
    ends = [one.until for one in _given(gate, message, delegations)]
    ends += [_ends(first, last) for first, last in _passed_on(gate, message, delegations)]
    return [at for at in ends if at <= now]


def between(gate: Gate, message: Decide, now: datetime, delegations: tuple[Delegate, ...]) -> tuple[str, ...]:
    """Name who passed the delegation on, in every chain that holds; nobody where the speaker has it directly."""
    if any(one.until > now for one in _given(gate, message, delegations)):
        return ()
    return tuple(first.to for first, last in _passed_on(gate, message, delegations) if _ends(first, last) > now)


def refusal(message: Delegate, delegations: tuple[Delegate, ...], now: datetime) -> tuple[str, str] | None:
    """Return `(code, reason)` when a delegation would come back to its giver or be passed on too often, else None."""
    behind = _links(message.said.person, message.role, delegations, now)
    if any(message.to in chain for chain in behind):
        return "bad_delegate", "the delegation would come back to somebody who gave it; name another person"
    onward = _links(message.to, message.role, delegations, now, onward=True)
    longest = [max((len(chain) for chain in chains), default=0) for chains in (behind, onward)]
    if sum(longest) + 1 > LONGEST_CHAIN:
        return "delegation_chain", "a delegation is passed on once at most; ask the first to delegate to somebody else"
    return None


def _given(gate: Gate, message: Decide, delegations: tuple[Delegate, ...]) -> list[Delegate]:
    """List what the principal delegated to the speaker for seats of this gate, ended or not."""
    giver, speaker, roles = principal(message), message.said.person, _roles(gate, message)
    return [one for one in delegations if one.said.person == giver and one.to == speaker and one.role in roles]


def _passed_on(gate: Gate, message: Decide, delegations: tuple[Delegate, ...]) -> list[tuple[Delegate, Delegate]]:
    """List the two-link chains from the principal to the speaker for seats of this gate, ended or not."""
    giver, speaker, roles = principal(message), message.said.person, _roles(gate, message)
    return [
        (first, last)
        for first in delegations
        for last in delegations
        if first.said.person == giver
        and first.to == last.said.person not in (giver, speaker)
        and last.to == speaker
        and first.role == last.role
        and first.role in roles
    ]


def _roles(gate: Gate, message: Decide) -> set[str]:
    """List the roles that the principal holds at this gate, of those the message may mean."""
    giver = principal(message)
    return {seat.role for seat in gate.seats if giver in seat.persons and message.role in ("", seat.role)}


def _ends(first: Delegate, last: Delegate) -> datetime:
    return min(first.until, last.until)


def _links(
    person: str, role: str, delegations: tuple[Delegate, ...], now: datetime, *, onward: bool = False
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
