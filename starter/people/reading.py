"""What can be looked at from a terminal? Everything here reads the casebook; nothing asks the workflow."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starter.errors import Problem
from starter.people import here as this
from starter.people import showing
from starter.people.here import As, CaseId, Here, Json

if TYPE_CHECKING:
    from datetime import datetime

    from escalations.record import Card, GateCard

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]


def inbox(
    as_: As = "",
    every: Annotated[bool, typer.Option("--all", help="Every open question.")] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Show what waits for you, due first."""
    this.run(lambda here: _inbox(here, as_, every=every, limit=limit, json=json))


async def _inbox(here: Here, named: str, *, every: bool, limit: int, json: bool) -> None:
    from starter.console import views
    from store import queries

    person = "" if every else here.person(named)
    roles = None if every else here.roster().roles_of(person)
    found = await queries.inbox(here.engine, roles, limit=limit)
    mine = [one for one in found if every or not views.gate_view(one.gate, person).why_not]
    if json:
        showing.as_json(mine, list[queries.Question])
        return
    rows = [
        (
            showing.due(one.gate.gate.due_at, here.now),
            showing.priority(one.priority),
            one.case_id,
            one.gate.gate.id.rsplit("/", 1)[-1],
            one.gate.gate.question,
            ",".join(seat.role for seat in one.gate.gate.seats),
            f"{views.in_favour(one.gate)}/{one.gate.gate.quorum}",
            one.title,
        )
        for one in mine
    ]
    columns = ("DUE IN", "PRIO", "CASE", "GATE", "QUESTION", "ASKED", "AGREED", "TITLE")
    prose = ("QUESTION", "TITLE")
    showing.table(columns, rows, empty=f"Nothing waits for {person or 'anybody'}.", prose=prose)


