"""Does a history that ends anywhere show what it should? Every prefix of every recorded history.

Thousands of replays, so they are made cheap: values are opened once, one replayer lives all prefixes of a history, and
prefixes that `settled` cuts to the same events are one replay.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from replay import frames, histories, reading
from replay.frames import Film
from replay.histories import Recorded
from starter.sealing import ENCODING, data_converter, unseal
from tests.replay import corpus

FILES = histories.files([corpus.HISTORIES]) if corpus.HISTORIES.is_dir() else []
UNSEALED = replace(data_converter(corpus.ring()), payload_codec=None)


def opened(run: Recorded) -> Recorded:
    """The same history with its values in clear."""
    ring = corpus.ring()
    events = []
    for sealed in run.events:
        event = HistoryEvent()
        event.CopyFrom(sealed)
        for payload in list(payloads(event)):
            if payload.metadata.get("encoding") == ENCODING:
                payload.CopyFrom(unseal(payload, ring, corpus.NAMESPACE))
        events.append(event)
    return replace(run, events=tuple(events))


def payloads(message: Message) -> Iterator[Payload]:
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            inner = [value[key] for key in value]
        else:
            inner = [value] if isinstance(value, Message) else list(value)
        for each in inner:
            if isinstance(each, Payload):
                yield each
            elif isinstance(each, Message):
                yield from payloads(each)


async def films(runs: list[Recorded], converter: DataConverter) -> list[Film]:
    filming = frames.of_runs(runs, workflows=reading.workflows(), converter=converter)
    return [film async for film in filming]


@pytest.mark.parametrize("path", FILES, ids=[path.name.split(".")[0] for path in FILES])
async def test_every_prefix_of_a_recorded_history_shows_the_frames_of_its_whole_tasks(path: Path) -> None:
    run = opened(histories.of_file(path))
    prefixes = [replace(run, events=run.events[:end]) for end in range(1, len(run.events) + 1)]
    distinct = {len(frames.settled(prefix).events): prefix for prefix in prefixes}
    lived = dict(zip(distinct, await films(list(distinct.values()), UNSEALED), strict=True))
    [whole] = await films([run], UNSEALED)

    for prefix in prefixes:
        end = len(prefix.events)
        taken = lived[len(frames.settled(prefix).events)]
        ids = [frame.event_id for frame in whole.frames if frame.event_id < end]
        assert taken.whole, end
        # The last task may be cut off in the middle of what it wrote; then it stands nowhere.
        assert [frame.event_id for frame in taken.frames] in (ids, ids[:-1]), end
        for frame, known in zip(taken.frames, whole.frames, strict=False):
            assert (frame.at, frame.answers, frame.strands) == (known.at, known.answers, known.strands), end
    assert len(lived[len(frames.settled(run).events)].frames) == len(whole.frames)
