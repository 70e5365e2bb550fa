"""What do the rules say, in one document that a lawyer can read? `python -m rulebook.guide` writes docs/rulebook.md."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from escalations.conditions import NEVER
from escalations.playbooks import GateRule, Panel, Playbook
from escalations.rulebook import Rulebook
from escalations.rules import PLACES, ClockRule, Counting, Unit
from escalations.severity import Response
from rulebook import roster_guide
from rulebook.loading import load

TARGET = Path(__file__).resolve().parents[1] / "docs" / "rulebook.md"
HEAD = """# The rulebook

This page is written by `python -m rulebook.guide` from the files in `rulebook/`; a test fails when it is stale.
Change the files, never this page.

## How to read and change it

* **Clocks** (`clocks/<jurisdiction>.yaml`): one row for each version of a duty with its article, what it applies to,
  what starts it, how its period is counted, and how sure we are (H: text of the law read; M: secondary source; L:
  unverified). A rule is never edited in place: end the old version (`effective.to`) and add a row with the next
  version.
* **Conditions** are CEL expressions. What they may ask about is listed in `escalations/conditions.py` and
  `facts.MARKS`; `terms.yaml` gives names to conditions that several rules share.
* **Severity, gates, ladder, playbooks, people** are the other files. `gates.yaml` holds what the playbooks share.
* **Rosters** (`rosters/persons.yaml` and one file a desk): who holds which role, when they work by the clock on their
  own wall, who stands in, whom to ask when nobody is on duty. An hour without a lawyer (LEG) on shift or on call, where
  a clock of 4 h or less may run, is refused. `seawall roster who ROLE --at T` explains a chain of people.
* `seawall rulebook check` finds every fault with file, line and what to do. `seawall rulebook diff shipped DIR` says
  which sample cases would change. `seawall clocks due RULE --at T` shows a due time with its derivation, `seawall
  triage FILE` a whole plan; both start nothing.
* A company's own folder (`SEAWALL_RULEBOOK`) is laid over the shipped files: its rosters replace ours as a whole, its
  clock files add rules and versions, everything else is merged field by field. Running cases keep the version they were
  opened with until two persons `replan` them.

