"""Which listings are the reported product, and which only look so?"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalations.enforcement import Sought
from escalations.matching import Listing, gtin14, match, same_brand, search_words, words

SOUGHT = Sought(
    case_id="ESC-1",
    name="Hearthlow Ceramic Tower Heater",
    brand="Hearthlow",
    models=("HL-TH15", "22600"),
    gtins=("036000291452", "402110031514"),
    listings=("L-1",),
)


def offer(title: str, *, brand: str = "Hearthlow", model: str = "", gtin: str = "", listing: str = "X") -> Listing:
    return Listing(id=listing, seller="s", title=title, brand=brand, model=model, gtin=gtin)


def tier(listing: Listing, sought: Sought = SOUGHT) -> str | None:
    found = match(sought, listing)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("expected", "listing"),
    [
        pytest.param("listing_id", offer("anything", brand="Other", listing="L-1"), id="named by id"),
        pytest.param("gtin", offer("anything", brand="Other", gtin="036000291452"), id="UPC-12"),
        pytest.param("gtin", offer("anything", brand="Other", gtin="0036000291452"), id="same as EAN-13"),
        pytest.param("gtin", offer("anything", brand="Other", gtin="00036000291452"), id="same as GTIN-14"),
        pytest.param(None, offer("anything", brand="Other", gtin="036000291453"), id="wrong check digit"),
        pytest.param(None, offer("anything", brand="Other", gtin="10036000291459"), id="a case of many"),
        pytest.param("gtin", offer("a heater", gtin="402110031514"), id="in-house number, same brand"),
        pytest.param(None, offer("a heater", brand="Other", gtin="402110031514"), id="in-house number, other brand"),
        pytest.param("model", offer("Heater", model="hl th15"), id="model field, other spelling"),
        pytest.param("model", offer("Hearthlow HLTH15 white"), id="model in the title, joined"),
        pytest.param("model", offer("HL-TH15 by Hearthlow", brand=""), id="brand in the title only"),
        pytest.param("model", offer("HL-TH15 by Hearthlow", brand="Generic"), id="brand field says nothing"),
        pytest.param("model", offer("HL-TH15 heater", brand="Hearthlow GmbH"), id="firm's full name"),
        pytest.param("model", offer("HL-TH15 with spare filter"), id="accessory included"),
        pytest.param("model", offer("HL-TH15 for large rooms"), id="'for' after the model"),
        pytest.param("model", offer("toaster 22600"), id="long plain number"),
        pytest.param(None, offer("Heater HL-TH15", brand="Other"), id="another brand"),
        pytest.param(None, offer("Heater HL-TH15X"), id="longer model number"),
        pytest.param(None, offer("Heater THL-TH15"), id="ends alike"),
        pytest.param(None, offer("Filter for HL-TH15"), id="made for it"),
        pytest.param(None, offer("HL-TH15 carry bag"), id="accessory of the same brand"),
        pytest.param(None, offer("Remote compatible with Hearthlow HL-TH15", brand=""), id="compatible with it"),
        pytest.param("title", offer("Hearthlow Ceramic Tower Heater 1500W"), id="nearly the whole name"),
        pytest.param("title", offer("ceramic tower heater, HEARTHLOW™", brand=""), id="order and signs do not matter"),
        pytest.param(None, offer("Hearthlow Ceramic Tower Heater HL-TH20"), id="another model of the series"),
        pytest.param(None, offer("Hearthlow Ceramic Heater"), id="a word of the name is missing"),
        pytest.param(None, offer("Ceramic Tower Heater", brand="Other"), id="same words, other brand"),
        pytest.param(
            None,
            offer("Hearthlow ceramic tower heater oak table kitchen chair garden lamp office desk"),
            id="lost among other words",
        ),
        pytest.param(None, offer("Hearthlow ceramic tower heater cover"), id="accessory by name"),
    ],
)
def test_a_listing_is_matched_by_the_surest_tier_that_holds(expected: str | None, listing: Listing) -> None:
    assert tier(listing) == expected


def test_an_order_for_identical_content_uses_exact_identifiers_only() -> None:
    exact = replace(SOUGHT, exact_only=True)

    assert tier(offer("x", listing="L-1"), exact) == "listing_id"
    assert tier(offer("x", gtin="036000291452"), exact) == "gtin"
    assert tier(offer("Hearthlow HL-TH15", model="HL-TH15"), exact) is None
    assert tier(offer("Hearthlow Ceramic Tower Heater"), exact) is None


@pytest.mark.parametrize("model", ["heater", "1500W", "500ml", "12V", "S1", "2023", "20 000 mAh", ""])
def test_a_model_that_could_be_anything_matches_nothing(model: str) -> None:
    sought = Sought(case_id="ESC-1", name="", brand="Hearthlow", models=(model,))

    assert tier(offer(f"Hearthlow heater {model}"), sought) is None


def test_without_a_brand_only_a_long_model_number_counts() -> None:
    sought = Sought(case_id="ESC-1", name="Tower Ceramic Heater", models=("TH15", "HLTH-1500"))

    assert tier(offer("Heater TH15", brand="Any"), sought) is None
    assert tier(offer("Heater HLTH1500", brand="Any"), sought) == "model"
    assert tier(offer("Tower Ceramic Heater", brand="Any"), sought) is None


def test_what_was_matched_on_is_named() -> None:
    assert match(SOUGHT, offer("x", gtin="036000291452")) == ("gtin", "00036000291452")
    assert match(SOUGHT, offer("Hearthlow HL TH15")) == ("model", "HL-TH15")
    assert match(SOUGHT, offer("Hearthlow Ceramic Tower Heater")) == ("title", "ceramic heater tower")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("036000291452", "00036000291452"),
        ("4006381333931", "04006381333931"),
        ("40-063813 33931", "04006381333931"),
        ("73513537", "00000073513537"),
        ("4006381333932", None),
        ("00000000000000", None),
        ("12345", None),
        ("", None),
        ("４００６３８１３３３９３１", None),
        ("400638133393l", None),
        ("40063813339310", None),
    ],
)
def test_a_gtin_is_written_with_fourteen_digits_or_refused(text: str, expected: str | None) -> None:
    assert gtin14(text) == expected


@given(st.integers(min_value=1, max_value=10**13 - 1), st.integers(min_value=0, max_value=13), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number: int, place: int, change: int) -> None:
    body = f"{number:013}"
    check = next(digit for digit in range(10) if gtin14(f"{body}{digit}"))
    right = f"{body}{check}"

    wrong = right[:place] + str((int(right[place]) + change) % 10) + right[place + 1 :]

    assert gtin14(right) == right
    assert gtin14(wrong) is None


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30), st.text(max_size=20))
def test_no_text_whatsoever_breaks_matching(title: str, brand: str, model: str, gtin: str) -> None:
    sought = Sought(case_id="ESC-1", name=title, brand=brand, models=(model,), gtins=(gtin,))

    found = match(sought, offer(title[::-1], brand=brand, model=model, gtin=gtin))

    assert found is None or found[0] in ("gtin", "model", "title")


def test_words_are_compared_without_case_marks_and_signs() -> None:
    assert words("Weber® GENESIS™ Ep-320, Böhm’s Größe") == ("weber", "genesis", "ep", "320", "bohms", "grosse")


def test_a_brand_is_the_same_with_and_without_its_firm_words() -> None:
    assert same_brand("Weber-Stephen Products LLC", offer("x", brand="weber"))
    assert same_brand("Lexar", offer("x", brand="Lexar Media"))
    assert not same_brand("Lexar", offer("Lexar drive", brand="Nikon"))
    assert not same_brand("", offer("x", brand=""))


@pytest.mark.parametrize(
    "title", ["Pippin &amp; Moss magnet set", "Pippin and Moss magnet set", "Set by PIPPIN & MOSS"]
)
def test_a_brand_in_a_title_is_known_however_its_and_is_written(title: str) -> None:
    assert same_brand("Pippin & Moss", offer(title, brand=""))


def test_the_plural_of_a_notice_is_the_singular_of_a_listing() -> None:
    sought = Sought(case_id="ESC-1", name="Brightnook Orbit Portable Batteries", brand="Brightnook")

    assert match(sought, offer("Brightnook Orbit portable battery", brand="Brightnook")) is not None


def test_a_search_asks_for_the_telling_words_once() -> None:
    assert search_words(SOUGHT) == ("hearthlow", "ceramic", "tower", "heater")
    assert search_words(Sought(case_id="ESC-1", name="The new set of items")) == ()
