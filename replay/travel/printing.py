"""How is a moment of a case written? As lines, with colour on a terminal and plain when piped."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from rich.text import Text

from replay.travel.moment import ClockThen, GateThen, Moment, by_urgency
from replay.travel.steps import Compared, Step, Timeline
from starter.console import wording
from starter.people.showing import STYLES, lines, safe, title
from store.refusals import Refused

NO_TRACE = "A message that was refused leaves no trace in history."
FROM_CASEBOOK = "Those shown are from the casebook."
Line = str | Text


def moment(shown: Moment) -> None:
    """Print a whole moment."""
    lines(*moment_lines(shown))


def moment_lines(shown: Moment) -> Iterator[Line]:
    """Write a whole moment, the most urgent first."""
    yield title(f"{shown.workflow_id}  {shown.title or shown.workflow_type}")
    run = f" of run {shown.run} of {shown.runs}" if shown.runs > 1 else ""
    yield f"at event {shown.upto_event}{run}, {time(shown.at)}: {shown.shows}"
    if shown.stage:
        yield (
            f"stage {wording.words(shown.stage)}  priority {wording.band(shown.priority)}"
            f"  severity {wording.band(shown.severity)}  urgency {wording.band(shown.urgency, 'U')}"
            f"  owner {shown.owner or 'nobody yet'}"
        )
    if shown.playbook:
        yield f"{shown.playbook}, rulebook {shown.rulebook}"
    if shown.closed_at:
        yield f"closed {time(shown.closed_at)}"
    yield from (f"{name}: {value}" for name, value in shown.other.items())
    yield from _code(shown)
    yield from _clocks(shown.clocks)
    for gate in shown.gates:
        yield from _gate(shown, gate)
    tasks = [f"{one.id} ({one.owner}, until {time(one.due_at)}): {one.title}" for one in shown.tasks]
    yield from _section("Open tasks", tasks)
    yield from _section("Owed before it may close", shown.owed)
    yield from _section("Refused until then, by the casebook", [refusal_line(one) for one in shown.refused or ()])


def _code(shown: Moment) -> Iterator[Line]:
    if shown.standing:
        yield title("The code stood")
    for one in shown.standing:
        yield f"  at {' < '.join(one.way)}"
        after = f", until {time(one.until)}, then {one.then})"
        yield _left(f"    waiting for {one.owner}: {one.reason} (", one.until - shown.at, after)
    under_way = [
        f"{hand.what}, since event {hand.event_id}, {time(hand.since)}, asked at {hand.place}" for hand in shown.hands
    ]
    yield from _section("Under way", under_way)
    yield from _section("Arrived, and not taken in by any task yet", shown.unseen)


def _clocks(clocks: Sequence[ClockThen]) -> Iterator[Line]:
    if clocks:
        yield title("Clocks")
    for clock in by_urgency(clocks):
        word = "due" if clock.by_law else "house target"
        at = f", {word} {time(clock.wants_at)}" if clock.wants_at else ""
        status = wording.words(clock.status)
        if clock.left is None:
            yield f"  {clock.rule}: {status}: {clock.duty} ({clock.owner}{at})"
        else:
            yield _left(f"  {clock.rule}: {status}, ", clock.left, f": {clock.duty} ({clock.owner}{at})")


def _gate(shown: Moment, gate: GateThen) -> Iterator[Line]:
    number = gate.id.rsplit("/", 1)[-1]
    if gate.outcome:
        yield f"gate {number} ({wording.words(gate.kind)}): {gate.question} {gate.outcome}"
        return
    yield title(f"Gate {number} ({wording.words(gate.kind)}): {gate.question}")
    if gate.left is not None:
        yield _left("  ", gate.left, f", until {time(gate.due_at)}, then {gate.default}")
    favour = ", ".join(f"{key} {number}" for key, number in gate.in_favour)
    yield f"  quorum {gate.quorum}; in favour: {favour}{'; a binding order' if gate.binding else ''}"
    for seat in gate.seats:
        duty = "must agree" if seat.required else "is heard"
        could = ", ".join(seat.could_act) or "nobody"
        yield f"  {seat.role} {duty}: {'; '.join(seat.spoken) or 'not spoken yet'}; could still act: {could}"
    if gate.excluded:
        yield f"  may not decide: {', '.join(gate.excluded)}"
    yield from _seen(shown, gate)


def _seen(shown: Moment, gate: GateThen) -> Iterator[Line]:
    """What the approver was shown."""
    for option in gate.options:
        marks = [
            word
            for word, holds in (
                ("recommended", option.key == gate.recommended),
                ("default", option.key == gate.default),
                ("cannot be undone", not option.reversible),
                ("goes outside", option.external),
            )
            if holds
        ]
        yield f"  option {option.key}: {option.label} ({', '.join([*marks, wording.blast(option.blast)])})"
    yield from (f"  step: {step}" for step in gate.steps)
    yield f"  shown: digest {gate.digest}, rulebook {gate.rulebook}"
    if shown.evidence is not None:
        yield f"  plan: {shown.evidence.plan}"
        if manifest := shown.evidence.manifest:
            tiers = ", ".join(f"{count} by {tier}" for tier, count in manifest.by_tier)
            yield f"  manifest {manifest.digest}: {manifest.count} listings of {manifest.sellers} sellers, {tiers}"
        yield from (f"  finding: {finding}" for finding in shown.evidence.findings)


def _section(heading: str, rows: Sequence[str]) -> Iterator[Line]:
    if rows:
        yield title(heading)
        yield from (f"  {row}" for row in rows)


def _left(before: str, left: timedelta, after: str) -> Text:
    return Text.assemble(safe(before), (wording.remaining(left), STYLES[wording.mood(left)]), safe(after))


def time(at: datetime) -> str:
    """Write a time to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def timeline(found: Timeline) -> None:
    """Print every task, with what was refused in its place among them."""
    runs = max((one.run for one in found.steps), default=1)
    rows = [(one.at, list(step_lines(one, runs=runs))) for one in found.steps]
    rows += [(one.at, [refusal_line(one)]) for one in found.refused or ()]
    for _, shown in sorted(rows, key=lambda row: row[0]):
        lines(*shown)
    lines(*found.left_out)
    lines(f"{len(found.steps)} tasks. {NO_TRACE}{'' if found.refused is None else ' ' + FROM_CASEBOOK}")


def refusal_line(one: Refused) -> str:
    """Write a message that was not taken."""
    return f"{time(one.at)}  refused: {one.code} ({one.message}, door {one.door or 'unknown'})"


def step_lines(one: Step, *, runs: int) -> Iterator[Line]:
    """Write one task: its cause on the first line, then what it did and what changed."""
    run = f"{one.run}/" if runs > 1 else ""
    yield title(f"{run}{one.event_id}  {time(one.at)}  {'; '.join(one.woken_by)}")
    yield from (f"  did      {line}" for line in one.did)
    yield from (f"  changed  {line}" for line in one.changed)


def compared(found: Compared) -> None:
    """Print what changed between two places."""
    runs = (f"{found.from_run}/", f"{found.to_run}/") if found.to_run > 1 or found.from_run > 1 else ("", "")
    lines(
        title(
            f"from event {runs[0]}{found.from_event} ({time(found.from_at)})"
            f" to event {runs[1]}{found.to_event} ({time(found.to_at)}), {found.tasks} tasks"
        ),
        *(f"  {line}" for line in found.changed or ("nothing changed",)),
    )