None of this is legal advice; every rule has to be confirmed by counsel before it is relied on.
"""


def guide(book: Rulebook) -> str:
    """Write the whole document. The same rulebook always gives the same text."""
    return "\n".join((HEAD, *_clocks(book), *_severity(book), *_blast(book), *_playbooks(book), *_people(book))) + "\n"


def period(rule: ClockRule) -> str:
    """Say in words how long a duty has."""
    if rule.unit is Unit.QUALITATIVE:
        return f"no number; we aim at {span(rule.internal_target)}"
    if rule.unit in (Unit.AS_ORDERED, Unit.STANDING):
        return {Unit.AS_ORDERED: "as the order says", Unit.STANDING: "at all times"}[rule.unit]
    number = f"{rule.number} to {rule.most}" if rule.most else str(rule.number)
    plural = "" if number == "1" else "s"
    paused = ", on working days only" if rule.working_time_only else ""
    return f"{number} {rule.unit.value.replace('_', ' ')}{plural}{paused}"


def span(length: timedelta | None) -> str:
    """Say a length of time in its largest whole unit."""
    seconds = int((length or timedelta()).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _clocks(book: Rulebook) -> Iterator[str]:
    yield f"## Clocks: {len(book.clocks)} rules"
    for jurisdiction in sorted({rule.jurisdiction for rule in book.clocks}):
        yield f"\n### {'Everywhere' if jurisdiction == 'any' else jurisdiction}\n"
        rules = [rule for rule in book.clocks if rule.jurisdiction == jurisdiction]
        head = ("rule", "in force", "duty", "starts", "period", "counted in", "law", "sure")
        yield from _table(head, (_clock(rule) for rule in rules))
        yield ""
        yield from (f"* **{rule.id} v{rule.version}**: {'; '.join(_scope(rule))}" for rule in rules)
    unsettled = [rule for rule in book.clocks if rule.unsettled]
    yield f"\n### Not settled: {len(unsettled)} rules\n"
    yield from (f"* **{rule.id}**: {rule.unsettled}" for rule in unsettled)
    yield "\n### Terms\n"
    yield from (f"* **{term.name}**: `{term.means.text}` ({term.source})" for term in book.terms)


def _clock(rule: ClockRule) -> tuple[str, ...]:
    since = "not yet" if rule.effective_from is None else f"{rule.effective_from} – {rule.effective_to or ''}"
    starts = (rule.event or rule.starts_at.value).replace("_", " ")
    places = ", ".join(dict.fromkeys(one.calendar.replace("_", " ") for one in rule.counting)) or "elapsed time"
    force = "" if rule.force.value == "law" else f" ({rule.force.value})"
    sure = rule.confidence + ("?" if rule.unsettled else "")
    return f"{rule.id} v{rule.version}", since, rule.duty, starts, period(rule), places, rule.instrument + force, sure


def _scope(rule: ClockRule) -> Iterator[str]:
    """Say what the table has no room for: scope, people, pauses, margin, source."""
    yield f"where `{rule.applies_if.text}`"
    yield f"{rule.owner} to {rule.recipient}; met when {rule.meets.value.replace('_', ' ')}"
    yield from (_reading(rule, one) for one in rule.counting)
    if rule.suspends_on:
        pauses = ", ".join(rule.suspends_on).replace("_", " ")
        yield f"may pause on {pauses}" + (" and starts afresh" if rule.restarts else "")
    if rule.margin:
        yield f"worked to {span(rule.margin)} before"
    if rule.also_required:
        yield f"also {', '.join(rule.also_required)}"
    yield f"source: {rule.source} (checked {rule.checked})"
    if rule.note:
        yield rule.note


def _reading(rule: ClockRule, one: Counting) -> str:
    """Say one way to count."""
    zone = one.zone.replace("_", " ") if one.zone in PLACES else one.zone
    kinds = (
        (one.calendar != one.zone, f"calendar {one.calendar}"),
        (rule.exclude_day_zero and rule.unit is not Unit.HOUR, "day zero left out"),
        (one.roll_forward, "moved on from a day off"),
        (one.min_working_days > 0, f"at least {one.min_working_days} working days"),
        (one.number > 0, f"{one.number} instead of {rule.number}"),
        (one.working_days, "working days only"),
        (bool(one.weekend), "another weekend than the calendar's"),
    )
    return f"counted in {zone}" + "".join(f", {words}" for holds, words in kinds if holds)


def _severity(book: Rulebook) -> Iterator[str]:
    rules = book.severity
    yield "\n## Severity and urgency\n"
    yield "Score = sum of weight × level / 4. Bands from: " + ", ".join(
        f"P{band} {least}" for band, least in enumerate(rules.bands)
    )
    for one in rules.inputs:
        yield f"\n**{one.name}** (weight {one.weight}); otherwise {one.otherwise}: {one.otherwise_why}\n"
        yield from (f"* {level.level}: {level.why}" for level in one.levels)
    yield "\nFloors, never undercut:\n"
    yield from (f"* P{floor.band}: {floor.why}" for floor in rules.floors)
    spans = ", ".join(f"U{grade} {span(most)}" for grade, most in enumerate(rules.urgency))
    yield f"\nUrgency, by the most time left to the nearest binding clock: {spans}. Priority is the worse of the two."
    yield "\nInternal targets, never law:\n"
    names = [each.name for each in fields(Response)]
    head = ("priority", *(name.replace("_", " ") for name in names))
    rows = ((str(at), *(getattr(one, name).in_words() for name in names)) for at, one in enumerate(rules.responses))
    yield from _table(head, rows)
    yield "\n## Containment, from the mildest rung\n"
    yield from _table(
        ("rung", "what", "can be undone", "DSA statement"),
        ((f"{one.rung} {one.key}", one.title, one.reversible, one.statement or "none") for one in book.ladder),
    )


def _blast(book: Rulebook) -> Iterator[str]:
    yield "\n## Blast tiers\n"
    for at, one in enumerate(book.blast.tiers):
        word = "or" if one.either else "and"
        yield f"* B{at}: up to {one.items:,} items {word} {one.sellers:,} seller{'s' * (one.sellers > 1)}"
    yield f"* B3: anything wider, a closed category, several whole countries, more than {book.blast.funds_usd:,} USD"


def _playbooks(book: Rulebook) -> Iterator[str]:
    yield f"\n## Playbooks: {len(book.playbooks)} domains"
    for playbook in sorted(book.playbooks, key=lambda one: one.domain.value):
        yield from _who(playbook)
        yield from _how(playbook)
        yield "\n"
        yield from _table(
            ("question", "who (* consent required, ~ may veto)", "time-box P0 … P4", "else"),
            (row for one in playbook.gates for row in _gate(one)),
        )


def _who(playbook: Playbook) -> Iterator[str]:
    """Write what a domain is about, who leads it, signs off and may see its cases."""
    yield f"\n### {playbook.domain.value}: {playbook.title}\n"
    yield f"* led by {playbook.owner}; root cause owed up to priority {playbook.root_cause_to}"
    yield f"* comes from: {'; '.join(playbook.sources)}"
    yield f"* is about: {', '.join(playbook.subjects).replace('_', ' ')}"
    heard = ", ".join(playbook.consulted) or "nobody"
    yield f"* signed off by {', '.join(playbook.approve)}; veto {', '.join(playbook.veto) or 'none'}; heard {heard}"
    yield from (f"* {call.role} sits when `{call.when.text}`" for call in playbook.calls)
    yield f"* may climb: {', '.join(playbook.ladder)}; at once: {', '.join(playbook.emergency) or 'nothing'}"
    yield from (
        f"* ring {one.ring.value}: {', '.join(one.viewers) or 'everybody on duty'} when `{one.when.text}`"
        for one in playbook.rings
    )


def _how(playbook: Playbook) -> Iterator[str]:
    """Write what is done, how soon, and who is told."""
    if playbook.takes_over_when is not NEVER:
        yield f"* takes a case over when `{playbook.takes_over_when.text}`"
    yield from (
        f"* target at priority {priority}: {name} in {span(length)}" for priority, name, length in playbook.targets
    )
    yield f"* contained before legal review when `{playbook.contain_first.text}`"
    yield f"* evidence: {', '.join(playbook.evidence).replace('_', ' ')}"
    yield from (f"* people: {step.title} ({step.owner}) when `{step.when.text}`" for step in playbook.steps)
    yield from (
        f"* letter: {one.template.replace('_', ' ')} to {one.recipient.value.replace('_', ' ')} "
        f"({one.duty}{'' if one.mandatory else '; not owed'}) when `{one.when.text}`"
        for one in playbook.notices
    )
    yield from (
        f"* answer: {one.title} to {one.recipient} ({one.owner}; {one.duty}) when `{one.when.text}`"
        for one in playbook.responses
    )


def _gate(rule: GateRule) -> Iterator[tuple[str, ...]]:
    """Write one question: who sits ordinarily, at each blast tier, in an emergency, and one level up."""
    kind, boxes = rule.kind.value.replace("_", " "), ", ".join(span(box) for box in rule.time_box)
    apart = "".join(f"; not who took part in the {part.value.replace('_', ' ')}" for part in rule.apart_from)
    yield kind, _panel(rule.panel) + apart, boxes, rule.default.replace("_", " ")
    yield from ((f"{kind}, B{tier}", _panel(panel), "", "") for tier, panel in rule.tiers)
    yield from ((f"{kind}, emergency B{tier}", _panel(panel), "", "") for tier, panel in rule.emergency)
    escalated = rule.if_escalated.replace("_", " ")
    yield from ((f"{kind}, level L{at}", _panel(panel), "", escalated) for at, panel in enumerate(rule.ladder, 1))


def _panel(panel: Panel) -> str:
    marks = {(True, True): "*~", (True, False): "*", (False, True): "~", (False, False): ""}
    seats = ", ".join(
        f"{seat.role}{marks[seat.required, seat.may_veto]}{' if called' * seat.if_called}" for seat in panel.seats
    )
    return f"{panel.quorum} of {seats}"


def _people(book: Rulebook) -> Iterator[str]:
    yield "\n## People\n"
    roles = sorted({role for person in book.roster.persons for role in person.roles})
    yield from _table(("role", "persons"), ((role, ", ".join(book.roster.persons_in(role))) for role in roles))
    yield from roster_guide.written(book.roster)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


if __name__ == "__main__":
    TARGET.write_text(guide(load()), encoding="utf-8")
    sys.stdout.write(f"{TARGET.name} written\n")
