"""What does a frame know? The file and the card of a case, what else its workflow answers, and its waits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from temporalio.api.common.v1 import Payload

from escalations.casefile import CaseFile
from escalations.record import Card, Wait
from replay.frames import Frame
from starter.sealing import SealedPayloadConverter

_CONVERTER = SealedPayloadConverter()
WAITING = "workflows/waiting.py:"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`file` and `card` are None for a workflow without them, such as a sweep; `other` is what it answers instead."""

    file: CaseFile | None = None
    card: Card | None = None
    other: Mapping[str, Any]
    waits: tuple[Wait, ...] = ()


def of(frame: Frame | None) -> State:
    """Read a frame; None is the state before the first task."""
    if frame is None:
        return State(other={})
    answers = frame.answers
    return State(
        file=_read(answers["file"], CaseFile) if "file" in answers else None,
        card=_read(answers["card"], Card) if "card" in answers else None,
        other={name: json.loads(answers[name].data) for name in sorted(answers) if name not in ("file", "card")},
        waits=tuple(strand.wait for strand in frame.strands if strand.wait is not None),
    )


def _read(payload: Payload, kind: type) -> Any:
    return _CONVERTER.from_payload(payload, kind)
