"""Is this listing the product that was reported? Surest evidence first, and each kind of evidence apart.

An order for identical content covers the exact tiers only (GPSR art. 22(5): no assessment of the provider's own;
checked 2026-11-22). The wider tiers are made for precision: a listing hidden wrongly harms a seller who did nothing,
while one that was missed is found by the next sweep, the next report or a person.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from escalations.enforcement import Sought


def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _singular(word: str) -> str:
    """Fold the regular English plural; notices speak of heaters, listings of one heater."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]


WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
GTIN_LENGTHS = frozenset({8, 12, 13, 14})
# Numbers a company or region gives out for its own use, so two firms may use one for two products: GS1 prefixes
# 020-029, 040-049 and 200-299 (GS1 General Specifications, section 1.4.1.2; checked 2026-11-22).
RESTRICTED_PREFIX = re.compile(r"0(?:02|04|2)")
FILLERS = _vocabulary(
    "a all an and as at be by de der die el for from in inch inches la le new of on or pack set sold the to "
    "und up with model models item items series type version style recall recalls recalled"
)
FIRM_WORDS = _vocabulary(
    "ag brand brands bv co company corp corporation electronics gmbh group inc incorporated international intl kg "
    "limited llc ltd media plc products sa sarl spa srl usa the of and"
)
JOINING = frozenset({"and", "the", "of"})
NO_BRAND = frozenset({"", "generic", "unbranded", "nobrand", "na", "none", "unknown", "doesnotapply"})
# Said before the model, these make the listing something made to go with the product.
MADE_FOR = _vocabulary("for fits fit fitting compatible replacement replaces suitable works suits")
INCLUDED_FROM = _vocabulary("with w including includes include plus")
ACCESSORIES = frozenset(
    _singular(word)
    for word in _vocabulary(
        "accessory adapter adaptor bag battery bracket cable cartridge case charger cleaner cleaning cover decal dvd "
        "film filter flash griddle guide holder kit lens lid manual mount part plate pouch protector refill remote "
        "replacement rotisserie skin sleeve spare speedlight stand sticker strap toner tripod"
    )
)
MEASURE = re.compile(
    r"\d+(?:x\d+)?(?:w|v|a|mah|wh|ml|l|oz|kg|g|lbs?|cm|mm|m|ft|in|inch|gb|mb|tb|hz|khz|mhz|ghz|p|k|pcs?|pack|x|th|st|nd|rd)?"
)
WORDS_IN_COMMON = 0.8
TITLE_COVERED = 0.5
FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a marketplace says about one offer, as far as matching looks at it."""

    id: str
    seller: str
    title: str
    brand: str = ""
    model: str = ""
    gtin: str = ""
    markets: tuple[str, ...] = ()


def match(sought: Sought, listing: Listing) -> tuple[str, str] | None:
    """Return `(tier, matched on)` for the surest tier that holds, None when the listing is something else.

    Tiers: `listing_id`, `gtin`, then, unless `exact_only`, `model` (a model of the report, exact, and of its brand)
    and `title` (nearly all words of the product's name, of its brand, and no other model).
    """
    if listing.id in sought.listings:
        return "listing_id", listing.id
    offered = gtin14(listing.gtin)
    if offered and offered in {gtin14(text) for text in sought.gtins} and _one_product(offered, sought, listing):
        return "gtin", offered
    if sought.exact_only:
        return None
    model = _model_in(sought, listing)
    if model:
        return "model", model
    words = _name_in(sought, listing)
    return ("title", words) if words else None


def gtin14(text: str) -> str | None:
    """Write a GTIN-8, UPC-12, EAN-13 or GTIN-14 as 14 digits; None when it names no product.

    Spaces and hyphens are ignored. None for other characters or lengths, a wrong check digit (GS1: weights 3 and 1
    from the right) and all zeros.
    """
    digits = text.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in GTIN_LENGTHS:
        return None
    padded = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(padded))
    return padded if total % 10 == 0 and padded.strip("0") else None


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """Split text into comparable words: HTML entities read, NFKD, case folded, without accents, ® and ™."""
    bare = "".join(" " if sign in "®™©℠" else sign for sign in html.unescape(text))
    folded = unicodedata.normalize("NFKD", bare).casefold()
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return tuple(word.replace("'", "") for word in WORD.findall(plain.replace("’", "'")))


def search_words(sought: Sought) -> tuple[str, ...]:
    """List the telling words of a product's name and brand, for a search that takes any of them."""
    telling = [word for word in words(f"{sought.brand} {sought.name}") if word not in FILLERS and len(word) > 1]
    return tuple(dict.fromkeys(telling))


def same_brand(wanted: str, listing: Listing) -> bool:
    """Say whether a listing is of a brand: by its brand field, or by its title when that field is empty.

    Firm words (`Inc`, `GmbH`, `Electronics`) do not count; a brand field that names somebody else ends the matter
    whatever the title says, because titles name the brands that accessories are made for.
    """
    firm = _firm(wanted)
    if not firm:
        return False
    offered = _firm(listing.brand)
    if "".join(offered) not in NO_BRAND:
        return firm == offered or set(firm) <= set(offered) or set(offered) <= set(firm)
    return _position(firm, tuple(word for word in words(listing.title) if word not in JOINING)) is not None


def _one_product(gtin: str, sought: Sought, listing: Listing) -> bool:
    """Say whether a number names one product everywhere; one for a firm's own use does so within its brand only."""
    return not RESTRICTED_PREFIX.match(gtin) or same_brand(sought.brand, listing)


def _firm(brand: str) -> tuple[str, ...]:
    named = words(brand)
    return tuple(word for word in named if word not in FIRM_WORDS) or named


def _model_in(sought: Sought, listing: Listing) -> str:
    if sought.brand and not same_brand(sought.brand, listing):
        return ""
    field, title = "".join(words(listing.model)), words(listing.title)
    for model in sought.models:
        parts = words(model)
        compact = "".join(parts)
        if not _distinctive(compact, branded=bool(sought.brand)):
            continue
        if field == compact:
            return model
        place = _position(parts, title)
        if place is not None and not _accessory(sought, title, place):
            return model
    return ""


def _distinctive(compact: str, *, branded: bool) -> bool:
    """Say whether a model number can name a product: not a plain word, a measure, or too short without a brand."""
    has_digit = any(sign.isdigit() for sign in compact)
    if not has_digit or (MEASURE.fullmatch(compact) and not compact.isdigit()):
        return False
    if compact.isdigit():
        return len(compact) >= (5 if branded else 8)
    return len(compact) >= (4 if branded else 6)


def _name_in(sought: Sought, listing: Listing) -> str:
    """Return the shared words when nearly the whole name is in the title and most of the title is the name."""
    if not sought.brand or not same_brand(sought.brand, listing):
        return ""
    brand = set(words(sought.brand)) | set(words(listing.brand))
    title = words(listing.title)
    name = {_singular(word) for word in words(sought.name) if word not in FILLERS | brand}
    offered = {_singular(word) for word in title if word not in FILLERS | brand}
    shared = name & offered
    if len(shared) < FEWEST_WORDS or len(shared) < WORDS_IN_COMMON * len(name):
        return ""
    if (
        len(shared) < TITLE_COVERED * len(offered)
        or _other_model(sought, listing)
        or _accessory(sought, title, len(title))
    ):
        return ""
    return " ".join(sorted({word for word in title if _singular(word) in shared}))


def _other_model(sought: Sought, listing: Listing) -> bool:
    """Say whether a listing names a model that the report does not; a report of models covers those only."""
    if not sought.models:
        return False
    known = {"".join(words(model)) for model in sought.models} | set(words(sought.name))
    offered = (*words(listing.title), "".join(words(listing.model)))
    return any(word not in known and _looks_like_model(word) for word in offered)


def _looks_like_model(word: str) -> bool:
    return _distinctive(word, branded=True)


def _accessory(sought: Sought, title: tuple[str, ...], place: int) -> bool:
    """Say whether a title sells something made to go with the product named at `place`."""
    if MADE_FOR & set(title[:place]):
        return True
    end = next((at for at, word in enumerate(title) if word in INCLUDED_FROM), len(title))
    named = {_singular(word) for word in words(sought.name)}
    return any(_singular(word) in ACCESSORIES - named for word in title[:end])


def _position(parts: tuple[str, ...], title: tuple[str, ...]) -> int | None:
    """Find where a run of title words spells `parts`, however either was split: `TF-DVD 7` is `tfdvd7`."""
    wanted = "".join(parts)
    for start in range(len(title)):
        spelled = ""
        for word in title[start:]:
            spelled += word
            if spelled == wanted:
                return start
            if not wanted.startswith(spelled):
                break
    return None
