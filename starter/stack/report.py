"""What does a demo come to? Each case with its stages, its cost, and what the outside world was told."""

import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from starter.stack.demo import FOLDER, Ran, Summary
from starter.stack.screen import Screen

MANY = 12  # more cases than this are counted, not listed


def show(screen: Screen, summary: Summary, given: Path | None, home: Path) -> None:
    """Print the summary and the next commands to try."""
    screen.title("What happened")
    listed = summary.cases if len(summary.cases) <= MANY else tuple(ran for ran in summary.cases if _hidden(ran))[:MANY]
    rows = [
        (
            ran.card.case_id,
            f"P{ran.card.severity} U{ran.card.urgency} → {ran.card.priority}",
            _outcome(ran),
            "  ".join(f"{stage} {seconds:.1f}s" for stage, seconds in ran.stages),
            f"{ran.bill.events} events, {ran.bill.size / 1000:.1f} kB, {ran.bill.actions} actions",
        )
        for ran in listed
    ]
    screen.table(("case", "priority", "outcome", "stages", "cost"), rows)
    screen.title("In numbers")
    screen.table(("what", "how many"), [(name, str(value)) for name, value in figures(summary).items()])
    screen.title("Next")
    for line in _next(given, home):
        screen.part("try", line)


def figures(summary: Summary) -> dict[str, Any]:
    """Count what went in, what came out, and what it cost."""
    cases = summary.cases
    reasons = Counter(reason for _, reason in summary.quarantined)
    found = {
        "cases closed": sum(ran.card.closed_at is not None for ran in cases),
        "cases with listings hidden": sum(1 for ran in cases if _hidden(ran)),
        "listings hidden": sum(_hidden(ran) for ran in cases),
        "listings restored exactly": len(summary.restored),
        "duplicates": summary.duplicates,
        "quarantined": len(summary.quarantined),
        "events, median of a case": sorted(ran.bill.events for ran in cases)[len(cases) // 2] if cases else 0,
        "billable actions, median of a case": sorted(ran.bill.actions for ran in cases)[len(cases) // 2]
        if cases
        else 0,
        "seconds": round(summary.seconds, 1),
    }
    found.update({f"quarantined: {reason}": count for reason, count in sorted(reasons.items())})
    found.update({f"told {what}": count for what, count in summary.told})
    return found


def as_data(summary: Summary) -> dict[str, Any]:
    """Give the summary as one JSON object."""
    return {
        "figures": figures(summary),
        "quarantined": [{"record": record, "reason": reason} for record, reason in summary.quarantined],
        "restored": list(summary.restored),
        "cases": [
            {
                "case_id": ran.card.case_id,
                "title": ran.card.title,
                "priority": ran.card.priority,
                "outcome": _outcome(ran),
                "closed": ran.card.closed_at is not None,
                "stages": dict(ran.stages),
                "events": ran.bill.events,
                "bytes": ran.bill.size,
                "actions": ran.bill.actions,
            }
            for ran in summary.cases
        ],
    }


def _hidden(ran: Ran) -> int:
    return sum(swept.applied.done for swept in ran.card.sweeps)


def _outcome(ran: Ran) -> str:
    hidden = _hidden(ran)
    back = sum(swept.reversed.done for swept in ran.card.sweeps)
    if not hidden:
        return "nothing offered here"
    return f"{hidden} hidden" + (f", {back} restored" if back else "")


def _next(given: Path | None, home: Path) -> list[str]:
    """Name commands that work as they stand, from the folder where the demo ran."""
    seawall = Path(sys.argv[0]).name if shutil.which("seawall") else f"{Path(sys.prefix).name}/bin/seawall"
    look = f"SEAWALL_HOME={home / FOLDER} {seawall}"
    own = [] if given else [f"{seawall} demo --from FILE   your own notices, in the recall service's JSON shape"]
    return [
        f"{look} list --state all",
        f"{look} show CASE          and: timeline CASE, clocks CASE --why, casebook verify",
        *own,
        f"{seawall} up                 keep everything running, with the console",
        f"{seawall} --help",
    ]
