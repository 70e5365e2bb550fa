"""Which listings does the stand-in marketplace start with? About 3,000, made here, the same on every machine.

Brands, sellers and products are invented. GTINs have valid check digits and the GS1 prefix 952, which is kept for
demonstrations and examples, so none can be a product that exists.
Every choice comes from SHA-256 of what is chosen for, never from `random`, whose sequences may change with Python.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

from standins import demo_goods
from standins.catalogue import HIDDEN, REMOVED, VISIBLE, Listing, check_digit
from standins.loading import slug

PRODUCTS_PER_KIND = 46
LANGUAGES = {"DE": 1, "AT": 1, "FR": 2}
CURRENCIES = {"US": "USD", "CA": "CAD", "GB": "GBP"}
HOMES = (("DE", "AT"), ("FR",), ("IE", "GB"), ("US",), ("US", "CA"), ("DE", "FR", "IE"), ("CA",), ("GB",))
COLOURS = (
    ("black", "schwarz", "noir"),
    ("white", "weiß", "blanc"),
    ("blue", "blau", "bleu"),
    ("green", "grün", "vert"),
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A sort of product: its name in English, German and French, what sizes it comes in, and its price in cents."""

    names: tuple[str, str, str]
    sizes: tuple[str, ...]
    price: int


KINDS = tuple(
    Kind(names=names, sizes=tuple(sizes.split("|")), price=price)
    for names, sizes, price in (
        (("Power Bank", "Powerbank", "Batterie externe"), "5000mAh|10000mAh|20000mAh|26800mAh", 2499),
        (("Ceramic Heater", "Keramik-Heizlüfter", "Chauffage céramique"), "1000W|1500W|2000W", 5999),
        (("Portable Blender", "Mini-Standmixer", "Mixeur portable"), "300ml|380ml|500ml", 3499),
        (("Magnet Building Set", "Magnetbaukasten", "Jeu magnétique"), "32 pcs|64 pcs|100 pcs|216 pcs", 2899),
        (("Baby Crib", "Babybett", "Lit bébé"), "60x120|70x140|mini", 18900),
        (("Kids Bike Helmet", "Kinder-Fahrradhelm", "Casque vélo enfant"), "XS|S|M|48-54 cm", 3299),
        (("Wooden Stacking Toy", "Stapelspielzeug aus Holz", "Jouet à empiler"), "8 pcs|12 pcs|20 pcs", 1999),
        (("Bath Toy", "Badespielzeug", "Jouet de bain"), "3 pcs|5 pcs|single", 1299),
        (("Plush Bear", "Plüschbär", "Ours en peluche"), "25 cm|40 cm|60 cm", 1799),
        (("USB-C Charger", "USB-C-Ladegerät", "Chargeur USB-C"), "20W|45W|65W|100W", 2199),
        (("Electric Kettle", "Wasserkocher", "Bouilloire électrique"), "1.0 l|1.7 l", 3999),
        (("Night Light", "Nachtlicht", "Veilleuse"), "LED|dimmable|solar", 1599),
        (("Air Fryer", "Heißluftfritteuse", "Friteuse à air"), "3.5 l|5.5 l|dual 8 l", 8999),
        (("Hoverboard", "Hoverboard", "Hoverboard"), "6.5 inch|8.5 inch", 15900),
        (("E-Bike Battery", "E-Bike-Akku", "Batterie vélo électrique"), "36V 10Ah|48V 14Ah", 29900),
        (("High Chair", "Hochstuhl", "Chaise haute"), "foldable|3-in-1", 9900),
        (("Pressure Cooker", "Schnellkochtopf", "Autocuiseur"), "4 l|6 l|8 l", 7499),
        (("LED String Lights", "LED-Lichterkette", "Guirlande LED"), "10 m|20 m|50 m", 1499),
        (("Infant Carrier", "Babytrage", "Porte-bébé"), "newborn|toddler", 6999),
        (("Smoke Alarm", "Rauchmelder", "Détecteur de fumée"), "single|3-pack|5-pack", 2599),
        (("Water Beads", "Wasserperlen", "Perles d'eau"), "10,000 pcs|50,000 pcs", 999),
        (("Hair Dryer", "Haartrockner", "Sèche-cheveux"), "1600W|2200W", 4499),
        (("Play Tent", "Spielzelt", "Tente de jeu"), "100x100|120x150", 3999),
        (("Camping Stove", "Campingkocher", "Réchaud de camping"), "single|double", 4299),
    )
)
BRAND_NAMES = (
    "Ohmberry|Hearthlow|Pippin & Moss|Brightnook|Tumblebee|Kestrowe|Luminette|Fennmark|Dovetree|Quillby|Marrowick|"
    "Solvane|Thistlepeak|Arvenor|Cobblefox|Nimbrel|Wrenlight|Jorvika|Pellamore|Ostrande|Bramkin|Velloq|Sunderby|"
    "Halvorra|Mintfern|Graywether|Elderpine|Tavisco|Roundel & Co|Zephyrlane"
)
SERIES_NAMES = (
    "Peak|Orbit|Lumi|Terra|Drift|Nova|Classic|Pro|Mini|Breeze|Ember|Summit|Harbor|Clover|Pulse|Meadow|Comet|Willow"
)
BRANDS = tuple(BRAND_NAMES.split("|"))
SERIES = tuple(SERIES_NAMES.split("|"))
SELLER_WORDS = (
    ("Nord", "Alpen", "Harbor", "Maple", "Rive", "Shannon", "Prairie", "Kiez", "Lune", "Granit", "Ocean", "Birch"),
    ("Markt", "Trade", "Direct", "Bazaar", "Depot", "Corner", "Outlet", "Handel", "Goods", "Boutique"),
)


