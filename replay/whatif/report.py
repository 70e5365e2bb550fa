"""What does a candidate change over many cases? Counts and lists, before and after, for one delay of people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from escalations.clocks import ClockStatus
from replay.whatif.effect import ClockSeen, Effect, GateSeen, Owed, Seen, same
from replay.whatif.trial import Tried

NOTE = (
    "This shows the mechanical effect of another rulebook on recorded cases. It does not show how people would have"
    " reacted: who spoke, and what they said, stays as recorded."
)
HOUR = timedelta(hours=1)
MET, MISSED = ClockStatus.MET.value, ClockStatus.MISSED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one team had to do: how many things came, how many hours they waited, how many came in its busiest hour.

    `hours` counts what came by hour of the day, UTC.
    """

    items: int = 0
    waited_hours: float = 0.0
    busiest: int = 0
    hours: tuple[int, ...] = (0,) * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The candidate at one delay of people. Pairs are (before, after); lists name cases."""

    delay: float
    cases: int
    changed: int
    clocks: dict[str, tuple[int, int]]
    missed_now: tuple[tuple[str, str], ...]
    met_now: tuple[tuple[str, str], ...]
    gates: dict[str, int]
    by_default: tuple[int, int]
    contained: tuple[tuple[float, ...], tuple[float, ...]]
    never_contained: tuple[int, int]
    workload: dict[str, tuple[Load, Load]]
    priorities: dict[str, int]
    outcomes: dict[str, int]
    too_late: dict[str, int]
    never_needed: dict[str, int]
    refused: dict[str, int]
    misses: dict[str, int]
    unused: dict[str, int]
    halted: tuple[tuple[str, str], ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that what-if says. `left_out` are cases that the simulation could not tell again, and why.

    `second` is what the real server did otherwise than the simulation, by case; None if it was not asked.
    """

    note: str
    candidate: str
    followed: tuple[str, ...]
    cases: int
    same: int
    left_out: tuple[tuple[str, str], ...]
    scenarios: tuple[Scenario, ...]
    second: tuple[tuple[str, tuple[str, ...]], ...] | None = None


def report(
    candidate: str, tries: Sequence[Tried], delays: Sequence[float], unread: Sequence[tuple[str, str]] = ()
) -> Report:
    """Put many cases together. `unread` are cases whose histories could not be read, and why."""
    left_out = [*unread, *((one.case_id, one.left_out.line()) for one in tries if one.left_out is not None)]
    same = [one for one in tries if one.left_out is None]
    scenarios = [scenario(delay, [one.effects[place] for one in same]) for place, delay in enumerate(delays)]
    return Report(
        note=NOTE,
        candidate=candidate,
        followed=tuple(sorted({one.before.rulebook for one in same if one.before is not None})),
        cases=len(tries) + len(unread),
        same=len(same),
        left_out=tuple(left_out),
        scenarios=tuple(scenarios),
    )


def scenario(delay: float, effects: Sequence[Effect]) -> Scenario:
    """Count what changed at one delay."""
    return Scenario(
        delay=delay,
        cases=len(effects),
        changed=sum(bool(one.changes) for one in effects),
        clocks=_statuses(effects),
        missed_now=tuple(_turned(effects, MISSED)),
        met_now=tuple(_turned(effects, MET)),
        gates=_gates(effects),
        by_default=(_defaults(one.before for one in effects), _defaults(one.after for one in effects)),
        contained=(_contained(one.before for one in effects), _contained(one.after for one in effects)),
        never_contained=(
            sum(one.before.contained_at is None for one in effects),
            sum(one.after.contained_at is None for one in effects),
        ),
        workload=_workload(effects),
        priorities=_counted(f"P{one.before.priority} → P{one.after.priority}" for one in effects),
        outcomes=_counted(f"{_word(one.before.outcome)} → {_word(one.after.outcome)}" for one in effects),
        too_late=_counted(name for one in effects for name in one.vain.too_late),
        never_needed=_counted(name for one in effects for name in one.vain.never_needed),
        refused=_counted(f"{name}: {code}" for one in effects for name, code in one.vain.refused),
        misses=_counted(name for one in effects for name in one.misses),
        unused=_counted(name for one in effects for name in one.unused),
        halted=tuple((one.case_id, one.halted) for one in effects if one.halted),
        effects=tuple(effects),
    )


def _word(outcome: str) -> str:
    return outcome or "none"


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda one: (-one[1], one[0])))


def _statuses(effects: Sequence[Effect]) -> dict[str, tuple[int, int]]:
    before = Counter(clock.status for one in effects for clock in one.before.clocks)
    after = Counter(clock.status for one in effects for clock in one.after.clocks)
    return {status.value: (before[status.value], after[status.value]) for status in ClockStatus}


def _turned(effects: Sequence[Effect], status: str) -> Iterator[tuple[str, str]]:
    """List the clocks that have a status only after."""
    for one in effects:
        before = {clock.rule: clock for clock in one.before.clocks}
        for clock in one.after.clocks:
            was = before.get(clock.rule)
            if clock.status == status and (was is None or was.status != status):
                yield one.case_id, clock.rule


def _gates(effects: Sequence[Effect]) -> dict[str, int]:
    found = dict.fromkeys(("opened", "removed", "earlier", "later", "otherwise"), 0)
    for one in effects:
        before, after = _by_name(one.before), _by_name(one.after)
        found["opened"] += len(after.keys() - before.keys())
        found["removed"] += len(before.keys() - after.keys())
        for name in before.keys() & after.keys():
            for what in _moved(before[name], after[name]):
                found[what] += 1
    return found


