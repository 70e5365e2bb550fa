"""What does a page show of a case, and to whom? Pure values made from the card; templates only lay them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from escalations.clocks import Clock, ClockStatus
from escalations.consensus import Gate, Seat, Stance
from escalations.model import Stage
from escalations.record import Card, GateCard, Wait
from starter.console.wording import ASKED_AT, STAGES

FAR = datetime.max.replace(tzinfo=UTC)
IN_FAVOUR = (Stance.APPROVE, Stance.CONDITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One stage in the picture of the process: `past`, `here` or `ahead`, and the roles asked there now."""

    label: str
    state: str
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """A gate as one person sees it. `why_not` says why this person cannot answer; empty means they can."""

    card: GateCard
    mine: tuple[Seat, ...]
    why_not: str
    in_favour: int


def strip(card: Card) -> tuple[Mark, ...]:
    """Draw the process as a row of stages; a gate that waits is marked where it is asked."""
    stages = list(STAGES)
    reached = stages.index(card.stage)
    asked: dict[Stage, list[str]] = {}
    for shown in card.gates:
        if shown.outcome is None:
            asked.setdefault(ASKED_AT[shown.gate.kind], []).extend(seat.role for seat in shown.gate.seats)
    return tuple(
        Mark(
            label=STAGES[stage],
            state="past" if place < reached else "here" if place == reached else "ahead",
            asks=tuple(dict.fromkeys(asked.get(stage, ()))),
        )
        for place, stage in enumerate(stages)
    )


def gate_view(shown: GateCard, person: str) -> GateView:
    """Show a gate to a person. The case judges again; this only saves them a refusal."""
    mine = tuple(seat for seat in shown.gate.seats if person in seat.persons)
    return GateView(card=shown, mine=mine, why_not=_why_not(shown, person, mine), in_favour=in_favour(shown))


def _why_not(shown: GateCard, person: str, mine: Sequence[Seat]) -> str:
    if shown.outcome is not None:
        return "It is decided."
    if person in shown.gate.excluded:
        return "You took part in what is being judged, so somebody else must decide."
    if any(vote.person == person for vote in shown.votes):
        return "You have answered."
    if not mine:
        return f"It waits for {', '.join(seat.role for seat in shown.gate.seats)}."
    return ""


def in_favour(shown: GateCard) -> int:
    """Count the distinct persons in favour of the option with most support."""
    support: dict[str, set[str]] = {}
    for vote in shown.votes:
        if vote.stance in IN_FAVOUR:
            support.setdefault(vote.option, set()).add(vote.person)
    return max((len(persons) for persons in support.values()), default=0)


def open_gates(card: Card, person: str) -> tuple[GateView, ...]:
    """List undecided gates, the person's own first, then by due time."""
    views = [gate_view(shown, person) for shown in card.gates if shown.outcome is None]
    return tuple(sorted(views, key=lambda view: (bool(view.why_not), view.card.gate.due_at)))


def due_of(clock: Clock) -> datetime | None:
    """Say when a clock is due: its operational due time, or the house target of a duty without a number."""
    return clock.due_operational or clock.internal_target


def waits(card: Card) -> tuple[Wait, ...]:
    """Order what the case waits for by when the wait ends."""
    return tuple(sorted(card.waiting, key=lambda wait: wait.until))


def awaited(card: Card) -> str:
    """Name whom the case waits for, each once, whose wait ends first in front."""
    return ", ".join(dict.fromkeys(role for wait in waits(card) for role in wait.owner.split(", ")))


def clocks(card: Card) -> tuple[Clock, ...]:
    """Order clocks for reading: running ones by due time, then suspended, then the rest."""
    order = {ClockStatus.RUNNING: 0, ClockStatus.SUSPENDED: 1}
    return tuple(sorted(card.clocks, key=lambda clock: (order.get(clock.status, 2), due_of(clock) or FAR)))


def option_label(gate: Gate, key: str) -> str:
    """Name an option by its label; an unknown key by itself."""
    return next((option.label for option in gate.options if option.key == key), key)


def default_label(gate: Gate) -> str:
    """Say what happens when nobody decides in time."""
    return option_label(gate, gate.default)
