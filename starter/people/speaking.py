"""What can be said to a case from a terminal? Each command is one message; the receipt or the reason is printed."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from escalations import messages
from escalations.messages import Said
from starter.errors import REFUSED, Problem
from starter.people import here as this
from starter.people import showing
from starter.people.here import As, CaseId, Here, Id, Json, Reason

if TYPE_CHECKING:
    from escalations.model import Action

By = tuple[str, str, bool]  # --as, --request-id, --json
NEGATIVE = re.compile(r"-\d+(\.\d+)?")
Needed = Annotated[str, typer.Option(help="Why; others will read it.", show_default=False)]


def learn(
    case_id: CaseId,
    fact: Annotated[str, typer.Argument(help="A field of the facts, aware_at, order_due_at or order_withdrawn.")],
    value: Annotated[str, typer.Argument(help="A number, true or false, or a time with its zone.")],
    at: Annotated[str, typer.Option(help="When the company first knew, e.g. 2026-11-22T03:00:00Z.")] = "",
    place: Annotated[str, typer.Option(help="The country an event happened in, e.g. SG.")] = "",
    reason: Reason = "",
    as_: As = "",
    request_id: Id = "",
    json: Json = False,
) -> None:
    """Tell a case a fact."""
    if value.startswith("-") and not NEGATIVE.fullmatch(value):
        raise Problem("bad_value", f"learn has no option {value}.", next_step="See `seawall learn --help`.")
    _known_fact(fact)
    known = _time(at) if at else None
    _say(
        "learn",
        case_id,
        (as_, request_id, json),
        lambda said: messages.Learn(said=said, fact=fact, value=value, at=known, reason=reason, place=place),
    )


def _known_fact(fact: str) -> None:
    """Refuse a fact that no case knows, with the names that come near. Raises Problem `bad_fact`."""
    from difflib import get_close_matches

    from escalations.facts import NAMES

    if fact not in NAMES:
        near = get_close_matches(fact, NAMES, n=4, cutoff=0.5) or [name for name in NAMES if fact and fact in name][:4]
        raise Problem(
            "bad_fact",
            "No fact has that name" + (f"; near it: {', '.join(near)}." if near else "."),
            next_step="All names are under 'facts' and 'events' of `seawall schema report`.",
        )


def claim(case_id: CaseId, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Take a case as its owner."""
    _say("claim", case_id, (as_, request_id, json), lambda said: messages.Claim(said=said))


def assign(
    case_id: CaseId, to: str, reason: Reason = "", as_: As = "", request_id: Id = "", json: Json = False
) -> None:
    """Give a case to somebody else."""
    _say(
        "assign",
        case_id,
        (as_, request_id, json),
        lambda said: messages.Assign(said=said, to=to, reason=reason),
        also=to,
    )


def delegate(
    case_id: CaseId, to: str, role: str, until: str, as_: As = "", request_id: Id = "", json: Json = False
) -> None:
    """Let somebody speak for you in one role until a time."""
    ends = _time(until)
    _say(
        "delegate",
        case_id,
        (as_, request_id, json),
        lambda said: messages.Delegate(said=said, to=to, role=role, until=ends),
        also=to,
    )


def finding(
    case_id: CaseId,
    kind: str,
    text: str,
    evidence: Annotated[list[str] | None, typer.Option(help="A digest in the evidence store; may be repeated.")] = None,
    factor: Annotated[list[str] | None, typer.Option(help="A root cause factor; makes this the analysis.")] = None,
    actions: Annotated[Path | None, typer.Option(help="A JSON list of corrective actions.")] = None,
    as_: As = "",
    request_id: Id = "",
    json: Json = False,
) -> None:
    """Report what an investigation established; with factors it is the root cause analysis."""
    promised = _actions(actions) if actions else ()
    _say(
        "finding",
        case_id,
        (as_, request_id, json),
        lambda said: messages.ReportFinding(
            said=said,
            kind=kind,
            text=text,
            evidence=tuple(evidence or ()),
            factors=tuple(factor or ()),
            actions=promised,
        ),
    )


def task(
    case_id: CaseId,
    task_id: str,
    proof: Annotated[str, typer.Option(help="What shows it.")] = "",
    as_: As = "",
    request_id: Id = "",
    json: Json = False,
) -> None:
    """Say that a task is done."""
    _say("task", case_id, (as_, request_id, json), lambda said: messages.TaskDone(said=said, task=task_id, proof=proof))


