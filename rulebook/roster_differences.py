"""What would change for people? Two rosters compared in words: who holds what, who works when, who stands in."""

from collections.abc import Iterator
from dataclasses import fields

from escalations.rosters import Desk
from escalations.rulebook import Person, Roster


def told(old: Roster, new: Roster) -> Iterator[str]:
    """List what differs, one line each."""
    yield from _persons(old, new)
    yield from _desks(old, new)
    if old.delegations != new.delegations:
        yield "roster: who stands in for whom changed"
    if old.levels != new.levels:
        yield "roster: the ladder L0 to L3 changed"


def _persons(old: Roster, new: Roster) -> Iterator[str]:
    before, after = ({one.id: one for one in roster.persons} for roster in (old, new))
    yield from (f"person {one} is new" for one in after if one not in before)
    yield from (f"person {one} is gone" for one in before if one not in after)
    for one in before:
        if one in after and before[one] != after[one]:
            yield from _person(before[one], after[one])


def _person(one: Person, other: Person) -> Iterator[str]:
    if one.roles != other.roles:
        yield f"person {one.id}: roles {', '.join(one.roles)} → {', '.join(other.roles)}"
    if one.absent != other.absent:
        yield f"person {one.id}: days off changed"
    if one.desk != other.desk:
        yield f"person {one.id}: desk {one.desk or 'none'} → {other.desk or 'none'}"


def _desks(old: Roster, new: Roster) -> Iterator[str]:
    before, after = ({one.key: one for one in roster.desks} for roster in (old, new))
    yield from (f"desk {one} is new" for one in after if one not in before)
    yield from (f"desk {one} is gone" for one in before if one not in after)
    for one in before:
        if one in after and before[one] != after[one]:
            yield from _desk(before[one], after[one])


def _desk(one: Desk, other: Desk) -> Iterator[str]:
    changed = [each.name for each in fields(Desk) if getattr(one, each.name) != getattr(other, each.name)]
    if changed != ["duties"]:
        yield f"desk {one.key}: {', '.join(name for name in changed if name != 'duties')} changed"
    before, after = ({(duty.on_call, duty.key): duty for duty in desk.duties} for desk in (one, other))
    for on_call, key in sorted(before.keys() | after.keys()):
        was, now = before.get((on_call, key)), after.get((on_call, key))
        if was != now:
            kind = "on call" if on_call else "shift"
            yield f"desk {one.key}: {kind} {key} {'is new' if was is None else 'is gone' if now is None else 'changed'}"
