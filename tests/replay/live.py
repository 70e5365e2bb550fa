"""Which states did a worker have while it lived a case? Taken task by task, and kept beside the recorded history."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails

from replay import frames, histories, states
from replay.frames import Frame
from starter.sealing import data_converter
from tests.replay import corpus


def later(held: states.State, now: datetime) -> dict[str, Any]:
    """The same state at a later time, which the card names."""
    card = {"card": {**held["card"], "updated_at": now.isoformat().replace("+00:00", "Z")}} if "card" in held else {}
    return {**held, **card}


@dataclass(slots=True)
class States:
    """The states of all runs of a worker, by workflow id; the last of an event id holds.

    Ids of tasks that refused a message are there too.
    """

    taken: defaultdict[str, dict[int, Frame]] = field(default_factory=lambda: defaultdict(dict))

    def watch(self, instance: WorkflowInstance, det: WorkflowInstanceDetails) -> None:
        """Follow a run from now on."""
        held = self.taken[det.info.workflow_id]
        frames.followed(instance, det, lambda frame: held.update({frame.event_id: frame}))

    async def write(self, path: Path) -> None:
        """Keep the states of the run whose history was written at a path, beside it."""
        run = histories.of_file(path)
        held = [(event_id, states.of_frame(frame)) for event_id, frame in sorted(self.taken[run.workflow_id].items())]
        converter = data_converter(corpus.ring(), corpus.NAMESPACE)
        await states.write(states.kept(held), run, path, converter, corpus.NAMESPACE)