def listings() -> tuple[Listing, ...]:
    """Make the whole catalogue: the listings the demo notices are about first, then the rest of the market."""
    made = list(demo_goods.listings())
    offers = (offer for kind in KINDS for offer in _offers_of(kind))
    for number, listing in enumerate(offers, len(made) + 1):
        made.append(replace(listing, id=f"L-{number:05}"))
    return tuple(made)


def sellers() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Name the ordinary sellers with their markets."""
    names = [f"{first} {second}" for first in SELLER_WORDS[0] for second in SELLER_WORDS[1]]
    return tuple((slug(name), name, _pick(HOMES, "home", name)) for name in names)


def _offers_of(kind: Kind) -> Iterator[Listing]:
    """Offer each product of a kind by one to five sellers, each with words of its own."""
    for number in range(PRODUCTS_PER_KIND):
        seed = f"{kind.names[0]}/{number}"
        brand, series, size = (
            _pick(BRANDS, "brand", seed),
            _pick(SERIES, "series", seed),
            _pick(kind.sizes, "size", seed),
        )
        initials = "".join(word[0] for word in f"{brand.split()[0]} {kind.names[0]}".split()).upper()
        model = f"{initials}-{_number('model', seed) % 900 + 100}"
        body = f"952{_number('gtin', seed) % 10**9:09}"
        gtin = body + check_digit(body)
        for offer in range(1 + _number("offers", seed) % 5):
            yield _offer(kind, f"{brand} {series}", brand, model, size, gtin, f"{seed}/{offer}")


def _offer(kind: Kind, name: str, brand: str, model: str, size: str, gtin: str, seed: str) -> Listing:
    seller, seller_name, markets = _pick(SELLERS, "seller", seed)
    language = LANGUAGES.get(markets[0], 0)
    colour, noun = _pick(COLOURS, "colour", seed)[language], kind.names[language]
    title = _pick(
        (
            f"{name} {noun} {size} {colour}",
            f"{name} {model} {noun}, {size}",
            f"{noun} {name} {size} - {colour}",
            f"{brand} {noun} {model} {size} {colour}",
            f"{name} {noun}",
        ),
        "title",
        seed,
    )
    return Listing(
        id="",
        seller=seller,
        seller_name=seller_name,
        title=title,
        brand=brand if _number("branded", seed) % 8 else "",
        model=model if _number("modelled", seed) % 3 else "",
        gtin=gtin if _number("coded", seed) % 4 else "",
        price_minor=kind.price * (70 + _number("price", seed) % 60) // 100,
        currency=CURRENCIES.get(markets[0], "EUR"),
        markets=markets,
        visibility=_pick((VISIBLE,) * 46 + (HIDDEN, HIDDEN, HIDDEN, REMOVED), "visibility", seed),
        rank=1 + _number("rank", seed) % 100,
        strikes=_pick((0,) * 8 + (1, 2), "strikes", seed),
    )


def _number(*what: str) -> int:
    return int.from_bytes(sha256("/".join(what).encode()).digest()[:8])


def _pick(options: Sequence[T], *what: str) -> T:
    return options[_number(*what) % len(options)]


SELLERS = sellers()
