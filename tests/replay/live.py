"""Which states did a worker have while it lived a case? Taken task by task, and kept beside the recorded history."""

import gzip
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails

from replay import frames
from replay.frames import Frame

WHOLE = 8  # one state of so many is kept whole, to see what differs; of the others their digest


def state(frame: Frame) -> dict[str, Any]:
    """What each query answered."""
    return {name: json.loads(payload.data) for name, payload in sorted(frame.answers.items())}


def later(held: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The same state at a later time, which the card names."""
    card = {**held["card"], "updated_at": now.isoformat().replace("+00:00", "Z")} if "card" in held else None
    return held if card is None else {**held, "card": card}


def digest(held: dict[str, Any]) -> str:
    """Name a state by its content."""
    return hashlib.sha256(json.dumps(held, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The states of one run by the event that began their task. Ids of tasks that refused a message are there too."""

    digests: dict[int, str]
    whole: dict[int, dict[str, Any]]


@dataclass(slots=True)
class States:
    """The states of all runs of a worker, by workflow id; the last of an event id holds."""

    taken: defaultdict[str, dict[int, Frame]] = field(default_factory=lambda: defaultdict(dict))

    def watch(self, instance: WorkflowInstance, det: WorkflowInstanceDetails) -> None:
        """Follow a run from now on."""
        held = self.taken[det.info.workflow_id]
        frames.followed(instance, det, lambda frame: held.update({frame.event_id: frame}))

    def write(self, workflow_id: str, path: Path) -> None:
        """Keep the states of one workflow."""
        held = {event_id: state(frame) for event_id, frame in sorted(self.taken[workflow_id].items())}
        whole = {event_id: one for number, (event_id, one) in enumerate(held.items(), 1) if number % WHOLE == 0}
        content = {"digests": {event_id: digest(one) for event_id, one in held.items()}, "whole": whole}
        path.parent.mkdir(exist_ok=True)
        with gzip.GzipFile(path, "wb", mtime=0) as file:
            file.write(json.dumps(content, separators=(",", ":")).encode())


def read(path: Path) -> Kept:
    """Read what `States.write` kept."""
    content = json.loads(gzip.decompress(path.read_bytes()))
    return Kept(
        digests={int(event_id): each for event_id, each in content["digests"].items()},
        whole={int(event_id): each for event_id, each in content["whole"].items()},
    )
