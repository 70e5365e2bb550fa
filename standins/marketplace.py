"""What does a marketplace do when it is told to hide a listing?

The enforcement contract: a restriction is put under an id that the client chose, can be read back, and is lifted by
DELETE. Hiding drops the rank to 0 and gives a strike, so a reversal must put back more than the visibility. A lifted
restriction id is spent: putting it again is a conflict, because a late retry must not hide anew what was restored.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins import catalogue, goods
from standins.faults import Script
from standins.journal import APPLIED, READ, REFUSED, REPEATED, Entry, Journal
from standins.search import Index
from standins.wire import Call, Point, bearer_ok, problem

LARGEST_PAGE = 500
MOST_IDS = 100
MOST_ADDRESSES = 20
KEPT_SEARCHES = 16
LAST_ORDER = datetime(2026, 11, 1, tzinfo=UTC)  # orders are made for the 400 days before this day

Word = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]


class Restriction(BaseModel):
    """The body of a PUT: what is done to the listing, why, where and by whom. `markets` null means everywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: Literal["hide"]
    reason_code: Word
    case_ref: Word
    markets: list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]] | None = Field(default=None, min_length=1)
    actor: Word


class Marketplace:
    """The state of every listing: the catalogue with the journal's restrictions on top."""

    def __init__(self, folder: Path, journal: Journal, script: Script, token: str) -> None:
        self.folder, self.journal, self.script, self.token = folder, journal, script, token
        self.spent: dict[tuple[str, str], Entry] = {}
        self.active: dict[str, dict[str, Entry]] = {}
        self.versions: dict[str, int] = {}
        if not catalogue.path_of(folder).exists():
            catalogue.write(folder, goods.listings())
        self._read_catalogue()
        for entry in journal.applied():
            self._apply(entry["op"], entry["subject"], entry["key"], entry["detail"])

    def routes(self) -> list[Route]:
        """List the endpoints."""
        listing, restriction = "/v1/listings/{id}", "/v1/listings/{id}/restrictions/{restriction_id}"
        return [
            self._route("GET", "/v1/listings", "search", self.search),
            self._route("GET", listing, "read", self.read),
            self._route("GET", f"{listing}/orders", "orders", self.orders),
            self._route("PUT", restriction, "restrict", self.restrict),
            self._route("GET", restriction, "read_restriction", self.read_restriction),
            self._route("DELETE", restriction, "lift", self.lift),
            self._route("GET", "/v1/sellers/{id}", "seller", self.seller),
        ]

    async def search(self, call: Call) -> Response:
        """Give one page of listings."""
        query = call.request.query_params
        try:
            limit, start = int(query.get("limit") or LARGEST_PAGE), int(query.get("cursor") or 0)
        except ValueError:
            return self._refuse(call, problem(422, "bad_page", "limit and cursor are whole numbers."))
        ids = [each for each in query.get("ids", "").split(",") if each]
        if not 1 <= limit <= LARGEST_PAGE or start < 0 or len(ids) > MOST_IDS:
            return self._refuse(
                call, problem(422, "bad_page", f"At most {LARGEST_PAGE} per page and {MOST_IDS} ids at once.")
            )
        found = self._found(query.get("q", ""), query.get("gtin", ""), query.get("brand", ""), tuple(ids))
        page = [self.state(self.listings[place].id) for place in found[start : start + limit]]
        after = str(start + limit) if start + limit < len(found) else None
        return self._answer(call, {"items": page, "next": after}, detail={"query": str(call.request.url.query)})

    async def read(self, call: Call) -> Response:
        """Give one listing."""
        if call.subject not in self.places:
            return self._refuse(call, problem(404, "unknown_listing", "No listing has this id."))
        return self._answer(call, self.state(call.subject))

    async def orders(self, call: Call) -> Response:
        """Say who bought, for letters."""
        if call.subject not in self.places:
            return self._refuse(call, problem(404, "unknown_listing", "No listing has this id."))
        try:
            since = datetime.fromisoformat(call.request.query_params.get("since") or "2000-01-01T00:00:00+00:00")
        except ValueError:
            return self._refuse(call, problem(422, "bad_since", "since is an RFC 3339 time."))
        buyers = _buyers(call.subject, since if since.tzinfo else since.replace(tzinfo=UTC))
        return self._answer(call, {"buyers": len(buyers), "addresses": buyers[:MOST_ADDRESSES]})

    async def seller(self, call: Call) -> Response:
        """Say who sells."""
        name = self.sellers.get(call.subject)
        if name is None:
            return self._refuse(call, problem(404, "unknown_seller", "No seller has this id."))
        return self._answer(
            call, {"id": call.subject, "name": name, "email": f"{call.subject.lower()}@sellers.example"}
        )

    async def restrict(self, call: Call) -> Response:
        """Put a restriction under the client's id."""
        try:
            wanted = Restriction.model_validate(call.json()).model_dump()
        except ValidationError as error:
            fields = ["/" + "/".join(map(str, each["loc"])) for each in error.errors(include_url=False)]
            return self._refuse(call, problem(422, "bad_restriction", "The body is refused.", fields=fields))
        except ValueError:
            return self._refuse(call, problem(400, "not_json", "The body is not JSON."))
        if (refusal := self._unfit(call, wanted)) is not None:
            return refusal
        held = self.active.get(call.subject, {}).get(call.key)
        if held is not None:
            self.journal.write(call.told(REPEATED, now=_short(self.state(call.subject)), detail={"status": 200}))
            return JSONResponse(held, 200, headers=self._etag(call.subject))
        put = {"id": call.key, **wanted, "put_at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        self._change(call, put, 201)
        return JSONResponse(put, 201, headers=self._etag(call.subject))

    async def read_restriction(self, call: Call) -> Response:
        """Read a restriction back."""
        held = self.active.get(call.subject, {}).get(call.key)
        if held is None:
            return self._refuse(call, self._absent(call))
        return self._answer(call, held)

    async def lift(self, call: Call) -> Response:
        """Take a restriction away, leaving the listing exactly as it would be without it."""
        if refusal := self._guard(call):
            return self._refuse(call, refusal)
        if call.key in self.active.get(call.subject, {}):
            self._change(call, {}, 204)
        elif (call.subject, call.key) in self.spent:
            self.journal.write(call.told(REPEATED, now=_short(self.state(call.subject)), detail={"status": 204}))
        else:
            return self._refuse(call, self._absent(call))
        return Response(status_code=204, headers=self._etag(call.subject))

    def state(self, listing: str) -> Entry:
        """Describe a listing as it stands now."""
        return _described(self.listings[self.places[listing]], self.active.get(listing, {}))

    def _route(self, method: str, path: str, op: str, act: Any) -> Route:
        async def known(call: Call) -> Response:
            if not bearer_ok(call.request, self.token):
                return self._refuse(call, problem(401, "unauthorized", "Send the token as a Bearer token."))
            self._follow_catalogue()
            answer: Response = await act(call)
            return answer

        point = Point(op=op, act=known, script=self.script, journal=self.journal, key="restriction_id", subject="id")
        return Route(path, point, methods=[method])

    def _read_catalogue(self) -> None:
        self.seen = catalogue.path_of(self.folder).stat().st_mtime_ns
        self.listings = catalogue.read(self.folder)
        self.places = {listing.id: place for place, listing in enumerate(self.listings)}
        self.sellers = {listing.seller: listing.seller_name or listing.seller for listing in self.listings}
        self.index = Index(f"{each.title} {each.brand} {each.model}" for each in self.listings)
        self.searches: dict[tuple[Any, ...], list[int]] = {}

    def _follow_catalogue(self) -> None:
        """Take over a catalogue that `seawall standins load` has just put in place; restrictions stay."""
        if catalogue.path_of(self.folder).stat().st_mtime_ns != self.seen:
            self._read_catalogue()

    def _found(self, q: str, gtin: str, brand: str, ids: tuple[str, ...]) -> list[int]:
        wanted = (q, gtin, brand.casefold(), ids)
        if wanted not in self.searches:
            while len(self.searches) >= KEPT_SEARCHES:
                del self.searches[next(iter(self.searches))]
            self.searches[wanted] = self._search(*wanted)
        return self.searches[wanted]

    def _search(self, q: str, gtin: str, brand: str, ids: tuple[str, ...]) -> list[int]:
        if ids:
            places = [self.places[each] for each in dict.fromkeys(ids) if each in self.places]
            if q:
                hits = set(self.index.any_of(q))
                places = [place for place in places if place in hits]
        else:
            places = self.index.any_of(q) if q else list(range(len(self.listings)))
        number = gtin.lstrip("0")
        return [
            place
            for place in places
            if (not gtin or (self.listings[place].gtin and self.listings[place].gtin.lstrip("0") == number))
            and (not brand or self.listings[place].brand.casefold() == brand)
        ]

    def _unfit(self, call: Call, wanted: Entry) -> Response | None:
        refusal = self._guard(call)
        held = self.active.get(call.subject, {}).get(call.key)
        if refusal is None and held is not None and {name: held[name] for name in wanted} != wanted:
            refusal = problem(409, "restriction_differs", "This id was put with another body.", current=held)
        if refusal is None and held is None and (call.subject, call.key) in self.spent:
            refusal = problem(409, "restriction_lifted", "This id was lifted; a new decision needs a new id.")
        return self._refuse(call, refusal) if refusal is not None else None

    def _guard(self, call: Call) -> Response | None:
        """Refuse an unknown listing, and a version (If-Match) that is not the current one."""
        if call.subject not in self.places:
            return problem(404, "unknown_listing", "No listing has this id.")
        expected = call.request.headers.get("if-match", "*")
        if expected not in ("*", self._etag(call.subject)["etag"]):
            return problem(412, "version_mismatch", "The listing has changed.", current=self.state(call.subject))
        return None

    def _change(self, call: Call, restriction: Entry, status: int) -> None:
        """Journal the change with the states on both sides of it, then make it; there is no await in between."""
        base = self.listings[self.places[call.subject]]
        held = {key: each for key, each in self.active.get(call.subject, {}).items() if key != call.key}
        after = held | ({call.key: restriction} if restriction else {})
        detail = {"status": status, "restriction": restriction}
        now = _short(_described(base, after))
        self.journal.write(call.told(APPLIED, prev=_short(self.state(call.subject)), now=now, detail=detail))
        self._apply(call.op, call.subject, call.key, detail)

    def _apply(self, op: str, listing: str, key: str, detail: Entry) -> None:
        held = self.active.setdefault(listing, {})
        if op == "restrict":
            held[key] = detail["restriction"]
        else:
            self.spent[(listing, key)] = held.pop(key, {})
        self.versions[listing] = self.versions.get(listing, 1) + 1

    def _etag(self, listing: str) -> dict[str, str]:
        return {"etag": f'"{self.versions.get(listing, 1)}"'}

    def _absent(self, call: Call) -> Response:
        if call.subject not in self.places:
            return problem(404, "unknown_listing", "No listing has this id.")
        if (call.subject, call.key) in self.spent:
            return problem(404, "restriction_lifted", "This restriction was lifted.")
        return problem(404, "unknown_restriction", "This restriction was never put.")

    def _answer(self, call: Call, body: Entry, *, detail: Entry | None = None) -> Response:
        self.journal.write(call.told(READ, detail=(detail or {}) | {"status": 200}))
        headers = self._etag(call.subject) if call.subject in self.places else {}
        return JSONResponse(body, 200, headers=headers)

    def _refuse(self, call: Call, answer: Response) -> Response:
        self.journal.write(call.told(REFUSED, detail={"status": answer.status_code}))
        return answer


def _described(base: catalogue.Listing, held: dict[str, Entry]) -> Entry:
    """Lay restrictions over a listing: hidden, rank 0, one strike more for each."""
    described = asdict(base) | {"restrictions": list(held.values())}
    del described["seller_name"]
    if held:
        described |= {"rank": 0, "strikes": base.strikes + len(held)}
        if base.visibility == catalogue.VISIBLE:
            described["visibility"] = catalogue.HIDDEN
    return described


def _short(state: Entry) -> Entry:
    kept = {name: state[name] for name in ("visibility", "rank", "strikes")}
    return kept | {"restrictions": [each["id"] for each in state["restrictions"]]}


def _buyers(listing: str, since: datetime) -> list[str]:
    """Make up the same buyers for a listing every time: nobody to 60 people, each with an order date."""
    seed = sha256(listing.encode()).digest()
    count = seed[0] % 61
    first = int.from_bytes(seed[1:4]) % 900_000
    bought = (
        (first + each, LAST_ORDER - timedelta(days=(seed[each % 32] * 7 + each * 13) % 400)) for each in range(count)
    )
    return [f"buyer-{number}@buyers.example" for number, at in bought if at >= since]
