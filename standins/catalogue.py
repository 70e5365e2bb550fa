"""What is for sale on the stand-in marketplace? A file of listings, one JSON object a line."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from starter.errors import Problem

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VISIBLE, HIDDEN, REMOVED = "visible", "hidden", "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One offer of one seller, as it stood before anybody restricted it. `price_minor` counts cents or pence."""

    id: str
    seller: str
    title: str
    brand: str = ""
    model: str = ""
    gtin: str = ""
    price_minor: int = 0
    currency: str = "EUR"
    markets: tuple[str, ...] = ("DE",)
    visibility: str = VISIBLE
    rank: int = 50
    strikes: int = 0
    seller_name: str = ""


def path_of(folder: Path) -> Path:
    """Name the catalogue file of a stand-ins folder."""
    return folder / "catalogue.jsonl"


def write(folder: Path, listings: Iterable[Listing]) -> Path:
    """Replace the catalogue in one step: a reader sees the old one or the new one, never half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(folder)
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        for listing in listings:
            file.write(json.dumps(asdict(listing), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


def read(folder: Path) -> list[Listing]:
    """Read the catalogue, in its order. A damaged file is refused with its first bad line."""
    path = path_of(folder)
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), 1):
        try:
            found.append(listing(line))
        except (ValueError, TypeError) as error:
            raise Problem(
                "catalogue_damaged",
                f"Line {number} of the catalogue {path} is not a listing.",
                next_step="Load it again with `seawall standins load FILE`, or delete it to get the shipped one.",
            ) from error
    return found


def listing(line: str) -> Listing:
    """Read one line of a catalogue file. Raises `ValueError` or `TypeError` when it is not a listing."""
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    known = {each.name for each in fields(Listing)}
    if unknown := set(row) - known:
        raise ValueError(f"{len(unknown)} unknown fields")
    row["markets"] = tuple(row.get("markets", ("DE",)))
    listing = Listing(**row)
    texts = (listing.id, listing.seller, listing.title, listing.brand, listing.model, listing.gtin, *listing.markets)
    if not all(isinstance(text, str) for text in texts) or not (listing.seller and listing.title):
        raise ValueError("seller and title must be texts that are not empty")
    if not ID.fullmatch(listing.id):
        raise ValueError("id must be 1 to 64 letters, digits, - and _")
    if not all(isinstance(number, int) for number in (listing.price_minor, listing.rank, listing.strikes)):
        raise ValueError("price_minor, rank and strikes must be whole numbers")
    if listing.visibility not in (VISIBLE, HIDDEN, REMOVED):
        raise ValueError("visibility is not visible, hidden or removed")
    return listing


def check_digit_ok(gtin: str) -> bool:
    """Say whether a GTIN-8, -12, -13 or -14 ends in its check digit (GS1 General Specifications 7.9)."""
    if not (gtin.isascii() and gtin.isdigit() and len(gtin) in (8, 12, 13, 14)):
        return False
    return gtin[-1] == check_digit(gtin[:-1])


def check_digit(digits: str) -> str:
    """Compute the GS1 check digit: weights 3 and 1 alternating from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)