def _moved(before: GateSeen, after: GateSeen) -> Iterator[str]:
    if before.decided_at and after.decided_at and not same(before.decided_at, after.decided_at):
        yield "earlier" if after.decided_at < before.decided_at else "later"
    if (before.option, before.how) != (after.option, after.how):
        yield "otherwise"


def _by_name(seen: Seen) -> dict[str, GateSeen]:
    return {gate.name: gate for gate in seen.gates}


def _defaults(lives: Iterable[Seen]) -> int:
    return sum(gate.how == "default" for life in lives for gate in life.gates)


def _contained(lives: Iterable[Seen]) -> tuple[float, ...]:
    return tuple(sorted(after / HOUR for life in lives if (after := life.contained_after) is not None))


def _workload(effects: Sequence[Effect]) -> dict[str, tuple[Load, Load]]:
    before = _loads((owed, one.before.ended_at) for one in effects for owed in one.before.owed)
    after = _loads((owed, one.after.ended_at) for one in effects for owed in one.after.owed)
    return {team: (before.get(team, Load()), after.get(team, Load())) for team in sorted(before.keys() | after.keys())}


def _loads(found: Iterable[tuple[Owed, datetime]]) -> dict[str, Load]:
    teams: dict[str, list[tuple[Owed, datetime]]] = {}
    for owed, ended_at in found:
        teams.setdefault(owed.team, []).append((owed, ended_at))
    return {team: _load(items) for team, items in teams.items()}


def _load(items: Sequence[tuple[Owed, datetime]]) -> Load:
    came = Counter(owed.since.replace(minute=0, second=0, microsecond=0) for owed, _ in items)
    hours = Counter(owed.since.astimezone(UTC).hour for owed, _ in items)
    waited = sum(((owed.until or ended_at) - owed.since) / HOUR for owed, ended_at in items)
    return Load(
        items=len(items),
        waited_hours=round(max(waited, 0.0), 3),
        busiest=max(came.values(), default=0),
        hours=tuple(hours[hour] for hour in range(24)),
    )


def middle(values: Sequence[float]) -> float | None:
    """The median of sorted values, None of none."""
    if not values:
        return None
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def plain(told: Report) -> dict[str, Any]:
    """Write a report as JSON values: every count, and for each case that changed what changed."""
    return {
        "note": told.note,
        "candidate": told.candidate,
        "followed": list(told.followed),
        "cases": told.cases,
        "same": told.same,
        "left_out": [{"case": case, "why": why} for case, why in told.left_out],
        "scenarios": [_plain(one) for one in told.scenarios],
        "second_opinion": None
        if told.second is None
        else [{"case": case, "differences": list(found)} for case, found in told.second],
    }


def _plain(one: Scenario) -> dict[str, Any]:
    pairs = {name: {"before": was, "after": is_now} for name, (was, is_now) in one.clocks.items()}
    return {
        "human_delay": one.delay,
        "cases": one.cases,
        "changed": one.changed,
        "clocks": pairs,
        "clocks_missed_now": [{"case": case, "clock": rule} for case, rule in one.missed_now],
        "clocks_met_now": [{"case": case, "clock": rule} for case, rule in one.met_now],
        "gates": {**one.gates, "by_default": {"before": one.by_default[0], "after": one.by_default[1]}},
        "containment_hours": {"before": list(one.contained[0]), "after": list(one.contained[1])},
        "never_contained": {"before": one.never_contained[0], "after": one.never_contained[1]},
        "workload": {team: {"before": _team(was), "after": _team(now)} for team, (was, now) in one.workload.items()},
        "priorities": one.priorities,
        "outcomes": one.outcomes,
        "messages": {"too_late": one.too_late, "never_needed": one.never_needed, "refused": one.refused},
        "calls_without_a_recorded_answer": one.misses,
        "recorded_calls_never_made": one.unused,
        "halted": [{"case": case, "why": why} for case, why in one.halted],
        "effects": [_effect(each) for each in one.effects if each.changes or each.halted],
    }


def _team(load: Load) -> dict[str, Any]:
    return {
        "items": load.items,
        "waited_hours": load.waited_hours,
        "busiest_hour": load.busiest,
        "by_hour_utc": list(load.hours),
    }


def _effect(one: Effect) -> dict[str, Any]:
    return {"case": one.case_id, "changes": list(one.changes), "before": _seen(one.before), "after": _seen(one.after)}


def _seen(one: Seen) -> dict[str, Any]:
    return {
        "priority": one.priority,
        "outcome": one.outcome,
        "contained_at": _at(one.contained_at),
        "closed_at": _at(one.closed_at),
        "stages": [[stage, _at(at)] for stage, at in one.stages],
        "clocks": {clock.rule: _clock(clock) for clock in one.clocks},
        "gates": {gate.name: _gate(gate) for gate in one.gates},
    }


def _clock(one: ClockSeen) -> dict[str, Any]:
    return {"status": one.status, "due_at": _at(one.due_at), "met_at": _at(one.met_at)}


def _gate(one: GateSeen) -> dict[str, Any]:
    times = {"opened_at": _at(one.opened_at), "due_at": _at(one.due_at), "decided_at": _at(one.decided_at)}
    return {**times, "option": one.option, "how": one.how}


def _at(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
