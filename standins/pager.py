"""How does an alerting service take an event? PagerDuty's Events API v2.

Source: PagerDuty developer docs (snapshot 9422439, 2026-08-19), checked 2026-11-22. An alert lives under (routing key,
dedup key): a trigger updates the open one or opens a new one; acknowledge and resolve without an open one are taken
and dropped.
"""

from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.faults import Script
from standins.journal import APPLIED, REFUSED, REPEATED, Entry, Journal
from standins.wire import Call, Point

LARGEST_EVENT = 512 * 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
ENDS = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


class Pager:
    """Every alert by routing key and dedup key."""

    def __init__(self, journal: Journal, script: Script) -> None:
        self.journal, self.script = journal, script
        self.alerts: dict[tuple[str, str], Entry] = {}
        for entry in journal.applied():
            self.alerts[(entry["subject"], entry["key"])] = entry["now"]

    def routes(self) -> list[Route]:
        """List the endpoints."""
        point = Point(op="enqueue", act=self.enqueue, script=self.script, journal=self.journal, fault_answer=_failed)
        return [Route("/v2/enqueue", point, methods=["POST"])]

    async def enqueue(self, call: Call) -> Response:
        """Take one event."""
        if len(call.body) > LARGEST_EVENT:
            return self._refuse(call, ["Event is larger than 512 KB"])
        try:
            event = call.json()
        except ValueError:
            return self._refuse(call, ["Event could not be parsed as JSON"])
        errors = event_errors(event)
        if errors:
            return self._refuse(call, errors)
        key = event.get("dedup_key") or uuid4().hex
        self._take(call, event, key)
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": key}, 202)

    def _take(self, call: Call, event: Entry, key: str) -> None:
        account, action = event["routing_key"], event["event_action"]
        alert = self.alerts.get((account, key))
        is_open = alert is not None and alert["state"] != "resolved"
        told = {"subject": account, "key": key, "prev": alert}
        if action != "trigger" and not is_open:
            self.journal.write(call.told(REPEATED, now=alert, detail={"status": 202, "dropped": action}, **told))
            return
        number = alert["number"] if alert else 0
        now = {
            "state": ENDS[action] if action != "trigger" or not is_open else (alert or {})["state"],
            "number": number if is_open else number + 1,
            "summary": event["payload"]["summary"] if action == "trigger" else (alert or {})["summary"],
        }
        details = event["payload"].get("custom_details") if action == "trigger" else (alert or {}).get("details")
        now |= {"details": details} if details else {}
        kind = REPEATED if now == alert else APPLIED
        self.journal.write(call.told(kind, now=now, detail={"status": 202, "action": action}, **told))
        self.alerts[(account, key)] = now

    def _refuse(self, call: Call, errors: list[str]) -> Response:
        self.journal.write(call.told(REFUSED, detail={"status": 400, "errors": errors}))
        return JSONResponse({"status": "invalid event", "message": "Event object is invalid", "errors": errors}, 400)


def event_errors(event: Any) -> list[str]:
    """List what is wrong with an event, in the service's own manner."""
    if not isinstance(event, dict):
        return ["Event object is not a JSON object"]
    errors = []
    routing_key = event.get("routing_key")
    if not isinstance(routing_key, str):
        errors.append("'routing_key' is missing or blank")
    elif len(routing_key) != 32:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in ACTIONS:
        errors.append("'event_action' must be one of trigger, acknowledge, resolve")
    key = event.get("dedup_key")
    if key is not None and (not isinstance(key, str) or len(key) > 255):
        errors.append("'dedup_key' must be a string of at most 255 characters")
    if event.get("event_action") in ("acknowledge", "resolve") and not key:
        errors.append("'dedup_key' is required to acknowledge or resolve")
    if event.get("event_action") == "trigger":
        errors += _payload_errors(event.get("payload"))
    return errors + _attachment_errors(event)


def _payload_errors(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    errors = [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source", "severity")
        if not isinstance(payload.get(name), str) or not payload[name].strip()
    ]
    if isinstance(payload.get("summary"), str) and len(payload["summary"]) > 1024:
        errors.append("'payload.summary' must be at most 1024 characters")
    if isinstance(payload.get("severity"), str) and payload["severity"] not in SEVERITIES:
        errors.append("'payload.severity' must be one of critical, error, warning, info")
    return errors


def _attachment_errors(event: Entry) -> list[str]:
    errors = []
    for name, needed in (("links", "href"), ("images", "src")):
        given = event.get(name, [])
        if not isinstance(given, list) or not all(isinstance(each, dict) and each.get(needed) for each in given):
            errors.append(f"'{name}' must be a list of objects with '{needed}'")
        elif name == "images" and not all(str(each["src"]).startswith("https://") for each in given):
            errors.append("'images.src' must be an https address")
    return errors


def _failed(status: int) -> Response:
    if status == 429:
        return JSONResponse(
            {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."}, 429
        )
    return JSONResponse({"status": "error", "message": "Internal Server Error"}, status)
