"""How is a question of a case answered from a terminal? Bound to the digest that the casebook shows."""

from typing import TYPE_CHECKING, Annotated

import typer

from escalations import messages
from escalations.consensus import Stance
from starter.errors import REFUSED, Problem
from starter.people import here as this
from starter.people import showing
from starter.people.here import As, CaseId, Here, Id, Json, Reason

if TYPE_CHECKING:
    from escalations.consensus import Gate
    from escalations.record import Card, GateCard


def decide(
    case_id: CaseId,
    words: Annotated[list[str], typer.Argument(metavar="[GATE] OPTION", help="Which question, and the answer.")],
    stance: Annotated[Stance, typer.Option(help="How you stand to that option.")] = Stance.APPROVE,
    reason: Reason = "",
    condition: Annotated[list[str] | None, typer.Option(help="A condition; may be repeated.")] = None,
    role: Annotated[str, typer.Option(help="The role you speak for, if you have several.")] = "",
    on_behalf_of: Annotated[str, typer.Option(help="Whose delegate you are.")] = "",
    digest: Annotated[str, typer.Option(help="Refuse unless the question still shows this digest (8+ digits).")] = "",
    as_: As = "",
    request_id: Id = "",
    json: Json = False,
) -> None:
    """Answer a question of a case. Without GATE: the one open question that you may answer."""

    async def work(here: Here) -> None:
        person = here.person(as_)
        named, option = _named(words)
        gate = _asked(await here.card(case_id), named, person).gate
        _checked(gate, option, digest, case_id)
        message = messages.Decide(
            said=this.said(person, request_id),
            gate=gate.id,
            digest=gate.digest,
            option=option,
            stance=stance,
            role=role or next((seat.role for seat in gate.seats if person in seat.persons), ""),
            reason=reason,
            conditions=tuple(condition or ()),
            on_behalf_of=on_behalf_of,
        )
        showing.receipt(await this.tell(here, case_id, "decide", message), json=json)

    this.run(work)


def _named(words: list[str]) -> tuple[str, str]:
    """Tell the gate from the option; the gate is empty when only an option was said."""
    if len(words) > 2:
        raise Problem("too_many_words", "Say one gate and one option.", next_step="seawall decide CASE [GATE] OPTION")
    return words[0] if len(words) == 2 else "", words[-1]


def _asked(card: "Card", named: str, person: str) -> "GateCard":
    """Find the question that is meant. Raises Problem: unknown, closed, none open, or which of several."""
    from starter.console import views, wording

    if named:
        wanted = named if "/" in named else f"{card.case_id}/gate/{named}"
        found = next((one for one in card.gates if one.gate.id == wanted), None)
        if found is None:
            numbers = ", ".join(one.gate.id.rsplit("/", 1)[-1] for one in card.gates) or "none"
            raise Problem("unknown_gate", f"The case has no such gate; it has: {numbers}.")
        if (ended := found.outcome) is not None:
            raise Problem(
                "gate_closed",
                f"That gate closed {wording.utc(ended.at)} with '{ended.option}' by {ended.how}.",
                exit_code=REFUSED,
            )
        return found
    undecided = views.open_gates(card, person)
    meant = [view for view in undecided if not view.why_not] or list(undecided)
    if not meant:
        raise Problem("gate_closed", "The case asks nothing now.", exit_code=REFUSED)
    if len(meant) > 1:
        numbers = ", ".join(f"{one.card.gate.id.rsplit('/', 1)[-1]} ({one.card.gate.kind.value})" for one in meant)
        raise Problem("which_gate", f"Several questions are open: {numbers}.", next_step="Name one before the option.")
    return meant[0].card


def _checked(gate: "Gate", option: str, digest: str, case_id: str) -> None:
    """Refuse an option that was not asked, or a digest of something looked at before it changed."""
    if option not in {one.key for one in gate.options}:
        raise Problem("unknown_option", f"The options are: {', '.join(one.key for one in gate.options)}.")
    if digest and (len(digest) < 8 or not gate.digest.startswith(digest.lower())):
        raise Problem(
            "stale_digest",
            f"The question now shows {gate.digest[:12]}, not what you looked at.",
            next_step=f"Look again: `seawall show {case_id}`.",
            exit_code=REFUSED,
        )


COMMANDS = (decide,)
