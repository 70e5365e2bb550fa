"""How does Slack take a message, and what do its error words mean?"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from activities import outside
from activities.clients import http

if TYPE_CHECKING:
    import httpx2
    from temporalio.exceptions import ApplicationError

SYSTEM: Final = "chat"
NO_ENTRY: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
PASSING: Final = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
WRONG_CHANNEL: Final = frozenset({"channel_not_found", "is_archived", "not_in_channel"})
CROWDED: Final = frozenset({"rate_limited", "ratelimited"})


class Slack:
    """One workspace; `client` has `https://slack.com` or its like as base URL, `channel` is used when none is named."""

    def __init__(self, client: "httpx2.AsyncClient", channel: str) -> None:
        self.client = client
        self.channel = channel

    async def post(self, message: Mapping[str, object]) -> str:
        """Post one message and return its ts; Slack answers 200 to most failures, so `ok` decides."""
        response = await http.call(
            self.client, "POST", "/api/chat.postMessage", system=SYSTEM, json={"channel": self.channel, **message}
        )
        answer = http.answer(response, system=SYSTEM, repeatable=False)
        if isinstance(answer, dict) and answer.get("ok") is True and isinstance(answer.get("ts"), str):
            return str(answer["ts"])
        if isinstance(answer, dict) and answer.get("ok") is False:
            raise _failure(str(answer.get("error", "")), response.headers.get("retry-after"))
        raise outside.broken(SYSTEM, "neither ok nor an error", status=response.status_code, outcome_unknown=True)


def _failure(word: str, retry_after: str | None) -> "ApplicationError":
    if word in CROWDED:
        wait = outside.wait_asked(retry_after, datetime.now(UTC))
        return outside.busy(SYSTEM, status=200, wait=wait or timedelta(seconds=1))
    if word in PASSING:
        return outside.down(SYSTEM, word, status=200, outcome_unknown=True)
    if word in NO_ENTRY:
        return outside.forbidden(SYSTEM, status=200)
    if word in WRONG_CHANNEL:
        return outside.refused(SYSTEM, status=200, what=f"{word}; check SEAWALL_CHAT_CHANNEL")
    return outside.refused(SYSTEM, status=200, what=word if re.fullmatch(r"[a-z_]{1,64}", word) else "unknown reason")
