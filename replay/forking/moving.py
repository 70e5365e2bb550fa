"""How does a case of the past stand in the present? All its instants moved by one span, as if it had happened later.

The code of a case only adds and compares instants; calendars, zones and rosters are asked of policy, whose answers are
recorded. So a history whose instants all moved alike is lived the same way: `tests` prove it on every recorded one.
Moved are the times of events, every typed time, and times that a text names to the minute or to the second. What no
answer of ours is made from stays: references of others, days inside sentences ("Fri 6 Nov"), spans, weekdays.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent

from escalations import personal
from escalations.personal import Kind
from replay import reliving, replacement
from replay.compare import Unreadable
from replay.facts import LOCAL_ACTIVITY
from replay.forking.resealing import within
from replay.histories import Recorded
from replay.payload_types import FAILURE, SUMMARY, Slot
from replay.replacement import JSON
from starter.errors import CHECK_FAILED, Problem

A_MINUTE: Final = timedelta(minutes=1)
NOON: Final = timedelta(hours=12)
_INSTANT: Final = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?![\d:])")
_RUNG: Final = re.compile(r"(?<=@)\d{8}T\d{6}$")  # how a case names a warning that it gave
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
# Days that a statement of reasons names; its pairs have no types.
_DAYS: Final = frozenset({("Notice.fields", name) for name in ("restricted_on", "until", "listed_on")})
_WARNINGS: Final = ("CaseFile", "rung")
_SUBJECT: Final = ("Clock", "subject")  # a reference, or the instant of the act that started it
_DELIVERY: Final = "request_id"
# Written by programs, never from an instant of the case.
_STAYS: Final = frozenset({Kind.CODE, Kind.ROLE, Kind.PLACE, Kind.PROOF})


def span(then: datetime, now: datetime) -> timedelta:
    """Say by how much to move, in whole minutes: times that a text names to the minute then move like all others."""
    return (now - then) // A_MINUTE * A_MINUTE


async def moved(runs: Sequence[Recorded], by: timedelta, bench: reliving.Bench) -> list[Recorded]:
    """Move all runs of a case, those that continue others after them. Raises Problem `cannot_move`."""
    change, found = Moved(by=by), []
    handed: dict[str, Sequence[Payload]] = {}
    for run in runs:
        try:
            later = await reliving.told_otherwise(run, change, bench, given=handed.get(run.run_id, ()))
        except Unreadable:
            raise cannot_move(run.workflow_id, "holds values that do not open") from None
        if run.next_run_id:
            handed[run.next_run_id] = reliving.handed_over(later)
        found.append(later)
    return found


def cannot_move(workflow_id: str, why: str) -> Problem:
    """Say that a history cannot be told as if it happened later."""
    return Problem(
        "cannot_move",
        f"{workflow_id} {why}, so its instants cannot be moved to now.",
        next_step="Fork it with --as-it-was; its deadlines have then passed.",
        exit_code=CHECK_FAILED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The change (`reliving.Change`) that moves every instant `by` a span of whole seconds."""

    by: timedelta
    _digests: dict[str, str] = field(default_factory=dict)

    def clear(self, event: HistoryEvent) -> None:
        """Move when the event was written, and every time that it tells in clear."""
        for timestamp in _timestamps(event):
            timestamp.FromNanoseconds(timestamp.ToNanoseconds() + self.by // timedelta(seconds=1) * 10**9)
        for payload in _search_attributes(event):
            if payload.metadata.get("type") == b"Datetime":
                payload.data = self.sentence(payload.data.decode()).encode()
        said = event.marker_recorded_event_attributes
        if said.marker_name == LOCAL_ACTIVITY:
            for payload in said.details["data"].payloads:
                payload.data = self._noted(payload.data)

    def payload(self, opened: Payload, slot: Slot) -> Payload:
        """Move every instant of a value; what is no JSON, or does not open, names none that we could find."""
        if opened.metadata.get("encoding") != JSON:
            return opened
        try:
            value = json.loads(opened.data)
        except ValueError:
            return opened
        if slot.hint in (FAILURE, SUMMARY):
            later = _each_text(value, self.sentence)
        else:
            later = replacement.Walk(self).value(value, slot.hint, "", "")
        written = json.dumps(later, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        changed = Payload(metadata=opened.metadata, data=written)
        if slot.hint in replacement.MESSAGE_TYPES:
            replacement.fingerprinted(opened, changed, slot.hint, self.alias)
        return changed

    def alias(self, text: str, other: str) -> None:
        """Learn what a digest is now."""
        self._digests[text] = other

    def known(self, text: str) -> str:
        """Say what a digest is now."""
        return self._digests.get(text, text)

    def name(self, name: str, *, ours: bool) -> str:
        """Keep a name: see `replacement.Words`."""
        return name

    def text(self, text: str, hint: Any, kind: Kind, place: tuple[str, str]) -> str:
        """Move what a text says, by what it is: see `replacement.Words`."""
        if kind is Kind.FINGERPRINT or personal.DIGEST.fullmatch(text):
            return self.known(text)
        if (isinstance(hint, type) and issubclass(hint, date) and not issubclass(hint, datetime)) or place in _DAYS:
            return _DAY.sub(self._day, text) if _DAY.fullmatch(text) else self.sentence(text)
        if place == _WARNINGS:
            return _RUNG.sub(lambda found: self._at(found[0], "%Y%m%dT%H%M%S"), text)
        if place == _SUBJECT:
            return self.sentence(text) if personal.MOMENT.fullmatch(text) else text
        return text if kind in _STAYS or place[1] == _DELIVERY else self.sentence(text)

    def sentence(self, text: str) -> str:
        """Move every instant that a sentence names with its time of day."""
        return _INSTANT.sub(self._instant, text)

    def _instant(self, found: re.Match[str]) -> str:
        separator, seconds = found[0][10], found[0].count(":") == 2
        return self._at(found[0], f"%Y-%m-%d{separator}%H:%M{':%S' if seconds else ''}")

    def _day(self, found: re.Match[str]) -> str:
        """Move a day to the nearest one."""
        try:
            return (datetime.fromisoformat(found[0]) + NOON + self.by).date().isoformat()
        except (ValueError, OverflowError):
            return found[0]

    def _at(self, text: str, form: str) -> str:
        try:
            return (datetime.strptime(text, form).replace(tzinfo=UTC) + self.by).strftime(form)
        except (ValueError, OverflowError):  # it only looked like one, or lies at the end of time
            return text

    def _noted(self, data: bytes) -> bytes:
        """Move what the SDK notes of a local activity for itself: it is where the clock of a replay stands then."""
        noted = json.loads(data)
        for name in ("complete_time", "original_schedule_time"):
            if isinstance(noted.get(name), dict):
                noted[name]["seconds"] += self.by // timedelta(seconds=1)
        return json.dumps(noted, separators=(",", ":")).encode()


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _each_text(inner, change) for name, inner in value.items()}
    return [_each_text(inner, change) for inner in value] if isinstance(value, list) else value


def _timestamps(message: Message) -> Iterator[Timestamp]:
    for inner in within(message):
        if isinstance(inner, Timestamp):
            yield inner
        elif not isinstance(inner, Payload):
            yield from _timestamps(inner)


def _search_attributes(event: HistoryEvent) -> Iterator[Payload]:
    said: Any = getattr(event, event.WhichOneof("attributes") or "")
    if "search_attributes" in {descriptor.name for descriptor in said.DESCRIPTOR.fields}:
        yield from said.search_attributes.indexed_fields.values()
