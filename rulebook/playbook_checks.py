"""Does a playbook climb only rungs that exist, and can each of its people be found?"""

from collections.abc import Iterator

from escalations.conditions import ALWAYS
from escalations.playbooks import LadderStep, Playbook, Ring
from escalations.rulebook import Rulebook
from rulebook.reading import Place

Fault = tuple[Place, str]


def faults(playbook: Playbook, book: Rulebook) -> Iterator[Fault]:
    """Judge what a playbook does and whom it asks; places are relative to its file."""
    yield from _ladder_faults(playbook, {rung.key: rung for rung in book.ladder})
    yield from _step_faults(playbook, {rung.key: rung for rung in book.ladder})
    yield from _response_faults(playbook, book)
    yield from _ring_faults(playbook, book)


def _ladder_faults(playbook: Playbook, rungs: dict[str, LadderStep]) -> Iterator[Fault]:
    for number, key in enumerate(playbook.ladder):
        if key not in rungs:
            yield ("ladder", number), f"{key} is no rung; use one of {', '.join(rungs)}"
    for number, key in enumerate(playbook.emergency):
        if key not in playbook.ladder:
            yield ("emergency", number), f"{key} is not on this playbook's ladder; add it there first"
        elif rungs[key].reversible == "no":
            yield ("emergency", number), f"{key} cannot be undone; an emergency allows only what can be"
    by_hand = {rung.hand: key for key, rung in rungs.items() if rung.hand}
    action = playbook.containment.action
    if action not in by_hand:
        yield ("containment", "action"), f"the marketplace hand cannot {action}; use one of {', '.join(by_hand)}"
    elif by_hand[action] not in playbook.ladder:
        yield ("containment", "action"), f"{action} is not on this playbook's ladder; add it there"


def _step_faults(playbook: Playbook, rungs: dict[str, LadderStep]) -> Iterator[Fault]:
    for number, step in enumerate(playbook.steps):
        here: Place = ("steps", number)
        if step.rung not in playbook.ladder:
            yield (*here, "rung"), f"{step.rung} is not on this playbook's ladder; add it there"
        elif step.reversible and rungs[step.rung].reversible == "no":
            yield (*here, "reversible"), f"{step.rung} cannot be undone; write false"
        if step.before_review and not step.reversible:
            yield (*here, "before_review"), "only what can be undone is done before review; write false"
        if step.key in {other.key for other in playbook.steps[:number]}:
            yield (*here, "key"), "is there twice; rename one"


def _response_faults(playbook: Playbook, book: Rulebook) -> Iterator[Fault]:
    clocks = {rule.id for rule in book.clocks}
    for number, response in enumerate(playbook.responses):
        unknown = [stop for stop in response.stops if stop not in clocks]
        if unknown:
            yield ("responses", number, "stops"), f"no such clock: {', '.join(unknown)}; use ids of rulebook/clocks"
        if response.key in {other.key for other in playbook.responses[:number]}:
            yield ("responses", number, "key"), "is there twice; rename one"


def _ring_faults(playbook: Playbook, book: Rulebook) -> Iterator[Fault]:
    if playbook.rings[-1].when is not ALWAYS:
        yield ("rings", len(playbook.rings) - 1, "when"), "the last ring holds for every other case; remove `when`"
    for number, one in enumerate(playbook.rings):
        if (one.ring is Ring.OPEN) is bool(one.viewers):
            yield ("rings", number, "viewers"), "an open ring names no viewers, any other at least one; correct it"
    for field, role in _asked(playbook):
        if not book.roster.persons_in(role):
            yield (field,), f"nobody holds the role {role}; name a role of the roster"


def _asked(playbook: Playbook) -> Iterator[tuple[str, str]]:
    """List every role that is asked for something outside the panels, and the field that asks."""
    yield from (("steps", step.owner) for step in playbook.steps)
    yield from (("responses", response.owner) for response in playbook.responses)
    yield from (("rings", role) for one in playbook.rings for role in one.viewers)
    yield from (("sign_off", role) for role in (*playbook.approve, *playbook.veto, *playbook.consulted))