def list_(
    state: Annotated[str, typer.Option(help="open (all with --find), closed or all.", show_default=False)] = "",
    stage: Annotated[str, typer.Option(help="Only this stage.")] = "",
    domain: Annotated[str, typer.Option(help="Only this kind of harm.")] = "",
    priority: Annotated[int | None, typer.Option(min=0, max=4, help="Only this priority.")] = None,
    owner: Annotated[str, typer.Option(help="Only this owner's.")] = "",
    find: Annotated[str, typer.Option(help="Only with these words in the title, the case id or the source's id.")] = "",
    after: Annotated[str, typer.Option(help="Go on after this page; see the end of the page before.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List cases, most urgent first; closed ones newest first."""
    chosen = {"stage": stage, "domain": domain, "priority": priority, "owner": owner or None}
    chosen.update({"words": find, "after": after})
    state = state or ("all" if find else "open")
    this.run(lambda here: _list(here, state, chosen, limit=limit, json=json))


async def _list(here: Here, state: str, chosen: dict[str, Any], *, limit: int, json: bool) -> None:
    from escalations.model import Domain, Stage
    from escalations.record import Card
    from starter.console import views
    from store import queries

    opened = {"open": True, "closed": False, "all": None}
    if state not in opened:
        raise Problem("unknown_value", "The state is open, closed or all.")
    kinds = {"stage": Stage, "domain": Domain}
    chosen.update({name: _one_of(kind, name, chosen[name]) for name, kind in kinds.items()})
    newest = state != "open"
    try:
        found = await queries.cards(here.engine, open=opened[state], newest=newest, limit=limit, **chosen)
    except queries.BadCursor as bad:
        raise Problem("bad_cursor", str(bad)) from None
    if json:
        showing.as_json(found, list[Card])
        return
    rows = [
        (
            showing.due(card.next_due_at, here.now) if card.closed_at is None else "closed",
            showing.priority(card.priority),
            card.case_id,
            card.stage.value,
            card.owner or "-",
            views.awaited(card) or "-",
            card.title,
        )
        for card in found
    ]
    columns = ("DUE IN", "PRIO", "CASE", "STAGE", "OWNER", "WAITS FOR", "TITLE")
    showing.table(columns, rows, empty="No case matches.", prose=("TITLE",))
    if len(found) == limit:
        typer.echo(f"more: --after {queries.cursor(found[-1], newest=newest)}", err=True)


def show(case_id: CaseId, as_: As = "", json: Json = False) -> None:
    """Show how a case stands and what it asks."""
    this.run(lambda here: _show(here, case_id, as_, json=json))


async def _show(here: Here, case_id: str, named: str, *, json: bool) -> None:
    from escalations.record import Card
    from starter.console import views, wording

    card = await here.card(case_id)
    if json:
        showing.as_json(card, Card)
        return
    state = f"closed {wording.utc(card.closed_at)}" if card.closed_at else wording.STAGES[card.stage]
    showing.lines(
        showing.title(f"{wording.band(card.priority)}  {card.title}"),
        f"{card.case_id}  {card.domain.value if card.domain else 'no domain yet'}  {state}"
        f"  severity {wording.band(card.severity)}  urgency {wording.band(card.urgency, 'U')}"
        f"  owner {card.owner or 'nobody yet'}",
    )
    for wait in views.waits(card):
        showing.lines(f"waits for {wait.owner}: {wait.reason} ({_until(wait.until, here)}, then {wait.then})")
    _show_clocks(here, card)
    for view in views.open_gates(card, named or here.settings.person):
        _show_gate(here, card, view.card)
    for task in card.tasks:
        if task.done_at is None:
            showing.lines(f"task {task.id}: {task.title} ({task.owner}, {_until(task.due_at, here)})")
    showing.lines(*(f"open: {item}" for item in card.open_items))
    showing.lines(*(f"because {reason}" for reason in card.reasons))


def _show_clocks(here: Here, card: "Card") -> None:
    from starter.console import views

    for clock in views.clocks(card):
        at = views.due_of(clock)
        law = "" if clock.due_operational else ", house target, not law"
        if clock.status.value == "running" and at:
            showing.lines(f"clock {clock.rule}: {clock.duty} ({clock.owner}, {_until(at, here)}{law})")
        elif clock.status.value in ("missed", "suspended"):
            showing.lines(f"clock {clock.rule}: {clock.duty} ({clock.owner}, {clock.status.value}{law})")


def _until(at: "datetime", here: Here) -> str:
    from starter.console import wording

    return f"{wording.remaining(at - here.now)}, until {wording.utc(at)}"


def _show_gate(here: Here, card: "Card", shown: "GateCard") -> None:
    from starter.console import views, wording

    gate, number = shown.gate, shown.gate.id.rsplit("/", 1)[-1]
    showing.lines(
        showing.title(f"gate {number} ({wording.words(gate.kind.value)}): {gate.question}"),
        f"  {_until(gate.due_at, here)}, then {gate.default}; {views.in_favour(shown)} of {gate.quorum} agreed",
    )
    for option in gate.options:
        marks = [
            "recommended" if option.key == gate.recommended else "",
            "" if option.reversible else "cannot be undone",
            "goes outside" if option.external else "",
            wording.blast(option.blast) if option.blast else "",
        ]
        showing.lines(f"  {option.key}: {option.label}" + "".join(f" [{mark}]" for mark in marks if mark))
    for seat in gate.seats:
        said = [
            f"{vote.person} {wording.words(vote.stance.value)} {vote.option}"
            for vote in shown.votes
            if vote.role == seat.role
        ]
        showing.lines(f"  {seat.role} ({', '.join(seat.persons)}): {'; '.join(said) or 'not yet'}")
    if gate.ask:
        showing.lines(f"  on duty when it was asked: {', '.join(gate.ask)}")
    showing.lines(
        f"  what is approved: {gate.digest}",
        *(f"    {step}" for step in gate.steps),
        f"  answer: seawall decide {card.case_id} {number} {gate.recommended} --digest {gate.digest[:12]} --as YOU",
    )


def timeline(
    case_id: CaseId,
    after: Annotated[int, typer.Option(min=0, help="Only what follows this entry.")] = 0,
    limit: Limit = 200,
    json: Json = False,
) -> None:
    """Show what happened in a case, in order."""
    this.run(lambda here: _timeline(here, case_id, after, limit, json=json))


async def _timeline(here: Here, case_id: str, after: int, limit: int, *, json: bool) -> None:
    from escalations.record import Entry
    from starter.console import wording
    from store import queries

    card = await here.card(case_id)
    found = await queries.entries(here.engine, case_id, after, limit)
    if json:
        showing.as_json(found, list[Entry])
        return
    rows = [(str(entry.seq), wording.second(entry.at), entry.actor, entry.kind, entry.text) for entry in found]
    showing.table(("NO", "AT", "WHO", "WHAT", "TEXT"), rows, empty="Nothing more was recorded.", prose=("TEXT",))
    if found and found[-1].seq < card.seq:
        typer.echo(f"more: --after {found[-1].seq}", err=True)


def clocks(
    case_id: CaseId,
    why: Annotated[bool, typer.Option("--why", help="Show how each due time came about.")] = False,
    json: Json = False,
) -> None:
    """Show the clocks of a case, nearest first."""
    this.run(lambda here: _clocks(here, case_id, why=why, json=json))


async def _clocks(here: Here, case_id: str, *, why: bool, json: bool) -> None:
    from escalations.clocks import Clock
    from starter.console import views, wording

    ordered = views.clocks(await here.card(case_id))
    if json:
        showing.as_json(ordered, tuple[Clock, ...])
        return
    rows: list[tuple[Any, ...]] = []
    for clock in ordered:
        at = views.due_of(clock)
        left = showing.due(at, here.now) if clock.status.value == "running" else "-"
        law = "" if clock.due_operational else " (house target, not law)"
        due_at = wording.second(at) if at else "-"
        rows.append((left, clock.status.value, due_at, clock.rule, clock.duty + law, clock.owner, clock.instrument))
        if why:
            rows += [("", "", "", "", f"  {step}", "", "") for step in clock.derivation]
    columns = ("DUE IN", "STATUS", "DUE", "CLOCK", "DUTY", "OWNER", "LAW")
    showing.table(columns, rows, empty="No clock runs.", prose=("DUTY", "LAW"))


def _one_of(kind: Any, name: str, value: str) -> Any:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(one.value for one in kind)
        raise Problem("unknown_value", f"The {name} must be one of: {allowed}.") from None


COMMANDS: tuple[Callable[..., None], ...] = (inbox, list_, show, timeline)
