"""How are times, states and numbers worded for a reader at 3 am? Pure; the templates and the terminal share it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from escalations.consensus import GateKind, Stance
from escalations.model import Stage

STAGES = {
    Stage.INTAKE: "Intake",
    Stage.TRIAGE: "Triage",
    Stage.INVESTIGATION: "Investigation",
    Stage.LEGAL_REVIEW: "Legal review",
    Stage.CONTAINMENT: "Containment",
    Stage.RESPONSE: "Response",
    Stage.ROOT_CAUSE: "Root cause",
    Stage.PREVENTION: "Prevention",
    Stage.CLOSED: "Closed",
}
STANCES = {
    Stance.APPROVE: "Approve",
    Stance.CONDITIONS: "Approve with conditions",
    Stance.OBJECT: "Object",
    Stance.VETO: "Veto",
    Stance.ABSTAIN: "Abstain",
    Stance.RECUSE: "Recuse myself",
}
ASKED_AT = {
    GateKind.LEGAL_REVIEW: Stage.LEGAL_REVIEW,
    GateKind.CONTAINMENT: Stage.CONTAINMENT,
    GateKind.RATIFICATION: Stage.CONTAINMENT,
    GateKind.RESPONSE: Stage.RESPONSE,
    GateKind.ROOT_CAUSE: Stage.ROOT_CAUSE,
    GateKind.VERIFICATION: Stage.PREVENTION,
}
BLAST = ("up to 10 items", "up to 500 items", "up to 10,000 items", "more than 10,000 items")
BIDI = dict.fromkeys(
    [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C], "\N{REPLACEMENT CHARACTER}"
)


def remaining(left: timedelta) -> str:
    """Say how long is left: `2 h 14 min`, `3 d 4 h`, `4:05 min`, `12 min late`. `static/seawall.js` says the same."""
    seconds = int(abs(left).total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    if hours >= 48:
        text = f"{hours // 24} d {hours % 24} h"
    elif hours >= 1:
        text = f"{hours} h {minutes % 60} min"
    elif minutes >= 10:
        text = f"{minutes} min"
    else:
        text = f"{minutes}:{seconds % 60:02} min"
    return f"{text} late" if left < timedelta() else text


def mood(left: timedelta) -> str:
    """Name the colour of a countdown: late, hot (under an hour), warm (under a day), calm."""
    if left < timedelta():
        return "late"
    if left < timedelta(hours=1):
        return "hot"
    return "warm" if left < timedelta(days=1) else "calm"


def utc(at: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(at: datetime) -> str:
    """Write a time for programs: RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def second(at: datetime) -> str:
    """Write a time to the second, in UTC, for people and programs alike."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def plain(value: Any) -> Any:
    """Make any text safe to read: direction marks that reorder a line become visible. The templates end with this."""
    return value.translate(BIDI) if type(value) is str else value


def words(code: str) -> str:
    """Read a code as words: `approve_with_conditions` becomes `approve with conditions`."""
    return code.replace("_", " ")


def band(number: int | None, letter: str = "P") -> str:
    """Name a severity, urgency or priority; a dash while it is not known."""
    return "–" if number is None else f"{letter}{number}"


def blast(tier: int) -> str:
    """Say what a blast tier touches."""
    return f"B{tier} {BLAST[tier]}" if 0 <= tier < len(BLAST) else f"B{tier}"
