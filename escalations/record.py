"""What does the casebook keep? Entries in order, and the card that people read."""

from dataclasses import dataclass
from datetime import datetime

from escalations.clocks import Clock
from escalations.consensus import Gate, Outcome, Vote
from escalations.enforcement import Manifest, Swept
from escalations.model import Action, Domain, Stage, Task
from escalations.notices import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact of a case: `kind` is `noun.past_verb`, `text` one line for people, `data` for machines.

    Nothing personal in them.

    `seq` counts from 1 without gaps within a case, over all its runs.
    """

    seq: int
    at: datetime
    kind: str
    actor: str
    text: str
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCard:
    """A gate as people see it: the question, what was said, how it ended (None while open)."""

    gate: Gate
    votes: tuple[Vote, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a case waits for: who owes it, why, until when, and what happens then."""

    owner: str
    reason: str
    until: datetime
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The present state of a case, complete enough for every page and list. `seq` is the last entry it includes.

    `taken` counts the messages that its present run took: a run may take only so many updates.
    """

    case_id: str
    seq: int
    title: str
    stage: Stage
    opened_at: datetime
    updated_at: datetime
    domain: Domain | None = None
    severity: int | None = None
    urgency: int | None = None
    priority: int | None = None
    score: str = ""
    reasons: tuple[str, ...] = ()
    rulebook: str = ""
    playbook: str = ""
    owner: str = ""
    source: str = ""
    source_ref: str = ""
    jurisdictions: tuple[str, ...] = ()
    closed_at: datetime | None = None
    next_due_at: datetime | None = None
    waiting: tuple[Wait, ...] = ()
    clocks: tuple[Clock, ...] = ()
    gates: tuple[GateCard, ...] = ()
    tasks: tuple[Task, ...] = ()
    manifest: Manifest | None = None
    sweeps: tuple[Swept, ...] = ()
    sent: tuple[Sent, ...] = ()
    actions: tuple[Action, ...] = ()
    runs: int = 1
    open_items: tuple[str, ...] = ()
    taken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Entries to append, with the card after the last of them. Writing the same batch twice is writing it once."""

    case_id: str
    entries: tuple[Entry, ...]
    card: Card
