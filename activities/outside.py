"""How did a call to an outside system end, and what happens next?

Every client makes exactly one attempt and ends in a result or in one `ApplicationError` of these types; Temporal does
the retrying, inside the activity's `schedule_to_close`. Workflows and people look at the type, never at the message.

| type               | meaning                                                | retried                              |
| ------------------ | ------------------------------------------------------ | ------------------------------------ |
| `OutsideBusy`      | 429 or 503, a passing SMTP 4xx: come back later        | yes; after Retry-After, 0.2 s..5 min |
| `OutsideDown`      | no connection, time-out, 408, 425, any other 5xx       | yes; with Temporal's back-off        |
| `OutsideBroken`    | an answer that cannot be read, a redirect, too long    | yes; it may be a proxy in between    |
| `OutsideRefused`   | any other 4xx: the request itself is wrong             | no; a person corrects case or code   |
| `OutsideForbidden` | 401 or 403: the credentials are wrong                  | no; a person corrects the setting    |
| `OutcomeUnknown`   | it may have happened, and asking again may do it twice | no; a person looks and reconciles    |
| `NoticeUnfit`      | a notice breaks a rule of form; nothing was sent       | no; a person corrects the field      |

The first detail of each error is a mapping: `system`, `status` (0 without an answer) and `outcome_unknown`, true when
the request was not idempotent and may have been carried out. Messages hold no response bodies, addresses or personal
data.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from temporalio.exceptions import ApplicationError

BUSY: Final = "OutsideBusy"
DOWN: Final = "OutsideDown"
BROKEN: Final = "OutsideBroken"
REFUSED: Final = "OutsideRefused"
FORBIDDEN: Final = "OutsideForbidden"
OUTCOME_UNKNOWN: Final = "OutcomeUnknown"
NOTICE_UNFIT: Final = "NoticeUnfit"

SHORTEST_WAIT: Final = timedelta(milliseconds=200)
LONGEST_WAIT: Final = timedelta(minutes=5)
SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")

CREDENTIALS: Final = {
    "marketplace": "SEAWALL_MARKETPLACE_TOKEN",
    "regulator": "SEAWALL_REGULATOR_TOKEN",
    "pager": "SEAWALL_PAGER_ROUTING_KEY",
    "chat": "SEAWALL_CHAT_TOKEN",
    "mail": "SEAWALL_SMTP_HOST and SEAWALL_MAIL_FROM",
}
ADDRESSES: Final = {
    "marketplace": "SEAWALL_MARKETPLACE_URL",
    "regulator": "SEAWALL_REGULATOR_URL",
    "pager": "SEAWALL_PAGER_URL",
    "chat": "SEAWALL_CHAT_URL",
    "mail": "SEAWALL_SMTP_HOST and SEAWALL_SMTP_PORT",
}


def busy(system: str, *, status: int, wait: timedelta | None) -> ApplicationError:
    """Say that the system asked us to come back, after `wait` if it named a time."""
    when = f"asked for {wait.total_seconds():g} s" if wait else "named no time"
    return ApplicationError(
        f"the {system} is busy ({status}) and {when}; it is asked again",
        _detail(system, status),
        type=BUSY,
        next_retry_delay=wait,
    )


def down(system: str, what: str, *, status: int = 0, outcome_unknown: bool = False) -> ApplicationError:
    """Say that no usable answer came; `what` is a constant phrase such as `no connection`."""
    return ApplicationError(
        f"the {system} gave no answer: {what}; it is asked again", _detail(system, status, outcome_unknown), type=DOWN
    )


def broken(system: str, what: str, *, status: int, outcome_unknown: bool = False) -> ApplicationError:
    """Say that the answer breaks the protocol; a proxy may have spoken in the system's place."""
    where = ADDRESSES.get(system, "its address")
    return ApplicationError(
        f"the {system} answered {status} with {what}; it is asked again, check {where} if this goes on",
        _detail(system, status, outcome_unknown),
        type=BROKEN,
    )


def refused(system: str, *, status: int, what: str = "") -> ApplicationError:
    """Say that the request was understood and refused; asking again changes nothing."""
    why = f": {what}" if what else ""
    return ApplicationError(
        f"the {system} refused the request ({status}){why}; correct what was sent, then repeat the step",
        _detail(system, status),
        type=REFUSED,
        non_retryable=True,
    )


def forbidden(system: str, *, status: int) -> ApplicationError:
    """Say that our credentials were not accepted, and which setting holds them."""
    setting = CREDENTIALS.get(system, "its credentials")
    return ApplicationError(
        f"the {system} does not accept our credentials ({status}); check {setting}, then repeat the step",
        _detail(system, status),
        type=FORBIDDEN,
        non_retryable=True,
    )


def unknown(system: str, what: str) -> ApplicationError:
    """Say that something may or may not have happened and must not be tried blindly again."""
    return ApplicationError(
        f"the {system} may or may not have done it: {what}; look there, then record what you found",
        _detail(system, 0, outcome_unknown=True),
        type=OUTCOME_UNKNOWN,
        non_retryable=True,
    )


def unfit(error: ValueError) -> ApplicationError:
    """Say what about a notice breaks a rule of form (`escalations.notices.NoticeUnfit`); nothing was sent."""
    return ApplicationError(str(error), _detail("rulebook", 0), type=NOTICE_UNFIT, non_retryable=True)


def wait_asked(retry_after: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header (seconds, or an HTTP date seen from `now`), held between 0.2 s and 5 min.

    None when the header is absent or cannot be read: Temporal's own back-off then applies (RFC 9110 10.2.3, checked
    2026-11-22).
    """
    text = (retry_after or "").strip()
    if SECONDS.fullmatch(text):
        wait = timedelta(seconds=float(text))
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def _detail(system: str, status: int, outcome_unknown: bool = False) -> dict[str, str | int | bool]:
    return {"system": system, "status": status, "outcome_unknown": outcome_unknown}
