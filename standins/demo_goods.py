"""Which listings are the demo notices about, and which only look so?

Several sellers offer each recalled product in the ways sellers do: with the GTIN, with the model number only, in
another language, in bulk. `Second Spring` sells only the blender's second generation, which is not recalled: its
titles, one old model number and two GTINs that it kept match all the same, so its listings are taken wrongly. They
start with ranks and strikes of their own, one of them paused by the seller, so that putting everything back exactly
as it was can be seen. `Spindle Spares` sells parts that only name the blender.
"""

from collections.abc import Iterator

from standins.catalogue import VISIBLE, Listing

SELLERS = {
    "volt-corner": "Volt Corner",
    "nord-handel": "Nord Handel",
    "maple-outlet": "Maple Outlet",
    "liffey-goods": "Liffey Goods",
    "lune-boutique": "Lune Boutique",
    "prairie-depot": "Prairie Depot",
    "second-spring": "Second Spring",
    "spindle-spares": "Spindle Spares",
    "barn-owl-toys": "Barn Owl Toys",
}
INNOCENT_SELLER = "second-spring"

# The GTINs of the demo notices.
PEAK_BLACK, PEAK_WHITE = "9521100200110", "9521100200226"
TOWER_HEATER = "9521100315135"
ORBIT_BLENDER = "9521100430043"
SPLASH_WHALE = "9521100550116"

# seller | title | brand | model | gtin | price in cents | markets [| visibility | rank | strikes]
ROWS = """\
volt-corner | Ohmberry Peak 20K Power Bank 20000mAh black | Ohmberry | OB-PK20 | 9521100200110 | 3999 | US
volt-corner | Ohmberry Peak 20K Power Bank, white | Ohmberry | OB-PK20 | 9521100200226 | 3999 | US | visible | 81 | 1
maple-outlet | Ohmberry Peak 20K portable charger, USB-C, 20000 mAh | Ohmberry | OB-PK20 | 9521100200110 | 5499 | CA
prairie-depot | Peak 20K power bank by Ohmberry (model OB-PK20) | Ohmberry | OB-PK20 |  | 3799 | US CA
prairie-depot | LOT OF 10 Ohmberry Peak 20K Power Banks OB-PK20 | Ohmberry |  |  | 31900 | US | visible | 12 | 2
nord-handel | Ohmberry Peak 20K Powerbank 20000mAh schwarz | Ohmberry | OB-PK20 | 9521100200110 | 3799 | DE AT
lune-boutique | Batterie externe Ohmberry Peak 20K 20000mAh blanc | Ohmberry | OB-PK20 | 9521100200226 | 3899 | FR
liffey-goods | Ohmberry Peak 20K power bank |  |  | 9521100200110 | 3699 | IE GB | hidden | 40 | 0
liffey-goods | Ohmberry Peak 10K power bank 10000mAh | Ohmberry | OB-PK10 | 9521100201056 | 2499 | IE GB
volt-corner | Ohmberry Peak 10K Power Bank 10000mAh black | Ohmberry | OB-PK10 | 9521100201056 | 2499 | US
maple-outlet | Hearthlow Ceramic Tower Heater 1500W HL-TH15 | Hearthlow | HL-TH15 | 9521100315135 | 7999 | CA
volt-corner | Hearthlow HL-TH15 ceramic tower heater with remote | Hearthlow | HL-TH15 | 9521100315135 | 6999 | US
prairie-depot | Hearthlow tower heater HL-TH15, refurbished | Hearthlow | HL-TH15 |  | 4499 | US | visible | 23 | 1
prairie-depot | Ceramic tower heater 1500W by Hearthlow | Hearthlow |  | 9521100315135 | 6499 | US CA
nord-handel | Hearthlow Keramik-Turmheizer HL-TH15 1500W | Hearthlow | HL-TH15 | 9521100315135 | 6999 | DE AT
maple-outlet | Hearthlow Panel Heater 1000W HL-PH10 | Hearthlow | HL-PH10 | 9521100310192 | 5999 | CA
barn-owl-toys | Pippin & Moss Star Cluster Magnet Set 216 pcs | Pippin & Moss | PM-SC216 |  | 2499 | US
barn-owl-toys | Star Cluster magnet balls Pippin & Moss PM-SC216 | Pippin & Moss | PM-SC216 |  | 2299 | US CA
volt-corner | Pippin &amp; Moss "Star Cluster" magnet set PM-SC216 | Pippin & Moss | PM-SC216 |  | 2399 | US
maple-outlet | Pippin and Moss Star Cluster desk magnets, 216 pieces | Pippin & Moss |  |  | 2999 | CA
barn-owl-toys | Pippin & Moss Wooden Star Puzzle | Pippin & Moss | PM-WP041 |  | 1499 | US
volt-corner | Brightnook Orbit Portable Blender 300ml BN-OB300 | Brightnook | BN-OB300 | 9521100430043 | 3499 | US
maple-outlet | Brightnook Orbit portable blender BN-OB300 mint | Brightnook | BN-OB300 | 9521100430043 | 3999 | CA
prairie-depot | Brightnook Orbit Portable Blender (BN-OB300) | Brightnook | BN-OB300 |  | 2999 | US CA
liffey-goods | Brightnook Orbit blender 300 ml USB | Brightnook | BN-OB300 | 9521100430043 | 3299 | IE GB
second-spring | Brightnook Orbit Portable Blender, second generation | Brightnook |  |  | 4299 | US | visible | 71 | 2
second-spring | Brightnook Orbit Blender II, mint | Brightnook |  | 9521100430043 | 4299 | US CA | visible | 64 | 0
second-spring | Orbit gen 2 by Brightnook, successor of BN-OB300 | Brightnook |  |  | 4399 | US | hidden | 37 | 1
second-spring | Brightnook Orbit Blender, new generation | Brightnook |  | 9521100430043 | 4499 | CA | visible | 88 | 3
spindle-spares | Spare jar for Brightnook Orbit Portable Blender BN-OB300 | Spindle |  |  | 899 | US | visible | 52 | 0
spindle-spares | Carry sleeve fits Brightnook Orbit portable blender | Spindle |  |  | 1299 | US CA | visible | 48 | 0
barn-owl-toys | Tumblebee Splash Whale bath toy TB-W055 | Tumblebee | TB-W055 | 9521100550116 | 1299 | IE DE
nord-handel | Splash Whale Badespielzeug | Tumblebee | TB-W055 | 9521100550116 | 1199 | DE AT | visible | 77 | 1
lune-boutique | Jouet de bain Tumblebee Splash Whale | Tumblebee |  | 9521100550116 | 1249 | FR
barn-owl-toys | Tumblebee Splash Turtle bath toy TB-T056 | Tumblebee | TB-T056 | 9521100550567 | 1299 | IE GB
"""
CURRENCIES = {"US": "USD", "CA": "CAD"}


def listings() -> Iterator[Listing]:
    """Make the listings, numbered from L-00001 in the order above."""
    for number, row in enumerate(ROWS.splitlines(), 1):
        seller, title, brand, model, gtin, price, markets, *state = (cell.strip() for cell in row.split("|"))
        visibility, rank, strikes = state or (VISIBLE, str(30 + number), "0")
        yield Listing(
            id=f"L-{number:05}",
            seller=seller,
            seller_name=SELLERS[seller],
            title=title,
            brand=brand,
            model=model,
            gtin=gtin,
            price_minor=int(price),
            currency=CURRENCIES.get(markets[:2], "EUR"),
            markets=tuple(markets.split()),
            visibility=visibility,
            rank=int(rank),
            strikes=int(strikes),
        )
