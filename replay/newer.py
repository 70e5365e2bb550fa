"""Was a history recorded by code that is newer than this? Its patches tell: they are dated.

A patch that this code does not know was either made later, or removed too early. It was made later when its date is
after that of every patch this code knows.
"""

import functools
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from replay import facts
from replay.histories import Recorded
from replay.tape import Tape

_DATE: Final = re.compile(r"\d{4}-\d\d(?:-\d\d)?")


def reason(run: Recorded, tape: Tape, workflows: Sequence[type]) -> str:
    """Say which patch of a run that breaks shows that newer code recorded it, or ""."""
    recorded = [act for act in facts.of_events(run.events).acts if act.kind == "patch"]
    if not recorded:
        return ""
    commanded = {given.command.set_patch_marker.patch_id for given in tape.commands}
    known = _known(tuple(sorted({str(Path(inspect.getfile(each)).parent) for each in workflows})))
    latest = max(map(_date, known), default="")
    for act in recorded:
        if act.key not in commanded | known and _date(act.key) > latest:
            what = f"none after {latest}" if latest else "no patch at all"
            return (
                f"event {act.event_id}: it has the patch `{act.key}`, and this code knows {what}: newer code wrote it"
            )
    return ""


def _date(patch: str) -> str:
    found = _DATE.match(patch)
    return found[0] if found else ""


@functools.cache
def _known(folders: tuple[str, ...]) -> frozenset[str]:
    """List the patches that the code in these folders asks for."""
    from replay.deploying import patches  # only a run that breaks needs it, and it brings half of the doors along

    return frozenset(place.patch_id for folder in folders for place in patches.places(Path(folder)))
