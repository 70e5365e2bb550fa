"""What changed between two states? In words, every field of them: what has no words of its own is named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from escalations.casefile import CaseFile
from escalations.clocks import Clock, wanted_at
from escalations.enforcement import Tally
from escalations.plans import Plan
from escalations.record import GateCard, Wait
from replay.compare import paths
from replay.travel.state import State

NOTHING = "nothing yet"
PLAN_SHOWN = ("priority", "urgency", "domain", "playbook", "owner", "contain_first", "binding", "rulebook")
# Written by people in words of their own: that it is there is told, not what it says.
_TEXTS = frozenset({"withdrawn", "aborted", "undoing"})
# The journal of what was said: receipts and entry numbers follow from what woke the task.
_SILENT = frozenset({"case_id", "opened_at", "seq", "answers"})


def between(before: State, after: State) -> tuple[str, ...]:
    """List what changed, in the order in which a file keeps it, and the waits at the end."""
    return (*_files(before.file, after.file), *_others(before, after), *_waits(before.waits, after.waits))


def _files(before: CaseFile | None, after: CaseFile | None) -> Iterator[str]:
    if after is None:
        return
    if before is None:
        before = CaseFile(case_id=after.case_id, opened_at=after.opened_at)
    for field in fields(CaseFile):
        was, now = getattr(before, field.name), getattr(after, field.name)
        if was != now and field.name not in _SILENT:
            yield from _FIELDS.get(field.name, _anything(field.name))(was, now)


def _anything(name: str) -> Callable[[Any, Any], Iterator[str]]:
    """Say how a plain value changed, and of anything else that it did."""
    label = name.replace("_", " ")

    def changed(was: Any, now: Any) -> Iterator[str]:
        if name in _TEXTS:
            yield f"{label}: {'said why' if now else 'over'}"
        elif isinstance(was, list | dict) or isinstance(now, list | dict):
            yield f"{label}: {len(was)} → {len(now)}"
        else:
            yield f"{label}: {_value(was)} → {_value(now)}"

    return changed


def _intakes(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    for one in now[len(was) :]:
        yield f"report taken in: {one.kind.value} from {one.source} ({one.title})"
    for old, new in zip(was, now, strict=False):
        if old != new:
            changed = [field.name for field in fields(new) if getattr(old, field.name) != getattr(new, field.name)]
            yield f"report {new.source}: another {', '.join(changed)}"


def _plan(was: Plan | None, now: Plan | None) -> Iterator[str]:
    if now is None:
        yield "plan: gone"
    elif was is None:
        yield f"plan: {', '.join(f'{name} {_value(getattr(now, name))}' for name in PLAN_SHOWN)}"
    else:
        changed = [field.name for field in fields(now) if getattr(was, field.name) != getattr(now, field.name)]
        for name in changed:
            if name in PLAN_SHOWN:
                yield f"plan, {name}: {_value(getattr(was, name))} → {_value(getattr(now, name))}"
        if left := [name for name in changed if name not in PLAN_SHOWN]:
            yield f"plan: another {', '.join(left)}"


def _clocks(was: Sequence[Clock], now: Sequence[Clock]) -> Iterator[str]:
    before = {clock.rule: clock for clock in was}
    for clock in now:
        old = before.pop(clock.rule, None)
        if old is None:
            yield f"clock {clock.rule} started: {clock.duty}, {_wanted(clock)}"
        elif old != clock:
            yield f"clock {clock.rule}: {_clock(old, clock)}"
    for rule in before:
        yield f"clock {rule}: taken out"


def _clock(old: Clock, new: Clock) -> str:
    said = []
    if old.status is not new.status:
        said.append(f"{old.status.value} → {new.status.value}")
    if wanted_at(old) != wanted_at(new):
        said.append(f"{_wanted(old)} → {_wanted(new)}")
    return ", ".join(said) or "another proof or reason"


def _wanted(clock: Clock) -> str:
    at = wanted_at(clock)
    word = "due" if clock.due_operational else "house target"
    return f"{word} {_time(at)}" if at else "without a number"


def _rung(was: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    for bell in now:
        if bell not in was:
            yield f"clock warning given: {bell}"


def _gates(was: Sequence[GateCard], now: Sequence[GateCard]) -> Iterator[str]:
    before = {card.gate.id: card for card in was}
    for card in now:
        old = before.pop(card.gate.id, None)
        name = f"gate {card.gate.id.rsplit('/', 1)[-1]} ({card.gate.kind.value})"
        if old is None:
            seats = ", ".join(seat.role for seat in card.gate.seats)
            yield f"{name} opened: {card.gate.question} ({seats}; until {_time(card.gate.due_at)})"
        yield from _gate(name, old or GateCard(gate=card.gate), card)
    for gate_id in before:
        yield f"gate {gate_id.rsplit('/', 1)[-1]}: taken out"


def _gate(name: str, old: GateCard, new: GateCard) -> Iterator[str]:
    for vote in new.votes[len(old.votes) :]:
        instead = f" for {vote.on_behalf_of}" if vote.on_behalf_of else ""
        stance = vote.stance.value.replace("_", " ")
        yield f"{name}: {vote.person} as {vote.role}{instead}: {stance} {vote.option}".rstrip()
    if old.outcome is None and new.outcome is not None:
        yield f"{name} decided: {new.outcome.option} by {new.outcome.how}"


def _tasks(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    before = {task.id: task for task in was}
    for task in now:
        old = before.get(task.id)
        if old is None:
            yield f"task {task.id} for {task.owner}: {task.title} (until {_time(task.due_at)})"
        if task.done_at and (old is None or not old.done_at):
            yield f"task {task.id} done by {task.done_by or 'nobody named'}"


def _findings(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    for one in now[len(was) :]:
        yield f"finding of {one.by}: {one.kind}, {len(one.evidence)} pieces of evidence"


def _manifest(_was: Any, now: Any) -> Iterator[str]:
    if now is None:
        yield "manifest: laid aside"
    else:
        tiers = ", ".join(f"{count} by {tier}" for tier, count in now.by_tier)
        found = f"{now.count} listings of {now.sellers} sellers"
        yield f"manifest {now.digest[:12]}: {found}{f' ({tiers})' if tiers else ''}"


def _orders(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    for one in now[len(was) :]:
        yield f"enforcement {one.number} ordered: {one.action} {one.manifest.count} listings"


def _sweeps(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    before = {one.order: one for one in was}
    for one in now:
        old = before.get(one.order)
        if old != one:
            yield (
                f"sweep {one.order}: {_tally('done', one.applied)}, {_tally('verified', one.verified)}"
                + (f", {_tally('restored', one.reversed)}" if one.reversed != Tally() else "")
                + (", stopped" if one.killed else "")
            )


def _tally(word: str, tally: Tally) -> str:
    beside = [("already", tally.already), ("gone", tally.gone), ("wrong", tally.wrong), ("failed", len(tally.failed))]
    more = ", ".join(f"{number} {name}" for name, number in beside if number)
    return f"{tally.done} {word}{f' ({more})' if more else ''}"


def _notices(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    for one in now:
        if one not in was:
            yield f"notice owed to {one.recipient.value}"
    for one in was:
        if one not in now:
            yield f"notice to {one.recipient.value} no longer owed"


def _sent(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    for one in now[len(was) :]:
        yield f"told {one.recipient.value}: {one.count}" + (", with a problem" if one.problem else "")


def _delegations(was: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    for one in now[len(was) :]:
        yield f"{one.said.person} lets {one.to} speak as {one.role} until {_time(one.until)}"


def _root_cause(was: Any, now: Any) -> Iterator[str]:
    if now is not None:
        again = "another root cause" if was else "root cause"
        yield f"{again} by {now.author}: {', '.join(now.factors)}; {len(now.actions)} corrective actions"


_FIELDS: dict[str, Callable[[Any, Any], Iterator[str]]] = {
    "intakes": _intakes,
    "plan": _plan,
    "clocks": _clocks,
    "rung": _rung,
    "gates": _gates,
    "tasks": _tasks,
    "findings": _findings,
    "manifest": _manifest,
    "orders": _orders,
    "sweeps": _sweeps,
    "notices": _notices,
    "sent": _sent,
    "delegations": _delegations,
    "root_cause": _root_cause,
}


def _others(before: State, after: State) -> Iterator[str]:
    for name, now in after.other.items():
        was = before.other.get(name)
        if was is None:
            yield f"{name}: {_value(now)}"
        else:
            yield from (f"{path} changed" for path in paths(was, now, name))


def _waits(was: Sequence[Wait], now: Sequence[Wait]) -> Iterator[str]:
    for wait in was:
        if wait not in now:
            yield f"no longer waits for {wait.owner}: {wait.reason}"
    for wait in now:
        if wait not in was:
            yield f"waits for {wait.owner}: {wait.reason} (until {_time(wait.until)}, then {wait.then})"


def _value(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _time(value)
    return str(value.value if isinstance(value, Enum) else value)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
