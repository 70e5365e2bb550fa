"""Is a history whose instants all moved lived the same way, and is nothing of it left behind in its own time?"""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from escalations.casefile import CaseFile
from escalations.clocks import Clock
from escalations.consensus import Gate
from escalations.enforcement import Tally
from escalations.messages import Learn
from escalations.model import Intake
from escalations.notices import Notice
from replay import histories, payload_types, reading, reliving, replacement
from replay.check import Verdict, check
from replay.forking import moving
from replay.forking.moving import Moved, moved
from replay.histories import Recorded
from starter.errors import Problem
from starter.keyring import KeyRing
from starter.sealing import ENCODING, data_converter, unseal
from tests.replay import corpus
from tests.replay.opened import everything_said, payloads

FILES = histories.files([corpus.HISTORIES]) if corpus.HISTORIES.is_dir() else []
# One of each kind: votes, defaults, an act undone, a sweep, a follow-up, a second round, an order.
NAMES = (
    "default",
    "emergency-revoked",
    "order",
    "order-sweep-1",
    "prevention-prevention-1",
    "second-report",
)
BY = timedelta(days=-33, hours=5, minutes=7)  # over a month's end, a weekend and another time of the day
WRITTEN = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def bench(ring: KeyRing | None = None) -> reliving.Bench:
    keys = data_converter(ring or corpus.ring())
    types = payload_types.defined(reading.workflows(), payload_types.our_hands())
    return reliving.Bench(workflows=reading.workflows(), types=types, opener=keys, sealer=keys)


def file(name: str) -> Path:
    return corpus.HISTORIES / f"{name}.json.gz"


async def instants(run: Recorded) -> list[datetime]:
    """Every instant that a history names in its values, in order."""
    said = await everything_said(run, corpus.ring())
    return [datetime.fromisoformat(each.replace(" ", "T")).replace(tzinfo=UTC) for each in WRITTEN.findall(said)]


@pytest.mark.parametrize("name", NAMES)
async def test_a_case_that_happened_another_time_is_lived_the_same_way_and_names_no_instant_of_its_own(
    name: str,
) -> None:
    run, held = histories.of_file(file(name)), bench()

    [later] = await moved([run], BY, held)

    [checked] = [each async for each in check([later], workflows=held.workflows, converter=held.sealer)]
    assert (checked.verdict, checked.differences) == (Verdict.SAME, ())
    assert [histories.written_at(event) - BY for event in later.events] == list(map(histories.written_at, run.events))
    before, after = await instants(run), await instants(later)
    assert before
    assert [each - BY for each in after] == before


async def test_a_case_moved_there_and_back_is_what_it_was() -> None:
    run, held = histories.of_file(file("order")), bench()

    [back] = await moved(await moved([run], BY, held), -BY, held)

    assert values(back) == values(run)
    assert list(map(histories.written_at, back.events)) == list(map(histories.written_at, run.events))


def values(run: Recorded) -> list[bytes]:
    ring = corpus.ring()
    return [
        unseal(payload, ring, "default").data if payload.metadata["encoding"] == ENCODING else payload.data
        for event in run.events
        for payload in payloads(event)
    ]


async def test_a_case_with_a_value_that_does_not_open_is_refused_with_the_way_that_is_left() -> None:
    run, held = histories.of_file(file("ordinary")), bench()
    act = next(event for event in run.events if event.HasField("activity_task_scheduled_event_attributes"))
    act.activity_task_scheduled_event_attributes.input.payloads[0].data = b"cut off"

    with pytest.raises(Problem) as refused:
        await moved([run], BY, held)

    assert (refused.value.code, refused.value.exit_code) == ("cannot_move", 1)
    assert "--as-it-was" in refused.value.next_step


def later(value: Any, hint: Any) -> Any:
    return replacement.Walk(Moved(by=timedelta(days=30, minutes=61))).value(value, hint, "", "")


@pytest.mark.parametrize(
    ("hint", "field", "text", "moved_to"),
    [
        (Tally, "at", "2026-11-03T10:00:00.5Z", "2026-12-03T11:01:00.5Z"),
        (Tally, "at", "2026-11-03T23:30:00+01:00", "2026-12-04T00:31:00+01:00"),
        (Learn, "value", "2026-11-03T10:00Z", "2026-12-03T11:01Z"),
        (Learn, "value", "2", "2"),
        (Gate, "question", "hide 3, as ordered 2026-11-03 10:00Z?", "hide 3, as ordered 2026-12-03 11:01Z?"),
        (Gate, "question", "the notice of 2026-11-03, Tue", "the notice of 2026-11-03, Tue"),
        (Gate, "question", "build 12026-11-03T10:00:00", "build 12026-11-03T10:00:00"),
        (Gate, "question", "2026-13-03T10:00:00Z is no time", "2026-13-03T10:00:00Z is no time"),
        (Gate, "question", "9999-12-31 23:59", "9999-12-31 23:59"),
        (Clock, "subject", "2026-11-03T10:00:00Z", "2026-12-03T11:01:00Z"),
        (Clock, "subject", "ORDER 2026-11-03T10:00:00Z", "ORDER 2026-11-03T10:00:00Z"),
        (Gate, "rulebook", "2026-11-03T10:00:00Z", "2026-11-03T10:00:00Z"),
        (Intake, "source_ref", "2026-11-03T10:00:00Z/7", "2026-11-03T10:00:00Z/7"),
        (Intake, "title", "bath toy seen 2026-11-03T10:00:00Z", "bath toy seen 2026-12-03T11:01:00Z"),
    ],
)
def test_an_instant_moves_wherever_it_stands_unless_others_name_something_by_it(
    hint: Any, field: str, text: str, moved_to: str
) -> None:
    assert later({field: text}, hint) == {field: moved_to}


def test_names_of_given_warnings_and_days_of_a_statement_move_too() -> None:
    file_ = later({"rung": ["R-1@50 %@20261103T100000"], "answers": {"20261103T100000": {}}}, CaseFile)
    notice = later({"fields": [["restricted_on", "2026-11-03"], ["ground", "2026-11-03"]]}, Notice)

    assert file_ == {"rung": ["R-1@50 %@20261203T110100"], "answers": {"20261103T100000": {}}}
    assert notice == {"fields": [["restricted_on", "2026-12-03"], ["ground", "2026-11-03"]]}


@pytest.mark.parametrize(("by", "day"), [(timedelta(hours=11), 3), (timedelta(hours=13), 4), (timedelta(hours=-13), 2)])
def test_a_day_without_a_time_moves_to_the_nearest_day(by: timedelta, day: int) -> None:
    assert Moved(by=by).text("2026-11-03", date, replacement.Kind.PERSONAL, ("X", "y")) == f"2026-11-{day:02}"


def test_the_span_is_whole_minutes_and_never_leads_past_now() -> None:
    then = datetime(2026, 11, 3, 10, 0, 30, tzinfo=UTC)

    assert moving.span(then, then + timedelta(seconds=59)) == timedelta()
    assert moving.span(then, then + timedelta(minutes=2, seconds=59)) == timedelta(minutes=2)
    assert then + moving.span(then, then - timedelta(seconds=1)) == then - timedelta(minutes=1)
