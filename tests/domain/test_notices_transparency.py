"""Does every statement of reasons keep the database's rules before it is sent?"""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from escalations import notices, transparency
from escalations.notices import NoticeUnfit
from tests.domain.test_notices import REASONS

PUID = "ESC-7Q2M-0ABC-XYZ1-L-1-1"
OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "dsa" / "dsa_statement_enums.json"


def test_a_statement_about_an_unsafe_product_holds_exactly_these_fields() -> None:
    written = transparency.statement(REASONS, puid=PUID, facts="It can burn.", gtin="09521100200110")

    assert written == {
        "puid": PUID,
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"],
        "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
        "illegal_content_legal_ground": "Regulation (EU) 2023/988, Article 5",
        "illegal_content_explanation": "A product that can catch fire in normal use is not safe.",
        "content_type": ["CONTENT_TYPE_PRODUCT"],
        "category": "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS",
        "category_specification": ["KEYWORD_UNSAFE_PRODUCTS"],
        "territorial_scope": ["DE", "FR"],
        "content_date": "2026-11-22",
        "application_date": "2026-11-22",
        "end_date_visibility_restriction": "2027-05-22",
        "decision_facts": "It can burn.",
        "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION",
        "automated_detection": "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "content_id": {"EAN-13": "9521100200110"},
    }


def test_a_breach_of_terms_uses_the_contractual_fields() -> None:
    broken = replace(REASONS, ground="INCOMPATIBLE_CONTENT", basis="Terms, section 4")

    written = transparency.statement(broken, puid=PUID, facts="x")

    assert written["incompatible_content_ground"] == "Terms, section 4"
    assert "illegal_content_legal_ground" not in written


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("restriction", "OTHER", "'restriction'"),
        ("ground", "BAD", "'ground'"),
        ("source", "RUMOUR", "'source'"),
        ("detection", "Maybe", "'detection'"),
        ("decision", "Yes", "'decision'"),
        ("category", "TOYS", "'category'"),
        ("keywords", ("TOYS",), "'keywords'"),
        ("basis", "x" * 501, "'basis'"),
        ("basis", " ", "'basis'"),
        ("explanation", "x" * 2001, "'explanation'"),
        ("explanation", "write to ana@person.example", "'explanation'"),
        ("explanation", "call +49 30 1234 5678", "'explanation'"),
        ("territory", (), "'territory'"),
        ("territory", ("US", "GB"), "'territory'"),
        ("restricted_on", date(2019, 12, 31), "'restricted_on'"),
        ("restricted_on", date(2038, 1, 2), "'restricted_on'"),
        ("listed_on", date(1999, 12, 31), "'listed_on'"),
        ("until", date(2026, 11, 21), "'until'"),
    ],
)
def test_a_rule_that_is_broken_names_its_field(field: str, value: Any, says: str) -> None:
    with pytest.raises(NoticeUnfit, match=says) as caught:
        transparency.statement(replace(REASONS, **{field: value}), puid=PUID, facts="x")

    assert "ana@" not in str(caught.value)


@pytest.mark.parametrize("facts", ["", "x" * 5001, "sold by ana@person.example"])
def test_facts_have_a_length_and_no_address(facts: str) -> None:
    with pytest.raises(NoticeUnfit, match="'facts'"):
        transparency.statement(REASONS, puid=PUID, facts=facts)


@pytest.mark.parametrize("puid", ["", "ESC 1", "ESC/1", "ÄSC-1", "x" * 501])
def test_a_puid_that_the_database_refuses_is_never_sent(puid: str) -> None:
    with pytest.raises(NoticeUnfit, match="puid"):
        transparency.statement(REASONS, puid=puid, facts="x")


def test_a_puid_is_the_same_each_time_and_differs_by_listing_and_decision() -> None:
    made = transparency.puid("ESC-1", "L-1", 2)

    assert made == "ESC-1-L-1-2"
    assert len({transparency.puid("ESC-1", listing, 1) for listing in ("a.b", "a_b", "a/b", "ä", "x" * 600)}) == 5
    assert all(
        transparency.PUID_SAFE.fullmatch(transparency.puid("ESC-1", listing, 1)) for listing in ("a.b", "ä", "x" * 600)
    )


@pytest.mark.parametrize(
    ("codes", "spelled"),
    [
        (("FR", "DE", "FR"), ("DE", "FR")),
        (("EU",), transparency.EU),
        (("EEA", "DE"), transparency.EEA),
        (("EL", "US"), ("GR",)),
        (("US",), ()),
    ],
)
def test_territory_is_spelled_out_in_eea_countries(codes: tuple[str, ...], spelled: tuple[str, ...]) -> None:
    assert transparency.territory(codes) == spelled


@pytest.mark.parametrize("gtin", ["", "952110020011", "19521100200110", "952110020011X", "٩521100200110"])
def test_only_a_13_digit_ean_becomes_a_content_id(gtin: str) -> None:
    assert "content_id" not in transparency.statement(REASONS, puid=PUID, facts="x", gtin=gtin)


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the database's own list of codes is not beside this checkout")
def test_our_codes_are_the_codes_of_the_database() -> None:
    official = json.loads(OFFICIAL.read_text(encoding="utf-8"))

    assert {f"STATEMENT_CATEGORY_{word}" for word in transparency.CATEGORIES} == set(official["STATEMENT_CATEGORIES"])
    assert {f"KEYWORD_{word}" for word in transparency.KEYWORDS} == set(official["KEYWORDS"])
    assert set(transparency.EU) == set(official["EUROPEAN_UNION_COUNTRY_CODES"])
    assert set(transparency.EEA) == set(official["EUROPEAN_COUNTRY_CODES"])
    assert {f"DECISION_VISIBILITY_{word}" for word in notices.RESTRICTIONS} <= set(official["DECISION_VISIBILITIES"])
    assert {f"SOURCE_{word}" for word in notices.SOURCES} == set(official["SOURCE_TYPES"])
    assert {f"AUTOMATED_DECISION_{word}" for word in notices.DECISIONS} == set(official["AUTOMATED_DECISIONS"])
    assert {f"DECISION_GROUND_{word}" for word in notices.GROUNDS} == set(official["DECISION_GROUNDS"])
