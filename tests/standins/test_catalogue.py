"""Is the shipped catalogue the same everywhere and about the demo notices, and what may be loaded in its place?"""

import gzip
import html
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from standins import catalogue, demo_goods, goods
from standins.catalogue import Listing, check_digit_ok, read
from standins.loading import load
from starter.errors import Problem

NOTICES = Path(catalogue.__file__).parent / "demo_notices"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "listings"
RECALLS: list[dict[str, Any]] = json.loads((NOTICES / "cpsc_recalls.json").read_text(encoding="utf-8"))
ORDER: dict[str, Any] = json.loads((NOTICES / "authority_order.json").read_text(encoding="utf-8"))
MODELS = {"27901": "OB-PK20", "27902": "HL-TH15", "27903": "PM-SC216", "27904": "BN-OB300"}


@pytest.fixture(scope="module")
def shipped() -> tuple[Listing, ...]:
    """The catalogue as it is at first start."""
    return goods.listings()


def test_the_catalogue_is_the_same_in_every_process() -> None:
    program = (
        "from standins import goods; import hashlib; print(hashlib.sha256(repr(goods.listings()).encode()).hexdigest())"
    )

    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(goods.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1


def test_the_catalogue_looks_like_a_market(shipped: tuple[Listing, ...]) -> None:
    assert 2_500 <= len(shipped) <= 4_000
    assert len({each.id for each in shipped}) == len(shipped)
    assert len({each.seller for each in shipped}) > 100
    assert {market for each in shipped for market in each.markets} >= {"DE", "FR", "IE", "US", "CA", "GB"}
    assert set(Counter(each.visibility for each in shipped)) == {"visible", "hidden", "removed"}
    assert all(check_digit_ok(each.gtin) for each in shipped if each.gtin)
    assert 0 < sum(not each.gtin for each in shipped) < len(shipped) / 2


@pytest.mark.parametrize("recall", RECALLS, ids=lambda recall: recall["RecallNumber"])
def test_every_demo_recall_has_listings_of_several_sellers(
    recall: dict[str, Any], shipped: tuple[Listing, ...]
) -> None:
    model, codes = MODELS[recall["RecallNumber"]], {each["UPC"] for each in recall["ProductUPCs"]}

    found = [each for each in shipped if each.gtin in codes or model in (each.model, *each.title.split())]

    assert model in recall["Description"]
    assert all(check_digit_ok(code) for code in codes)
    assert len(found) >= 3
    assert len({each.seller for each in found}) >= 2


def test_the_demo_notices_cover_what_the_demo_must_show() -> None:
    emergency, calm, without_codes, _ = RECALLS

    assert "third-degree burn" in emergency["Injuries"][0]["Name"]
    assert "No injuries" in calm["Injuries"][0]["Name"]
    assert without_codes["ProductUPCs"] == []
    assert html.unescape(without_codes["Title"]) != without_codes["Title"]


def test_one_innocent_seller_is_taken_in_by_codes_and_words_and_has_a_past_to_restore(
    shipped: tuple[Listing, ...],
) -> None:
    theirs = [each for each in shipped if each.seller == demo_goods.INNOCENT_SELLER]

    assert any(each.gtin == demo_goods.ORBIT_BLENDER for each in theirs)
    assert any("BN-OB300" in each.title for each in theirs)
    assert {each.visibility for each in theirs} == {"visible", "hidden"}
    assert len({each.strikes for each in theirs}) > 2
    assert all("gen" in each.title or " II" in each.title for each in theirs)


def test_the_order_names_two_listings_of_its_product(shipped: tuple[Listing, ...]) -> None:
    by_id = {each.id: each for each in shipped}

    named = [by_id[listing] for listing in ORDER["order"]["listings"]]

    assert len(named) == 2
    assert all(each.gtin in ORDER["product"]["gtins"] and "DE" in each.markets for each in named)
    assert sum(each.gtin in ORDER["product"]["gtins"] for each in shipped) > 2


@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
def test_the_toys_export_is_loaded_and_bad_rows_are_counted(tmp_path: Path, kind: str) -> None:
    rows = (
        "uniq_id,product_name,amazon_category_and_sub_category,manufacturer,price_gbp\n"
        'aa11,"Train Set, boxed",Hobbies,Hornby,16.99\n'
        "bb22,Bear,Toys,,\n,No id,Toys,TY,3\ncc33,,Toys,TY,3\naa11,Again,T,TY,1\n"
    )
    file = tmp_path / f"toys.{kind}"
    file.write_bytes(gzip.compress(rows.encode()) if kind.endswith("gz") else rows.encode())

    loaded = load(tmp_path, file)

    first, second = read(tmp_path)
    assert (loaded.listings, loaded.sellers, loaded.refused) == (2, 2, 3)
    assert [reason.split(":")[0] for reason in loaded.reasons] == ["line 4", "line 5", "line 6"]
    assert (first.title, first.brand, first.price_minor, first.markets) == ("Train Set, boxed", "Hornby", 1699, ("GB",))
    assert (second.brand, second.price_minor) == ("unnamed", 0)


def test_the_marketplace_export_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "market.csv"
    file.write_text(
        'asin,title,main_category,sub_category,price,discount_price\nB0X,"Lloyd AC, white",a,b,"₹58,990","₹32,999"\n',
        encoding="utf-8",
    )

    loaded = load(tmp_path, file)

    (listing,) = read(tmp_path)
    assert (loaded.listings, loaded.refused) == (1, 0)
    assert (listing.id, listing.brand, listing.price_minor, listing.currency) == ("b0x", "Lloyd", 3_299_900, "INR")


def test_our_own_format_is_loaded_and_bad_rows_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "ours.jsonl"
    file.write_text(
        '{"id":"A-1","seller":"s","title":"One","markets":["DE","FR"]}\nnonsense\n[]\n{"id":"A-2","seller":"s"}\n'
        '{"id":"A-3","seller":"s","title":"T","visibility":"gone"}\n{"id":"A-4","seller":"s","title":"T","colour":"red"}\n',
        encoding="utf-8",
    )

    loaded = load(tmp_path, file)

    assert (loaded.listings, loaded.refused) == (1, 5)
    assert read(tmp_path)[0].markets == ("DE", "FR")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("other.csv", b"a,b\n1,2\n", "unknown_columns"),
        ("empty.csv", b"", "unknown_columns"),
        ("none.csv", b"uniq_id,product_name,manufacturer\n,,\n", "no_listings"),
        ("latin.csv", b"uniq_id,product_name,manufacturer\n1,\xe9,b\n", "unreadable_listings"),
        ("broken.csv.gz", b"\x1f\x8b\x08\x00", "unreadable_listings"),
        ("plain.csv.gz", b"uniq_id,product_name,manufacturer\n1,a,b\n", "unreadable_listings"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    catalogue.write(tmp_path, [Listing(id="L-1", seller="s", title="Kept")])
    (tmp_path / name).write_bytes(content)

    with pytest.raises(Problem) as refused:
        load(tmp_path, tmp_path / name)

    assert refused.value.code == code
    assert read(tmp_path)[0].title == "Kept"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="nowhere"):
        load(tmp_path, tmp_path / "nowhere.csv")


@pytest.mark.parametrize(("name", "count"), [("toys_uk_10k.csv.gz", 10_000), ("marketplace_90k.csv.gz", 90_000)])
def test_the_real_exports_load_completely(tmp_path: Path, name: str, count: int) -> None:
    if not SHARED.exists():
        pytest.skip("the shared listing data is not beside this checkout")

    loaded = load(tmp_path, SHARED / name)

    assert loaded.listings >= count
    assert loaded.refused == 0
