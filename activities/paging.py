"""How is somebody woken up, and stood down again?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from temporalio import activity

LONGEST_SUMMARY: Final = 1024
Urgency = Literal["critical", "error", "warning", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One call for a person's attention. `number` counts the pages of the case from 1; no personal data.

    A page that was resolved stays so: the next one takes the next number, because the pager drops what is said about
    an alert that has ended.
    """

    case_id: str
    number: int
    summary: str
    severity: Urgency = "critical"
    component: str = ""
    url: str = ""
    details: tuple[tuple[str, str], ...] = ()


class Pager(Protocol):
    """What this hand needs of a pager: take one event, or raise an error of `activities.outside`."""

    async def enqueue(self, event: Mapping[str, object]) -> None:
        """Hand over one event."""


class Paging:
    """Speaks PagerDuty Events v2, in which sending an event again under its key changes nothing."""

    def __init__(self, pager: Pager) -> None:
        self.pager = pager

    @activity.defn
    async def page(self, page: Page) -> str:
        """Raise an alert and return its key. Idempotent by that key; a refused event is not retried."""
        payload: dict[str, object] = {
            "summary": _short(f"{page.case_id}: {page.summary}"),
            "source": "seawall",
            "severity": page.severity,
            "group": page.case_id,
        }
        if page.component:
            payload["component"] = page.component
        if page.details:
            payload["custom_details"] = dict(page.details)
        event: dict[str, object] = {"event_action": "trigger", "dedup_key": dedup_key(page), "payload": payload}
        if page.url:
            event |= {"client": "Seawall", "client_url": page.url}
        await self.pager.enqueue(event)
        return dedup_key(page)

    @activity.defn
    async def resolve(self, page: Page) -> str:
        """End the alert of a page and return its key. Idempotent: an alert that has ended stays ended."""
        await self.pager.enqueue({"event_action": "resolve", "dedup_key": dedup_key(page)})
        return dedup_key(page)


def dedup_key(page: Page) -> str:
    """Name a page: `seawall:<case>:page:<n>`, the same for every retry, run and reset."""
    return f"seawall:{page.case_id}:page:{page.number}"


def _short(text: str) -> str:
    """Cut to what the pager takes: a page that is too long must still wake somebody."""
    return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"
