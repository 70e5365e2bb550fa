"""Does a history that ends anywhere show what it should? Every prefix of every recorded history.

More than a thousand replays, so they are made cheap: values are opened once, one replayer lives all prefixes of a
history, only the last frame is taken, and prefixes that `settled` cuts to the same events are one replay. Core goes
through every prefix; our code is lived again only where Core tells it something else than in the whole history.
"""

import gc
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.api.history.v1 import HistoryEvent

from replay import frames, histories, reading
from replay.frames import Film, Frame
from replay.histories import Recorded
from starter.sealing import ENCODING, data_converter, unseal
from tests.replay import corpus
from tests.replay.echo import Echo
from tests.replay.opened import payloads

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


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """Leave what a test makes until it ends: looking for garbage in between takes a sixth of the time."""
    gc.disable()
    yield
    gc.enable()


async def films(runs: list[Recorded], *, only_last: bool) -> list[Film]:
    filming = frames.of_runs(runs, workflows=reading.workflows(), converter=UNSEALED, only_last=only_last)
    return [film async for film in filming]


def whole_tasks(prefix: Recorded) -> list[int]:
    """The tasks that a prefix saw completed; what the last of them wrote may be cut off. Idle ones have no frame."""
    attributes = [event.workflow_task_completed_event_attributes for event in prefix.events]
    return [one.started_event_id for one in attributes if one.started_event_id]


def cut(run: Recorded, end: int) -> bool:
    """Ask whether a prefix ends in the middle of what a task wrote."""
    return end < len(run.events) and frames.acted(run.events[end])


def unheard(run: Recorded, end: int) -> bool:
    """Ask whether a prefix lacks a message that its last task heard: that is written after all the task did."""
    missing = itertools.takewhile(frames.acted, run.events[end:])
    return any(event.HasField("workflow_execution_update_accepted_event_attributes") for event in missing)


@pytest.mark.parametrize("path", FILES, ids=[path.name.split(".")[0] for path in FILES])
async def test_every_prefix_of_a_recorded_history_stands_where_its_last_whole_task_left_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = opened(histories.of_file(path))
    prefixes = [replace(run, events=run.events[:end]) for end in range(1, len(run.events) + 1)]
    distinct = {len(frames.settled(prefix).events): prefix for prefix in prefixes}
    echo = Echo()
    monkeypatch.setattr(frames, "watched", echo.remember)
    [whole] = await films([run], only_last=False)
    monkeypatch.setattr(frames, "watched", echo.answer)
    lived = dict(zip(distinct, await films(list(distinct.values()), only_last=True), strict=True))
    known = {frame.event_id: frame for frame in whole.frames}

    for prefix in prefixes:
        end = len(prefix.events)
        film = lived[len(frames.settled(prefix).events)]
        completed = [at for at in whole_tasks(prefix) if at in known]
        assert film.whole, end
        assert len(film.frames) <= min(1, len(completed)), end
        for frame in film.frames:
            assert frame.event_id in completed[-2 if cut(run, end) else -1 :], end
            if unheard(run, end) and frame.event_id == completed[-1]:
                assert film.unsure == frame.event_id, end
                continue
            expected = known[frame.event_id]
            assert (frame.at, frame.answers, frame.strands) == (expected.at, expected.answers, expected.strands), end
        if not cut(run, end):
            assert [frame.event_id for frame in film.frames] == completed[-1:], end
    assert lived[len(frames.settled(run).events)].frames == (whole.frames[-1],)


@pytest.mark.parametrize("name", ["aborted", "order-sweep-1", "default-sweep-1-watch"])
async def test_what_a_prefix_hears_again_it_answers_as_if_it_were_lived(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = opened(histories.of_file(corpus.HISTORIES / f"{name}.json.gz"))
    prefixes = [replace(run, events=run.events[:end]) for end in range(3, len(run.events) + 1)]
    real = await films(prefixes, only_last=True)
    echo = Echo()
    monkeypatch.setattr(frames, "watched", echo.remember)
    await films([run], only_last=False)
    monkeypatch.setattr(frames, "watched", echo.answer)

    echoed = await films(prefixes, only_last=True)

    for one, other in zip(real, echoed, strict=True):
        end = len(one.run.events)
        assert [stood(frame) for frame in one.frames] == [stood(frame) for frame in other.frames], end
        assert (one.whole, one.cut, one.unsure, one.broke) == (other.whole, other.cut, other.unsure, other.broke), end
    assert echo.real < len(prefixes) / 2, "most of them hear nothing new"


def stood(frame: Frame) -> tuple[object, ...]:
    """What a frame shows, but for what woke it and what it did."""
    return frame.event_id, frame.at, frame.answers, frame.strands, frame.details
