"""How does the EU's DSA Transparency Database take statements of reasons? Its API v1, as its code behaves.

Source: as in `statements`. A statement's only identity towards its sender is the `puid`; the database's own uuid is
told once, in the answer, and cannot be asked for later.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from standins import statements
from standins.faults import Script
from standins.journal import APPLIED, READ, REFUSED, Entry, Journal
from standins.wire import Call, Point, bearer_ok

MOST_AT_ONCE = 100
PLATFORM = "Stand-in Marketplace"
SELF = "https://transparency.standin.example/api/v1/statement/"
NOT_UNIQUE = "The identifier given is not unique within this platform."
NOT_ALL_UNIQUE = "The platform identifier(s) are not all unique within this call."
THROTTLED = "Limit Reached. Please do not overload the API"


class Regulator:
    """Every stored statement, by uuid and by puid."""

    def __init__(self, journal: Journal, script: Script, token: str) -> None:
        self.journal, self.script, self.token = journal, script, token
        self.stored: dict[str, Entry] = {}
        self.puids: dict[str, str] = {}
        for entry in journal.applied():
            self._remember(entry["detail"]["statements"])

    def routes(self) -> list[Route]:
        """List the endpoints."""
        base = "/api/v1"
        return [
            self._route("POST", f"{base}/statement", "statement", self.submit),
            self._route("POST", f"{base}/statements", "statements", self.submit_many),
            self._route("GET", f"{base}/statement/existing-puid/{{puid}}", "existing_puid", self.existing),
            self._route("GET", f"{base}/statement/{{uuid}}", "read", self.read),
        ]

    async def submit(self, call: Call) -> Response:
        """Store one statement."""
        given = self._given(call)
        ean = given.pop("content_id_ean", None)
        if ean is not None:
            given["content_id"] = {"EAN-13": ean}
        if errors := statements.errors_of(given):
            return self._refuse(call, {"message": _summary(errors), "errors": errors}, _puid(given))
        if given["puid"] in self.puids:
            answer = {"message": NOT_UNIQUE, "errors": {"puid": [NOT_UNIQUE]}, "existing": {"puid": given["puid"]}}
            return self._refuse(call, answer, given["puid"])
        (kept,) = self._store(call, [given])
        return JSONResponse(kept, 201)

    async def submit_many(self, call: Call) -> Response:
        """Store up to 100 statements, or none of them."""
        listed = self._given(call).get("statements")
        if wrong := _wrong_envelope(listed):
            return self._refuse(call, {"message": wrong, "errors": {"statements": [wrong]}})
        every = [each if isinstance(each, dict) else {} for each in listed or []]
        errors = {
            f"statement_{place}": found for place, each in enumerate(every) if (found := statements.errors_of(each))
        }
        if errors:
            return self._refuse(call, {"errors": errors})
        puids = [each["puid"] for each in every]
        doubled = sorted({puid for puid in puids if puids.count(puid) > 1 or puid in self.puids})
        if doubled:
            answer = {"message": NOT_ALL_UNIQUE, "errors": {"puid": [NOT_ALL_UNIQUE], "existing_puids": doubled}}
            return self._refuse(call, answer)
        return JSONResponse({"statements": self._store(call, every)}, 201)

    async def existing(self, call: Call) -> Response:
        """Say whether a puid was used. Found is a 302 with a JSON body and no Location; clients must not follow."""
        puid = call.request.path_params["puid"]
        found = puid in self.puids
        message = "statement of reason found" if found else "statement of reason not found"
        self.journal.write(call.told(READ, key=puid, detail={"found": found}))
        return JSONResponse({"message": message, "puid": puid}, 302 if found else 404)

    async def read(self, call: Call) -> Response:
        """Give one statement, without its puid."""
        kept = self.stored.get(call.request.path_params["uuid"])
        self.journal.write(call.told(READ, detail={"found": kept is not None}))
        if kept is None:
            return JSONResponse({"message": "Record not found."}, 404)
        return JSONResponse({name: value for name, value in kept.items() if name != "puid"})

    def _store(self, call: Call, given: list[Entry]) -> list[Entry]:
        now = datetime.now(UTC)
        kept = []
        for each in given:
            uuid = str(uuid4())
            about = {"uuid": uuid, "platform_name": PLATFORM, "created_at": f"{now:%Y-%m-%d %H:%M:%S}"}
            links = {"permalink": f"{SELF}{uuid}".replace("api/v1/", ""), "self": f"{SELF}{uuid}"}
            kept.append(statements.stored(each) | about | links)
        keys = [each["puid"] for each in kept]
        detail = {"status": 201, "keys": keys, "statements": kept}
        self.journal.write(call.told(APPLIED, key=keys[0] if len(keys) == 1 else "", detail=detail))
        self._remember(kept)
        return kept

    def _remember(self, kept: list[Entry]) -> None:
        for each in kept:
            self.stored[each["uuid"]] = each
            self.puids[each["puid"]] = each["uuid"]

    def _given(self, call: Call) -> Entry:
        """Read the body; what is not a JSON object counts as empty, so that every required field is reported."""
        try:
            given = statements.cleaned(call.json())
        except ValueError:
            given = None
        return given if isinstance(given, dict) else {}

    def _route(self, method: str, path: str, op: str, act: Any) -> Route:
        async def known(call: Call) -> Response:
            if not bearer_ok(call.request, self.token):
                return self._stranger(call)
            answer: Response = await act(call)
            return answer

        point = Point(op=op, act=known, script=self.script, journal=self.journal, key="puid", fault_answer=_failed)
        return Route(path, point, methods=[method])

    def _stranger(self, call: Call) -> Response:
        self.journal.write(call.told(REFUSED, detail={"status": 401}))
        if "application/json" not in call.request.headers.get("accept", ""):
            return RedirectResponse("/login", 302)
        return JSONResponse({"message": "Unauthenticated."}, 401)

    def _refuse(self, call: Call, answer: Entry, puid: str = "") -> Response:
        fields = sorted(answer["errors"])
        self.journal.write(call.told(REFUSED, key=puid, detail={"status": 422, "fields": fields}))
        return JSONResponse(answer, 422)


def _wrong_envelope(listed: Any) -> str:
    if not listed:
        return "The statements field is required."
    if not isinstance(listed, list):
        return "The statements field must be an array."
    if len(listed) > MOST_AT_ONCE:
        return f"The statements field must have between 1 and {MOST_AT_ONCE} items."
    return ""


def _puid(given: Entry) -> str:
    puid = given.get("puid")
    return puid if isinstance(puid, str) else ""


def _summary(errors: statements.Errors) -> str:
    """Sum up as the framework does: the first message, and how many more there are."""
    every = [message for messages in errors.values() for message in messages]
    more = len(every) - 1
    return every[0] + (f" (and {more} more error{'s' if more > 1 else ''})" if more else "")


def _failed(status: int) -> Response:
    if status == 429:
        return Response(THROTTLED, 429, media_type="text/plain")
    return JSONResponse({"message": "Service Unavailable" if status == 503 else "Server Error"}, status)
