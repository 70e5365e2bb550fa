"""How does PagerDuty's Events API v2 take an event?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from activities import outside
from activities.clients import http

if TYPE_CHECKING:
    import httpx2

SYSTEM = "pager"


class PagerDuty:
    """One integration of PagerDuty; `client` has the service as its base URL, `routing_key` is the integration's."""

    def __init__(self, client: "httpx2.AsyncClient", routing_key: str) -> None:
        self.client = client
        self.routing_key = routing_key

    async def enqueue(self, event: Mapping[str, object]) -> None:
        """Send one event; only 202 with our own key in the answer counts as taken."""
        response = await http.call(
            self.client,
            "POST",
            "/v2/enqueue",
            system=SYSTEM,
            expect=(400,),
            idempotent=True,
            json={"routing_key": self.routing_key, **event},
        )
        if response.status_code == 400:
            raise outside.refused(
                SYSTEM, status=400, what=f"check {outside.CREDENTIALS[SYSTEM]} and the event's fields"
            )
        answer = http.answer(response, system=SYSTEM) if response.content else {}
        receipt = answer if isinstance(answer, dict) else {}
        taken = response.status_code == 202 and receipt.get("status") == "success"
        if not taken or receipt.get("dedup_key") != event["dedup_key"]:
            raise outside.broken(SYSTEM, "no receipt for the event", status=response.status_code)
