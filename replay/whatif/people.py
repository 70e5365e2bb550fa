"""When would people have spoken, had the case asked them at another time? As long after the question as they took.

Only the waiting is moved: who spoke and what was said stays as recorded. Somebody else might have spoken sooner, later
or otherwise, and nobody can compute that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from escalations.admission import MESSAGES
from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.messages import Appeal, Decide, Kill, ReportFinding, Resume, TaskDone
from escalations.model import Stage
from replay.simulation.traces import Message, Trace
from replay.simulation.values import Values

MACHINES = ("sweep",)
Anchor = tuple[str, str, int]


@dataclass(slots=True, kw_only=True)
class Watcher:
    """What a case has asked so far, each question by its kind and number, with the instant when it was seen."""

    openings: dict[Anchor, int] = field(default_factory=dict)
    gates: dict[str, Anchor] = field(default_factory=dict)
    _causes: bool = False
    _seen: tuple[int, int, int] = (0, 0, 0)

    def look(self, file: CaseFile, at: int) -> list[Anchor]:
        """Note what is new."""
        new = list(self._analyses(file))
        counts = (len(file.gates), len(file.tasks), len(file.orders))
        if counts != self._seen:
            self._seen = counts
            new += [*self._asked(file), *(("task", task.id, 0) for task in file.tasks)]
            new += [("sweep", "", order.number) for order in file.orders]
        fresh = [anchor for anchor in new if anchor not in self.openings]
        for anchor in fresh:
            self.openings[anchor] = at
        return fresh

    def _asked(self, file: CaseFile) -> Iterator[Anchor]:
        counts: dict[GateKind, int] = {}
        for card in file.gates:
            number = counts[card.gate.kind] = counts.get(card.gate.kind, 0) + 1
            self.gates[card.gate.id] = anchor = ("gate", card.gate.kind.value, number)
            yield anchor

    def _analyses(self, file: CaseFile) -> Iterator[Anchor]:
        wanted = file.stage is Stage.ROOT_CAUSE and file.root_cause is None and not file.root_cause_approved
        if wanted and not self._causes:
            yield ("cause", "", 1 + sum(anchor[0] == "cause" for anchor in self.openings))
        self._causes = wanted

    def latest(self, kind: str, before: int) -> Anchor | None:
        """Find the last opening of a kind before an instant."""
        found = [(at, anchor) for anchor, at in self.openings.items() if anchor[0] == kind and at <= before]
        return max(found)[1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One recorded message: what it answered, if anything, and how long after. `scaled` if a person took that time."""

    number: str
    message: Message
    said: Any
    anchor: Anchor | None
    after: int
    scaled: bool


def sayings(trace: Trace, watcher: Watcher, values: Values) -> list[Saying]:
    """Tell for each message what it answered, from a story told again."""
    found = []
    for number, message in enumerate(trace.messages):
        said = read(message, values)
        anchor = _anchor(said, message.seen, watcher)
        opened = watcher.openings.get(anchor) if anchor else None
        if opened is None:
            anchor, opened = None, trace.began
        found.append(
            Saying(
                number=str(number),
                message=message,
                said=said,
                anchor=anchor,
                after=message.seen - opened,
                scaled=anchor is not None and anchor[0] != "sweep",
            )
        )
    return found


def read(message: Message, values: Values) -> Any:
    """Read what was said; None for what no case understands."""
    wanted = MESSAGES.get(message.name)
    if wanted is None or len(message.payloads) != 1:
        return None
    try:
        return values.value(message.payloads[0], wanted)
    except (ValueError, TypeError, RuntimeError):
        return None


def _anchor(said: Any, seen: int, watcher: Watcher) -> Anchor | None:
    if isinstance(said, Decide):
        return watcher.gates.get(said.gate)
    if isinstance(said, TaskDone):
        return ("task", said.task, 0)
    if isinstance(said, ReportFinding):
        if said.factors:
            return watcher.latest("cause", seen)
        return watcher.latest("sweep", seen) if said.said.door in MACHINES else None
    if isinstance(said, Kill | Resume):
        return ("sweep", "", said.sweep)
    return watcher.latest("sweep", seen) if isinstance(said, Appeal) else None


def addressed(saying: Saying, file: CaseFile, watcher: Watcher, values: Values) -> Message:
    """Address a vote to the gate that asks the same question now."""
    if not isinstance(saying.said, Decide):
        return saying.message
    card = next((one for one in file.gates if watcher.gates.get(one.gate.id) == saying.anchor), None)
    if card is None or (card.gate.id, card.gate.digest) == (saying.said.gate, saying.said.digest):
        return saying.message
    vote = replace(saying.said, gate=card.gate.id, digest=card.gate.digest)
    return replace(saying.message, payloads=(values.payload(vote),))
