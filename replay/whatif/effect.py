"""What is different in one case under the candidate? Clocks, gates, containment, outcome, what was said in vain."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from escalations.casefile import CaseFile
from escalations.clocks import Clock, wanted_at
from escalations.consensus import GateKind
from escalations.record import GateCard
from replay.whatif.life import Life
from replay.whatif.other import Other

NEAR = timedelta(seconds=1)
TOO_LATE = ("gate_closed", "expired", "already_closed", "already_done")
PAGED = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSeen:
    """How a clock ended: `status`, when it wants something, when it was met."""

    rule: str
    status: str
    due_at: datetime | None
    met_at: datetime | None
    law: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSeen:
    """How a question ended: its kind and number of that kind, when it was asked, due and decided, and how."""

    name: str
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None
    option: str
    how: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Something a team had to do: who, what sort, from when, until when (None: still open at the end)."""

    team: str
    what: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One life of a case as the report needs it."""

    priority: int | None
    domain: str
    rulebook: str
    outcome: str
    opened_at: datetime
    ended_at: datetime
    closed_at: datetime | None
    contained_at: datetime | None
    stages: tuple[tuple[str, datetime], ...]
    clocks: tuple[ClockSeen, ...]
    gates: tuple[GateSeen, ...]
    owed: tuple[Owed, ...]
    calls: tuple[tuple[str, int], ...]

    @property
    def contained_after(self) -> timedelta | None:
        """How long it took until the harm was contained."""
        return self.contained_at - self.opened_at if self.contained_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vain:
    """What was said in vain, by kind of message: after the end or the decision, to no question, or refused."""

    too_late: tuple[str, ...] = ()
    never_needed: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One case before and after. `misses` are calls without a recorded answer, `unused` recorded ones never made."""

    case_id: str
    before: Seen
    after: Seen
    vain: Vain
    misses: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    halted: str = ""
    changes: tuple[str, ...] = field(default=())


def seen(life: Life) -> Seen:
    """Describe a life. Raises ValueError for one that never began."""
    file = life.file
    if file is None:
        raise ValueError(f"{life.case_id} never began: {life.halted}")
    plan = file.plan
    calls: dict[str, int] = {}
    for run in life.runs:
        for deed in run.deeds:
            if deed.kind in ("activity", "child"):
                calls[deed.value] = calls.get(deed.value, 0) + 1
    return Seen(
        priority=plan.priority if plan else None,
        domain=plan.domain.value if plan else "",
        rulebook=plan.rulebook if plan else "",
        outcome=file.ruling,
        opened_at=file.opened_at,
        ended_at=datetime.fromtimestamp(life.ended_at / 1e9, UTC),
        closed_at=file.closed_at,
        contained_at=file.contained_at,
        stages=_stages(life),
        clocks=tuple(_clock(clock) for clock in file.clocks),
        gates=tuple(_gates(file)),
        owed=tuple(_owed(life, file)),
        calls=tuple(sorted(calls.items())),
    )


def effect(before: Seen, life: Life, other: Other, told: Iterable[tuple[str, str]]) -> Effect:
    """Compare a life under the candidate with the one before. `told` are number and kind of each message."""
    after = seen(life)
    return Effect(
        case_id=life.case_id,
        before=before,
        after=after,
        vain=_vain(life, told, never_asked=other.waiting, unheard=other.unheard_of),
        misses=tuple(other.misses),
        unused=tuple(other.unused),
        halted=life.halted,
        changes=tuple(changes(before, after)),
    )


def untouched(before: Seen, life: Life, version: str, told: Iterable[tuple[str, str]]) -> Effect:
    """Describe a candidate that leads to the very life there was: only the name of the rulebook is another."""
    return Effect(
        case_id=life.case_id,
        before=before,
        after=replace(before, rulebook=version if before.rulebook else ""),
        vain=_vain(life, told),
    )


def changes(before: Seen, after: Seen) -> Iterable[str]:
    """Say what is different, a word each: the same words that the report counts."""
    if before.priority != after.priority:
        yield "priority"
    if before.outcome != after.outcome:
        yield "outcome"
    if not same(before.contained_at, after.contained_at):
        yield "containment"
    if not same(before.closed_at, after.closed_at):
        yield "closing"
    if not same(before.clocks, after.clocks):
        yield "clocks"
    if not same(before.gates, after.gates):
        yield "gates"
    if not same(before.stages, after.stages):
        yield "stages"


def same(one: Any, other: Any) -> bool:
    """Compare values; times may be a second apart, because local answers never take equally long."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) <= NEAR
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, ClockSeen | GateSeen) and type(one) is type(other):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return bool(one == other)


def _stages(life: Life) -> tuple[tuple[str, datetime], ...]:
    return tuple((dict(entry.data)["stage"], entry.at) for entry in life.entries if entry.kind == "stage.entered")


def _clock(clock: Clock) -> ClockSeen:
    return ClockSeen(
        rule=clock.rule,
        status=clock.status.value,
        due_at=wanted_at(clock),
        met_at=clock.met_at,
        law=clock.due_operational is not None,
    )


def _gates(file: CaseFile) -> Iterable[GateSeen]:
    counts: dict[GateKind, int] = {}
    for card in file.gates:
        number = counts[card.gate.kind] = counts.get(card.gate.kind, 0) + 1
        yield _gate(card, f"{card.gate.kind.value} {number}")


def _gate(card: GateCard, name: str) -> GateSeen:
    gate, outcome = card.gate, card.outcome
    return GateSeen(
        name=name,
        opened_at=gate.opened_at,
        due_at=gate.due_at,
        decided_at=outcome.at if outcome else None,
        option=outcome.option if outcome else "",
        how=outcome.how if outcome else "",
        roles=tuple(seat.role for seat in gate.seats),
    )


def _owed(life: Life, file: CaseFile) -> Iterable[Owed]:
    opened = {dict(entry.data).get("task"): entry.at for entry in life.entries if entry.kind == "task.opened"}
    for card in file.gates:
        until = card.outcome.at if card.outcome else None
        for seat in card.gate.seats:
            yield Owed(team=seat.role, what="question", since=card.gate.opened_at, until=until)
    for task in file.tasks:
        since = opened.get(task.id, file.opened_at)
        yield Owed(team=task.owner, what="task", since=since, until=task.done_at)
    owner = file.plan.owner if file.plan else "OPS"
    for run in life.runs:
        for deed in run.deeds:
            if deed.kind == "activity" and deed.value == PAGED:
                at = datetime.fromtimestamp(deed.at / 1e9, UTC)
                yield Owed(team=owner, what="page", since=at, until=at)


def _vain(
    life: Life, told: Iterable[tuple[str, str]], *, never_asked: Container[str] = (), unheard: Container[str] = ()
) -> Vain:
    late, needless, refused = [], [], []
    refusals = {number: code for run in life.runs for number, (code, _) in run.refusals.items()}
    for number, name in told:
        if number in never_asked:
            needless.append(name)
        elif number in unheard or refusals.get(number) in TOO_LATE:
            late.append(name)
        elif number in refusals:
            refused.append((name, refusals[number]))
    return Vain(too_late=tuple(late), never_needed=tuple(needless), refused=tuple(refused))
