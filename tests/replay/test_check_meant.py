"""Which differences pass because somebody answers for them, what may be shown of one, and whose case is stranded?"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from replay import histories, meant, newer, reading, stranded, values
from replay.check import Checked, Verdict, Wanted, check
from replay.gate import MEANT, Tally
from replay.meant import Apart
from replay.meant_file import load
from replay.tape import Commanded, Tape
from replay.values import ABSENT, HIDDEN
from starter.errors import Problem
from starter.sealing import data_converter
from tests.replay import corpus

TODAY = date(2026, 12, 1)
ENTRY = """
- workflow: Escalation
  kind: timer
  path: duration
  to: "0:00:07"
  reason: shorter on purpose
  who: petra.product
  date: 2026-11-30
"""
TIMER = Apart(workflow="Escalation", kind="timer", name="1", path="duration", was="1:00:00", now="0:00:07")


def written(folder: Path, text: str) -> Path:
    path = folder / "meant.yaml"
    path.write_text(text)
    return path


async def changed(wanted: Wanted) -> Checked:
    """The ordinary case, whose first timer was another when it was recorded."""
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    timer = next(event for event in run.events if event.HasField("timer_started_event_attributes"))
    timer.timer_started_event_attributes.start_to_fire_timeout.FromSeconds(7)
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)
    checking = check([run], workflows=reading.workflows(), converter=converter, wanted=wanted)
    [checked] = [each async for each in checking]
    return checked


async def test_a_difference_that_is_meant_passes_and_one_that_is_not_fails(tmp_path: Path) -> None:
    now = (await changed(Wanted())).differences[0].now
    entry = ENTRY.replace('to: "0:00:07"', f'from: "0:00:07"\n  to: "{now[:1]}*"')

    passed = await changed(Wanted(meanings=load(written(tmp_path, entry), TODAY)))
    failed = await changed(Wanted(meanings=load(written(tmp_path, ENTRY), TODAY)))

    assert (passed.verdict, passed.passes, passed.meant, passed.differences) == (Verdict.MEANT, True, (0,), ())
    assert (failed.verdict, failed.passes, failed.meant) == (Verdict.DIFFERS, False, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [("workflow", "Sweep"), ("kind", "activity"), ("name", "2"), ("path", "task"), ("was", "2:00:00"), ("now", "x")],
)
def test_an_entry_covers_only_what_it_names(tmp_path: Path, field: str, value: str) -> None:
    meanings = load(written(tmp_path, ENTRY + '  from: "1:*"\n  name: "[1]"\n'), TODAY)
    fields = {name: getattr(TIMER, name) for name in ("workflow", "kind", "name", "path", "was", "now")}

    assert meanings.of(TIMER) == 0
    assert meanings.of(Apart(**fields | {field: value})) is None


def test_an_entry_covers_nothing_after_its_last_day_and_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY + "  expires: 2026-12-01\n")

    assert load(path, TODAY).of(TIMER) == 0
    late = load(path, TODAY + timedelta(days=1))
    assert late.of(TIMER) is None
    assert "expired on 2026-12-01" in meant.unused(late, ())[0]


def test_an_entry_that_covered_nothing_is_reported_with_its_line(tmp_path: Path) -> None:
    meanings = load(written(tmp_path, ENTRY), TODAY)

    [line] = meant.unused(meanings, ())
    assert "meant.yaml:2: Escalation, timer" in line
    assert "covered nothing" in line
    assert meant.unused(meanings, (0,)) == []


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (ENTRY.replace("  who: petra.product\n", ""), "meant.yaml:2", "who"),
        (ENTRY.replace("kind: timer", "kinds: timer"), "meant.yaml:3", "kinds"),
        (ENTRY.replace("2026-11-30", "soon"), "meant.yaml:8", "date"),
        (ENTRY.replace("shorter on purpose", '""'), "meant.yaml:6", "reason"),
        (ENTRY + "  expires: 2026-11-01\n", "meant.yaml:9", "before its date"),
        ("workflow: Escalation\n", "meant.yaml:1", "a list"),
        ("- [\n", "meant.yaml:2", "YAML"),
        ("", "meant.yaml", "empty"),
    ],
    ids=["missing", "unknown", "date", "no-reason", "order", "no-list", "no-yaml", "empty"],
)
def test_a_wrong_file_is_refused_by_line_and_field(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(Problem) as refused:
        load(written(tmp_path, text), TODAY)

    assert (refused.value.code, refused.value.exit_code) == ("bad_meant", 2)
    assert where in refused.value.text
    assert what in refused.value.text


def test_the_file_that_is_shipped_is_in_order() -> None:
    assert load(MEANT, TODAY).entries == ()


@pytest.mark.parametrize(
    ("was", "now", "clear", "shown", "both"),
    [
        ("Anna Muster", "Otto Muster", False, False, HIDDEN),
        ("Anna Muster", "Otto Muster", False, True, ("a text of 11 characters", "a text of 11 characters")),
        ("PT1H", "PT2H", False, False, ("`PT1H`", "`PT2H`")),
        ("legal_review", "closed", False, False, ("`legal_review`", "`closed`")),
        (3, 4, False, False, HIDDEN),
        (3, 4, False, True, ("`3`", "`4`")),
        (False, True, False, True, ("`false`", "`true`")),
        ("2026-12-01T10:00:00Z", "2026-12-02T10:00:00Z", False, True, None),
        ("ESC-0000-0000-0001/gate/1", "a b", False, True, ("`ESC-0000-0000-0001/gate/1`", "a text of 3 characters")),
        (["a"], ["a", "b"], False, True, ("a list of 1", "a list of 2")),
        ({"a": 1}, ABSENT, False, True, ("1 fields", "nothing")),
        ("Anna", ABSENT, False, False, ("one value", "nothing")),
        (ABSENT, "Anna", False, False, ("nothing", "one value")),
        (timedelta(hours=1), timedelta(hours=2), True, False, ("1:00:00", "2:00:00")),
        ("hide", "tell", True, False, ("`hide`", "`tell`")),
    ],
)
def test_a_value_is_shown_only_where_its_form_names_nobody(
    was: Any, now: Any, clear: bool, shown: bool, both: tuple[str, str] | None
) -> None:
    expected = both or (f"`{was}`", f"`{now}`")

    assert values.told(was, now, clear=clear, values=shown) == expected


def test_a_stranded_case_names_its_stage_owner_and_waits() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    wait = {"owner": "LEG", "reason": "may we hide it?", "until": "2026-12-02T10:00:00Z", "then": "default: hide"}
    command = WorkflowCommand()
    command.schedule_local_activity.activity_type = "record"
    card = {"stage": "legal_review", "next_due_at": "2026-12-02T10:00:00Z", "waiting": [wait]}
    command.schedule_local_activity.arguments.add().data = _json({"card": card})
    tape = Tape(commands=[Commanded(command=command, place="", history_length=3)])

    found = stranded.of(run, tape)

    assert (found.case_id, found.stage, found.owner) == (run.workflow_id, "legal_review", "PSAF")
    assert "LEG: may we hide it?, until 2026-12-02T10:00:00Z, then default: hide" in found.line()


def test_without_a_card_a_stranded_case_is_known_by_what_is_searched() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")

    found = stranded.of(run, Tape())

    assert (found.stage, found.owner) == ("closed", "PSAF")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(("patch", "said"), [("2027-01 later", True), ("2026-11 earlier", False), ("undated", False)])
def test_newer_code_is_known_by_the_date_of_its_patch(patch: str, said: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newer, "_known", lambda _: frozenset({"2026-12 the last one"}))
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    marker = next(event for event in run.events if event.HasField("marker_recorded_event_attributes"))
    recorded = marker.marker_recorded_event_attributes
    recorded.marker_name = "core_patch"
    recorded.details["patch-data"].payloads.add().data = _json({"id": patch, "deprecated": False})

    reason = newer.reason(run, Tape(), reading.workflows())

    assert (patch in reason) is said
    assert (f"event {marker.event_id}:" in reason) is said


def test_what_differs_counts_before_what_could_not_be_judged() -> None:
    tally = Tally()
    codes = [tally.exit_code]
    for verdict in (Verdict.SAME, Verdict.MEANT, Verdict.NEWER, Verdict.BREAKS):
        tally.verdicts[verdict.value] += 1
        codes.append(tally.exit_code)

    assert codes == [0, 0, 0, 2, 1]
