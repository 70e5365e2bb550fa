"""How is the marketplace's enforcement contract spoken over HTTP?

Leading zeros of a `gtin` do not matter to the marketplace. A restriction lives under an id of ours: putting it again
is harmless, lifting it again too, and a lifted id is spent.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from activities import outside
from activities.clients import http
from activities.marketplace import Lifted, Page, Put

SYSTEM: Final = "marketplace"
LARGEST_PAGE: Final = 500
MOST_IDS: Final = 100
LISTING_TEXTS: Final = ("id", "seller", "title", "visibility")


class MarketplaceClient:
    """One connection pool to the marketplace; close it with `aclose`."""

    def __init__(self, base_url: str, token: str) -> None:
        self._http = http.client(base_url, token)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def page(self, query: Mapping[str, str], cursor: str = "") -> Page:
        """Fetch one page of at most 500 listings; `query` has any of `q`, `gtin`, `brand`, `ids` (at most 100)."""
        asked = {"limit": str(LARGEST_PAGE), **query, **({"cursor": cursor} if cursor else {})}
        response = await http.call(self._http, "GET", "/v1/listings", system=SYSTEM, params=asked)
        body = http.answer(response, system=SYSTEM)
        items = body.get("items") if isinstance(body, dict) else None
        after = body.get("next") if isinstance(body, dict) else None
        if not isinstance(items, list) or not (after is None or (isinstance(after, str) and after)):
            raise outside.broken(SYSTEM, "a page of another shape", status=response.status_code)
        return Page(items=tuple(_listing(item, response.status_code) for item in items), next=after or "")

    async def read(self, listing: str) -> dict[str, Any] | None:
        """Read a listing as it stands now, without its version; None when there is none."""
        response = await http.call(self._http, "GET", _at(listing), system=SYSTEM, expect=(404,))
        body = http.answer(response, system=SYSTEM)
        if response.status_code == 404:
            _expect(body, "unknown_listing")
            return None
        return _listing(body, response.status_code, listing)

    async def restrict(self, listing: str, restriction: str, body: Mapping[str, Any]) -> Put:
        """Put a restriction under our id."""
        response = await http.call(
            self._http, "PUT", _at(listing, restriction), system=SYSTEM, expect=(404, 409), json=dict(body)
        )
        if response.status_code == 409:
            spent = _code(http.answer(response, system=SYSTEM)) == "restriction_lifted"
            return "lifted before" if spent else "differs"
        if response.status_code == 404:
            _expect(http.answer(response, system=SYSTEM), "unknown_listing")
            return "gone"
        return "new" if response.status_code == 201 else "same"

    async def lift(self, listing: str, restriction: str) -> Lifted:
        """Take a restriction away, now or once more."""
        response = await http.call(self._http, "DELETE", _at(listing, restriction), system=SYSTEM, expect=(404,))
        if response.status_code != 404:
            return "lifted"
        code = _expect(http.answer(response, system=SYSTEM), "unknown_listing", "unknown_restriction")
        return "gone" if code == "unknown_listing" else "never put"


def _at(listing: str, restriction: str = "") -> str:
    path = f"/v1/listings/{quote(listing, safe='')}"
    return f"{path}/restrictions/{quote(restriction, safe='')}" if restriction else path


def _listing(item: Any, status: int, wanted: str = "") -> dict[str, Any]:
    """Check what reversal and matching rely on; anything else of the item is kept as it is."""
    shaped = (
        isinstance(item, dict)
        and all(isinstance(item.get(name), str) and item[name] for name in LISTING_TEXTS)
        and isinstance(item.get("markets"), list)
        and isinstance(item.get("restrictions"), list)
        and all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in item["restrictions"])
    )
    if not shaped or (wanted and item["id"] != wanted):
        raise outside.broken(SYSTEM, "a listing of another shape", status=status)
    return {name: value for name, value in item.items() if name != "version"}


def _code(problem: Any) -> str:
    """Read the code of a problem: its `code`, or the last part of its `type`."""
    if not isinstance(problem, dict):
        return ""
    return str(problem.get("code") or str(problem.get("type", "")).rsplit("/", 1)[-1])


def _expect(problem: Any, *codes: str) -> str:
    """Take a 404 for an answer only when it says what is missing; a wrong address answers 404 too."""
    code = _code(problem)
    if code not in codes:
        raise outside.broken(SYSTEM, "an unexplained 404", status=404)
    return code
