"""What do the rules say, in one document that a lawyer can read? `python -m rulebook.guide` writes docs/rulebook.md."""

import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from escalations.playbooks import GateRule, Playbook
from escalations.rulebook import Rulebook
from escalations.rules import ClockRule, Unit
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
    return "\n".join((HEAD, *_clocks(book), *_severity(book), *_playbooks(book), *_people(book))) + "\n"


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


def _playbooks(book: Rulebook) -> Iterator[str]:
    yield f"\n## Playbooks: {len(book.playbooks)} domains"
    for playbook in sorted(book.playbooks, key=lambda one: one.domain.value):
        yield f"\n### {playbook.domain.value}: {playbook.title}\n"
        yield f"* led by {playbook.owner}; root cause owed up to priority {playbook.root_cause_to}"
        yield f"* signed off by {', '.join(playbook.approve)}; veto {', '.join(playbook.veto) or 'none'}"
        yield f"* contained before legal review when `{playbook.contain_first.text}`"
        yield f"* evidence: {', '.join(playbook.evidence).replace('_', ' ')}"
        yield from (f"* people: {step.title} ({step.owner}) when `{step.when.text}`" for step in playbook.steps)
        yield from (f"* answer: {one.title} to {one.recipient} ({one.owner}; {one.duty})" for one in playbook.responses)
        yield "\n"
        yield from _table(
            ("question", "who", "time-box P0 … P4", "else"), (_gate(playbook, one) for one in playbook.gates)
        )


def _gate(playbook: Playbook, rule: GateRule) -> tuple[str, ...]:
    seats = ", ".join(f"{seat.role}{'*' if seat.required else ''}" for seat in rule.panel.seats)
    boxes = ", ".join(span(box) for box in rule.time_box)
    return rule.kind.value.replace("_", " "), f"{rule.panel.quorum} of {seats}", boxes, rule.default.replace("_", " ")


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