def hold(case_id: CaseId, clock: str, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Suspend a clock, where its rule allows it."""
    _say("hold", case_id, (as_, request_id, json), lambda said: messages.Hold(said=said, clock=clock, reason=reason))


def release(
    case_id: CaseId, clock: str, reason: Reason = "", as_: As = "", request_id: Id = "", json: Json = False
) -> None:
    """Restart a suspended clock."""
    _say(
        "release",
        case_id,
        (as_, request_id, json),
        lambda said: messages.Release(said=said, clock=clock, reason=reason),
    )


def exempt(case_id: CaseId, clock: str, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Say that a clock does not apply, and why; what the law set takes two persons."""
    by = (as_, request_id, json)
    _say("exempt", case_id, by, lambda said: messages.Exempt(said=said, clock=clock, reason=reason))


def replan(case_id: CaseId, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Go on under the rulebook of today; takes two persons."""
    _say("replan", case_id, (as_, request_id, json), lambda said: messages.Replan(said=said, reason=reason))


def kill(case_id: CaseId, sweep: int, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Stop a sweep between two batches; what it did stays."""
    _say("kill", case_id, (as_, request_id, json), lambda said: messages.Kill(said=said, sweep=sweep, reason=reason))


def resume(
    case_id: CaseId, sweep: int, reason: Reason = "", as_: As = "", request_id: Id = "", json: Json = False
) -> None:
    """Go on with a stopped sweep."""
    _say(
        "resume", case_id, (as_, request_id, json), lambda said: messages.Resume(said=said, sweep=sweep, reason=reason)
    )


def appeal(
    case_id: CaseId,
    listings: list[str],
    reason: Needed,
    grant: Annotated[bool, typer.Option("--grant", help="Grant it; you must not have decided the act.")] = False,
    as_: As = "",
    request_id: Id = "",
    json: Json = False,
) -> None:
    """Say, or grant, that listings were hidden wrongly."""
    _say(
        "appeal",
        case_id,
        (as_, request_id, json),
        lambda said: messages.Appeal(said=said, listings=tuple(listings), reason=reason, grant=grant),
    )


def reopen(case_id: CaseId, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Go on with a closed case."""
    _say("reopen", case_id, (as_, request_id, json), lambda said: messages.Reopen(said=said, reason=reason))


def withdraw(case_id: CaseId, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Say that the reporter or the authority takes the matter back."""
    _say("withdraw", case_id, (as_, request_id, json), lambda said: messages.Withdraw(said=said, reason=reason))


def abort(case_id: CaseId, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Stop the takedown; the answer says whether it came in time."""
    _say("abort", case_id, (as_, request_id, json), lambda said: messages.Abort(said=said, reason=reason))


def merge(
    case_id: CaseId, other: str, reason: Reason = "", as_: As = "", request_id: Id = "", json: Json = False
) -> None:
    """Take over another case's report and clocks: both are about the same matter."""

    async def work(here: Here) -> None:
        from store import queries

        person = here.person(as_)
        clocks = (await here.card(other)).clocks
        kept = [report.intake for report in await queries.reports(here.engine, other) if report.intake is not None]
        if not kept:
            raise Problem("no_intake", "The other case has no report of its own to take over.", exit_code=REFUSED)
        message = messages.Merge(
            said=this.said(person, request_id), other=other, intake=kept[0], reason=reason, clocks=tuple(clocks)
        )
        showing.receipt(await this.tell(here, case_id, "merge", message), json=json)

    this.run(work)


def split(case_id: CaseId, other: str, reason: Needed, as_: As = "", request_id: Id = "", json: Json = False) -> None:
    """Undo a merge."""
    _say("split", case_id, (as_, request_id, json), lambda said: messages.Split(said=said, other=other, reason=reason))


def signin_(as_: As = "", json: Json = False) -> None:
    """Print a link that signs you in to the console once, within 15 minutes."""

    async def work(here: Here) -> None:
        from starter import signin

        person = here.person(as_)
        base = f"http://{here.settings.console_host}:{here.settings.console_port}"
        link = signin.new_link(here.settings.home, person, base_url=base, now=here.now)
        if json:
            showing.as_json({"person": person, "link": link}, dict[str, str])
        else:
            typer.echo(link)

    this.run(work)


def _say(name: str, case_id: str, by: By, build: Callable[[Said], Any], *, also: str = "") -> None:
    """Say one message and print the receipt. `also` is a second person who must be on the roster."""
    named, request_id, json = by

    async def work(here: Here) -> None:
        from starter import signin

        person = here.person(named)
        if also:
            signin.person_on(here.roster(), also)
        receipt = await this.tell(here, case_id, name, build(this.said(person, request_id)))
        showing.receipt(receipt, json=json)

    this.run(work)


def _time(text: str) -> datetime:
    from starter.console import forms

    at = forms.instant(text)
    if at is None:
        raise Problem("bad_datetime", "The time is missing.", next_step="Write 2026-11-22T03:00:00Z.")
    return at


def _actions(path: Path) -> "tuple[Action, ...]":
    from pydantic import TypeAdapter, ValidationError

    from escalations.model import Action

    try:
        return TypeAdapter(tuple[Action, ...]).validate_json(path.read_bytes())
    except OSError as error:
        raise Problem("file_unreadable", f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as wrong:
        place = ".".join(str(part) for part in wrong.errors()[0]["loc"]) or "the top"
        raise Problem(
            "not_actions",
            f"{path} is no list of corrective actions ({place}: {wrong.errors()[0]['msg']}).",
            next_step="Each has id, title, owner, strength, due (like P14D) and verifier_role.",
        ) from None


COMMANDS: tuple[Callable[..., None], ...] = (
    learn,
    claim,
    assign,
    delegate,
    finding,
    task,
    hold,
    release,
    exempt,
    replan,
    kill,
    resume,
    appeal,
    reopen,
    withdraw,
    abort,
    merge,
    split,
    signin_,
)
