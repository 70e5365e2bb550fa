"""What was a listing like before we acted on it, and is it so again?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from activities.spans import Mark
from escalations import ids
from escalations.enforcement import Span

RESTORED: Final = ("visibility", "rank", "strikes", "restrictions")
Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What was found before acting: `seen` is `state`, `ours` (this act was there already), `gone` or `unread`."""

    seen: str
    state: Item | None = None


UNREAD: Final = Prior(seen="unread")


def name(span: Span) -> str:
    """Name the one record of a span's past: by case, enforcement, manifest and positions, never by time or attempt."""
    order = span.order
    return f"prior/{order.case_id}/{order.number}/{order.manifest.digest[:16]}/{span.start}-{span.stop}"


def taken(state: Item | None, key: str) -> Prior:
    """Take a state for the past, unless our own restriction `key` is in it already."""
    if state is None:
        return Prior(seen="gone")
    return Prior(seen="ours") if key in restrictions(state) else Prior(seen="state", state=state)


def written(listings: tuple[str, ...], seen: Mapping[str, Prior]) -> bytes:
    """Write the record: one canonical JSON line a listing; one that was not seen is `unread`."""
    found = [(listing, seen.get(listing, UNREAD)) for listing in listings]
    lines = [{"listing": listing, "seen": prior.seen, "state": prior.state} for listing, prior in found]
    return b"".join(ids.canonical(line) + b"\n" for line in lines)


def read(content: bytes) -> dict[str, Prior]:
    """Read what `written` wrote."""
    lines = [json.loads(line) for line in content.splitlines()]
    return {line["listing"]: Prior(seen=line["seen"], state=line["state"]) for line in lines}


def compared(before: Prior, state: Item) -> Mark:
    """Compare a restored listing with its past: in visibility, rank, strikes and the restrictions of others."""
    if before.state is None:
        return Mark(ending="wrong", why="lifted, but its state before is not known")
    differs = [name for name in RESTORED if _part(before.state, name) != _part(state, name)]
    return Mark(ending="wrong", why=f"lifted, but {', '.join(differs)} differ") if differs else Mark(ending="done")


def restrictions(state: Item) -> set[str]:
    """Name the restrictions of a listing."""
    return {each["id"] for each in state["restrictions"]}


def _part(state: Item, name: str) -> Any:
    return sorted(map(ids.canonical, state[name])) if name == "restrictions" else state.get(name)
