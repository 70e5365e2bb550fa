"""What if the record has no answer to a call? Then it is assumed that the call worked, and every report says so."""

from datetime import UTC, datetime
from typing import Any

from activities.evidence import Gathered
from escalations.enforcement import Span, Tally
from escalations.notices import NoticeOrder, Sent

SECOND = 1_000_000_000
ASSUMED = "assumed"


class Unassumable(LookupError):
    """Nothing can be assumed of a call: it stays unanswered."""


def assumed(name: str, asked: Any, at: int) -> Any:
    """Answer a call of a case or a sweep as if it had worked at once. Raises Unassumable."""
    if isinstance(asked, NoticeOrder):
        return Sent(recipient=asked.notice.recipient, proof=ASSUMED, at=datetime.fromtimestamp(at / 1e9, UTC))
    if isinstance(asked, Span):
        return ASSUMED if name == "capture_prior" else Tally(done=asked.stop - asked.start)
    if name == "gather":
        return Gathered(digests=())
    if name in ("page", "post", "resolve", "tell_case"):
        return ASSUMED
    raise Unassumable(name)


def subject(asked: Any) -> tuple[str, ...]:
    """Name what a call is about; only calls about the same may be given each other's answers."""
    if isinstance(asked, NoticeOrder):
        return (asked.notice.recipient.value, asked.notice.template)
    mode = getattr(asked, "mode", None) or getattr(getattr(asked, "order", None), "mode", "")
    return (str(mode),)
