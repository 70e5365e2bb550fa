"""How well do the wider matching tiers do on real listings that people have labelled against real recalls?"""

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from escalations.enforcement import Sought
from escalations.matching import Listing, match

SHARED = Path(__file__).parents[3] / "shared" / "data"
PAIRS = SHARED / "gold" / "recall_listing_pairs.jsonl"
NOTICES = SHARED / "recalls" / "cpsc_notices_1973_2024.jsonl.gz"
BOSE = ("Acoustimass 5 Series III", "Acoustimass 5 Series IV", "Acoustimass 10 III", "Lifestyle 50", "Companion CS-6")
# What the notices say in prose: whose product it is, and models that are not written as one number.
SAID: dict[str, tuple[str, tuple[str, ...]]] = {
    "06205": ("Lexar", ()),
    "07118": ("Lenovo", ("ThinkPad T60", "ThinkPad R60", "ThinkPad Z61e")),
    "07122": ("Weber", ("EP-320", "S-320", "E-320", "ESP-320", "CEP-320")),
    "07212": ("Thomas & Friends", ()),
    "08052": ("Oki", ("C9600",)),
    "09004": ("Coby", ("TF-DVD 1020",)),
    "09259": ("Intermatic", ()),
    "10205": ("Coby", ("TF-DVD 1020", "TF-DVD 8501")),
    "10248": ("Hoover", ()),
    "11265": ("Hamilton Beach", ("22600",)),
    "12057": ("Hamilton Beach", ("22602",)),
    "12219": ("Nikon", ("EN-EL15", "D7000", "D800")),
    "17028": ("Samsung", ()),
    "23080": ("Samsung", ()),
    "23150": ("Calico Critters", ()),
    "23234": ("Bose", BOSE),
    "24010": ("Thomas & Friends", ()),
}
SAME_PRODUCT = {"model_match", "model_match_out_of_window", "component_match"}
NUMBER = re.compile(r"\b(?=[A-Z0-9-]*[0-9])[A-Z0-9]{2,}(?:-[A-Z0-9]+)*\b")


def sought(notice: dict[str, Any]) -> Sought:
    brand, models = SAID[notice["id"]]
    numbers = tuple(dict.fromkeys(NUMBER.findall(notice["description"])))
    return Sought(case_id="ESC-1", name=notice["products"][0], brand=brand, models=models + numbers)


def listing(pair: dict[str, Any]) -> Listing:
    title, _, maker = pair["listing_title"].partition(" [")
    return Listing(id=pair["pair_id"], seller="s", title=title, brand=maker.rstrip("]"))


def test_wide_tiers_hide_hardly_anything_that_is_not_the_recalled_product() -> None:
    if not PAIRS.exists() or not NOTICES.exists():
        pytest.skip("the labelled pairs are not beside this checkout")
    pairs = [json.loads(line) for line in PAIRS.read_text().splitlines()]
    with gzip.open(NOTICES, "rt") as lines:
        notices = {one["id"]: one for one in map(json.loads, lines) if one["id"] in SAID}

    found = [(pair, match(sought(notices[pair["recall_id"]]), listing(pair))) for pair in pairs]

    right = sum(hit is not None and pair["label"] in SAME_PRODUCT for pair, hit in found)
    hits = sum(hit is not None for _, hit in found)
    there = sum(pair["label"] in SAME_PRODUCT for pair in pairs)
    for pair, hit in found:
        if (hit is not None) != (pair["label"] in SAME_PRODUCT):
            print(pair["pair_id"], pair["label"], hit, pair["listing_title"][:90])
    tiers = Counter(hit[0] for _, hit in found if hit)
    print(f"pairs {len(pairs)}, precision {right}/{hits}, recall {right}/{there}, tiers {dict(tiers)}")
    assert right / hits >= 0.9
    assert right / there >= 0.7
