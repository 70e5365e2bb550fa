"""How is a playbook written down so that a person can compare two of them? One line for each thing that is decided."""

from collections.abc import Iterator

from escalations.consensus import GateKind
from escalations.playbooks import GateRule, Panel, Playbook


def gates(playbook: Playbook) -> str:
    """Write the six questions of a playbook, seats and all, in the order of the process."""
    return "\n".join(line for kind in GateKind for line in _gate(playbook.gate(kind))) + "\n"


def _gate(rule: GateRule) -> Iterator[str]:
    yield f"{rule.kind.value}: {rule.question}"
    for option in rule.options:
        yield f"  {option.key}: {option.label}; reversible {option.reversible}, external {option.external}"
    yield f"  recommended {rule.recommended}, default {rule.default}"
    yield f"  binding {rule.if_binding or '-'}, floor {rule.if_floor or '-'}, escalated {rule.if_escalated or '-'}"
    yield f"  panel {_panel(rule.panel)}"
    yield from (f"  tier {tier} {_panel(panel)}" for tier, panel in rule.tiers)
    yield from (f"  emergency {tier} {_panel(panel)}" for tier, panel in rule.emergency)
    yield from (f"  ladder {level} {_panel(panel)}" for level, panel in enumerate(rule.ladder, start=1))
    yield f"  time box {', '.join(str(span) for span in rule.time_box)}; at least {rule.minimum}"
    yield f"  before clocks {rule.before_clocks}"


def _panel(panel: Panel) -> str:
    seats = [f"{seat.role}{' required' * seat.required}{' veto' * seat.may_veto}" for seat in panel.seats]
    return f"{panel.quorum} of {', '.join(seats)}"
