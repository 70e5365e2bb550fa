"""How does the DSA Transparency Database take statements of reasons, and how does it say no?"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from activities import outside
from activities.clients import http
from activities.regulators import Record, Reply

if TYPE_CHECKING:
    import httpx2

SYSTEM: Final = "regulator"
INDEX: Final = re.compile(r"statement_([0-9]{1,3})", re.ASCII)
FIELD: Final = re.compile(r"[a-z_]{1,64}", re.ASCII)


class TransparencyDatabase:
    """Speaks interface v1; `client` has the database's root as its base URL and the platform's token.

    The client must ask for JSON, or an unauthenticated call is answered with a redirect to a login page.
    """

    def __init__(self, client: "httpx2.AsyncClient") -> None:
        self.client = client

    async def submit(self, statements: tuple[Record, ...]) -> Reply:
        """Offer a batch once. Offering it again is harmless, since the puids are the same."""
        response = await http.call(
            self.client,
            "POST",
            "/api/v1/statements",
            system=SYSTEM,
            expect=(422,),
            idempotent=True,
            json={"statements": statements},
        )
        answer = http.answer(response, system=SYSTEM)
        if not isinstance(answer, dict):
            raise outside.broken(SYSTEM, "something else than an object", status=response.status_code)
        if response.status_code == 422:
            return _refusal(answer, statements)
        stored = _stored(answer)
        if set(stored) != {record["puid"] for record in statements}:
            raise outside.broken(SYSTEM, "other statements than were sent", status=response.status_code)
        return Reply(stored=stored)

    async def holds(self, puid: str) -> bool:
        """Ask whether a puid is stored: 302 with a JSON body says yes, 404 no. The redirect is not followed."""
        path = f"/api/v1/statement/existing-puid/{puid}"
        response = await http.call(self.client, "GET", path, system=SYSTEM, expect=(302, 404))
        answer = http.answer(response, system=SYSTEM)
        if response.status_code == 404:
            return False
        if response.status_code == 302 and isinstance(answer, dict) and answer.get("puid") == puid:
            return True
        raise outside.broken(SYSTEM, "no word about the puid asked for", status=response.status_code)


def _stored(answer: dict[str, Any]) -> dict[str, str]:
    given = answer.get("statements")
    found = given if isinstance(given, list) else []
    return {str(each.get("puid")): str(each.get("uuid")) for each in found if isinstance(each, dict)}


def _refusal(answer: dict[str, Any], statements: tuple[Record, ...]) -> Reply:
    """Read a 422: puids that are not unique, or fields that are wrong, by position in the batch."""
    errors = answer.get("errors")
    if not isinstance(errors, dict):
        raise outside.refused(SYSTEM, status=422, what="the batch as a whole")
    if isinstance(errors.get("existing_puids"), list):
        return Reply(not_unique=tuple(str(puid) for puid in errors["existing_puids"]))
    if "puid" in errors:
        return Reply(not_unique=tuple(str(record["puid"]) for record in statements))
    invalid = {
        int(found.group(1)): _fields(fields)
        for name, fields in errors.items()
        if (found := INDEX.fullmatch(name)) and int(found.group(1)) < len(statements)
    }
    if not invalid:
        raise outside.refused(SYSTEM, status=422, what="the batch as a whole")
    return Reply(invalid=invalid)


def _fields(errors: object) -> tuple[str, ...]:
    """Keep the names only: the messages may quote what was sent."""
    names = errors if isinstance(errors, Mapping) else {}
    return tuple(sorted(name for name in names if FIELD.fullmatch(str(name))))
