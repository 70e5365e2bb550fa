"""Which listings of somebody else's export may stand in for ours? For `seawall standins load FILE`.

Bad rows are counted and reported, never fatal; a file that is of no use changes nothing.
"""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Any

from standins import catalogue
from standins.catalogue import Listing
from starter.errors import BAD_INPUT, Problem

LONGEST_TITLE = 500
TOYS_COLUMNS = {"uniq_id", "product_name", "manufacturer"}
MARKETPLACE_COLUMNS = {"asin", "title", "price"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What became of a file: listings taken, rows refused, and the first reasons with their line numbers."""

    listings: int
    sellers: int
    refused: int
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tally:
    taken: dict[str, Listing] = field(default_factory=dict)
    bad: int = 0
    reasons: list[str] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.bad += 1
        if len(self.reasons) < 10:
            self.reasons.append(f"line {line}: {reason}")


def load(folder: Path, file: Path) -> Loaded:
    """Replace the catalogue by a file: ours (.jsonl), or one of two public listing exports (.csv, .csv.gz).

    The exports are known by their columns: `uniq_id, product_name, manufacturer, price_gbp …` (UK toys) and
    `asin, title, main_category, price …` (general marketplace). Bad rows are counted, not fatal; a file without one
    good row is refused and changes nothing.
    """
    tally = _Tally()
    try:
        with _opened(file) as text:
            if ".jsonl" in file.name:
                _take(tally, enumerate(text, 1), catalogue.listing)
            else:
                _take_rows(tally, text, file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise Problem(
            "unreadable_listings",
            f"Cannot read {file.name}: {_reason(error)}.",
            next_step="Give a .csv, .csv.gz or .jsonl file in UTF-8.",
            exit_code=BAD_INPUT,
        ) from error
    if not tally.taken:
        raise Problem(
            "no_listings",
            f"{file.name} has no usable listing; {tally.bad} rows were refused.",
            next_step=tally.reasons[0] if tally.reasons else "Check that it is the right file.",
        )
    catalogue.write(folder, tally.taken.values())
    return Loaded(
        listings=len(tally.taken),
        sellers=len({listing.seller for listing in tally.taken.values()}),
        refused=tally.bad,
        reasons=tuple(tally.reasons),
    )


def slug(text: str) -> str:
    """Make a seller id of a name: ASCII letters and digits where there are any, a digest otherwise."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:40]
    return plain or sha256(text.encode()).hexdigest()[:10]


def _opened(file: Path) -> io.TextIOBase:
    if file.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(file), encoding="utf-8", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return (error.strerror or "it is not a complete gzip file") if isinstance(error, OSError) else str(error)


def _take_rows(tally: _Tally, text: Iterable[str], file: Path) -> None:
    rows = csv.DictReader(text)
    columns = set(rows.fieldnames or ())
    if columns >= TOYS_COLUMNS:
        parse: Callable[[Any], Listing] = _toy
    elif columns >= MARKETPLACE_COLUMNS:
        parse = _marketplace
    else:
        raise Problem(
            "unknown_columns",
            f"{file.name} has columns of no known listing export.",
            next_step=f"Expected {', '.join(sorted(TOYS_COLUMNS))} or {', '.join(sorted(MARKETPLACE_COLUMNS))}.",
        )
    _take(tally, ((rows.line_num, row) for row in rows), parse)


def _take(tally: _Tally, rows: Iterable[tuple[int, Any]], parse: Callable[[Any], Listing]) -> None:
    for line, row in rows:
        try:
            listing = parse(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            tally.refuse(line, str(error) if isinstance(error, ValueError) else "not a listing")
            continue
        if listing.id in tally.taken:
            tally.refuse(line, "the id was used before")
        else:
            tally.taken[listing.id] = listing


def _toy(row: dict[str, str]) -> Listing:
    maker = _text(row, "manufacturer", required=False) or "unnamed"
    key = _text(row, "uniq_id")
    return Listing(
        id=f"toy-{slug(key)}",
        seller=f"toys-{slug(maker)}",
        seller_name=f"{maker} toys",
        title=_text(row, "product_name"),
        brand=maker,
        price_minor=_minor(row.get("price_gbp")),
        currency="GBP",
        markets=("GB",),
        rank=_rank(key),
    )


def _marketplace(row: dict[str, str]) -> Listing:
    key, title = _text(row, "asin"), _text(row, "title")
    shop = int(sha256(key.encode()).hexdigest(), 16) % 400
    return Listing(
        id=slug(key),
        seller=f"shop-{shop:03}",
        seller_name=f"Shop {shop:03}",
        title=title,
        brand=title.split()[0],
        price_minor=_minor(row.get("discount_price") or row.get("price")),
        currency="INR",
        markets=("IN",),
        rank=_rank(key),
    )


def _text(row: dict[str, str], column: str, *, required: bool = True) -> str:
    text = " ".join((row.get(column) or "").split())[:LONGEST_TITLE]
    if required and not text:
        raise ValueError(f"{column} is empty")
    return text


def _minor(price: str | None) -> int:
    """Read a price such as `₹32,999` or `3.42` as cents; a missing or unreadable one is 0, as the exports have many."""
    try:
        return int(Decimal(re.sub(r"[^\d.]", "", price or "") or "0") * 100)
    except InvalidOperation:
        return 0


def _rank(key: str) -> int:
    return 1 + int(sha256(key.encode()).hexdigest()[:8], 16) % 100
