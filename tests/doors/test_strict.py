"""Is only well-formed JSON let in, in this order of checks, and does nothing but BadInput come out?"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from starter.intake import documents, strict, words
from starter.intake.refusals import REFUSALS, BadInput
from starter.intake.report import parse_report
from starter.intake.schema import report_json_schema

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REPORT = {
    "schema_version": 1,
    "source_ref": "REF-0001",
    "kind": "incident_report",
    "title": "A charger burned a child's hand",
}


def code_of(raw: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        parse_report(strict.one_object(raw), raw, source="demo", now=NOW)
    return caught.value.code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b" " * (strict.REPORT.size + 1), "body_too_large", id="1 larger than 256 KB"),
        pytest.param(b"", "not_one_json_object", id="2 empty"),
        pytest.param(b"[]", "not_one_json_object", id="2 a list"),
        pytest.param(b"3", "not_one_json_object", id="2 a number"),
        pytest.param(b"{} {}", "not_one_json_object", id="2 two documents"),
        pytest.param(b"{} x", "not_one_json_object", id="2 trailing text"),
        pytest.param(b"{} // c", "not_one_json_object", id="2 a comment"),
        pytest.param(b'{"a":"\xff"}', "not_utf8", id="3 not UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "not_utf8", id="3 a surrogate written as UTF-8"),
        pytest.param(json.dumps(REPORT).encode("utf-16"), "not_utf8", id="4 UTF-16 with mark"),
        pytest.param(json.dumps(REPORT).encode("utf-16-le"), "not_utf8", id="4 UTF-16 without mark"),
        pytest.param(json.dumps(REPORT).encode("utf-32-be"), "not_utf8", id="4 UTF-32"),
        pytest.param(b"\xef\xbb\xbf{}", "not_utf8", id="4 byte order mark"),
        pytest.param(b'{"a":' * 50_000, "too_deep", id="5 deep objects"),
        pytest.param(b"[" * 100_000, "too_deep", id="5 deep lists"),
        pytest.param(b'{"a":' + b"9" * 5_000 + b"}", "huge_number", id="6 an integer of 5,000 digits"),
        pytest.param(b'{"a":NaN}', "not_finite", id="7 NaN"),
        pytest.param(b'{"a":-Infinity}', "not_finite", id="7 -Infinity"),
        pytest.param(b'{"a":1e999}', "not_finite", id="7 1e999"),
        pytest.param(b'{"source_ref":"A-1","source_ref":"B-1"}', "duplicate_key", id="10 the same name twice"),
        pytest.param(b'{"order":{"country":"DE","country":"FR"}}', "duplicate_key", id="10 twice further down"),
        pytest.param(b'{"a":"\\ud800"}', "not_utf8", id="21 a lone surrogate"),
        pytest.param(b'{"\\udfff":1}', "not_utf8", id="21 a lone surrogate in a name"),
        pytest.param(
            json.dumps({f"k{number}": 1 for number in range(1_001)}).encode(), "too_many_keys", id="1,001 fields"
        ),
    ],
)
def test_bytes_that_are_no_plain_json_object_are_refused(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    raw = json.dumps({"a": '[{"\\' * 1_000}).encode()

    assert strict.one_object(raw)["a"].startswith('[{"')


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert strict.one_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}


async def test_a_stream_without_announced_length_is_cut_off_at_the_limit() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    with pytest.raises(BadInput, match="body_too_large"):
        await strict.body(endless())

    assert read <= strict.REPORT.size + 65_536


def test_no_refusal_names_a_field_by_the_senders_own_words() -> None:
    raw = b'{"CANARY-name":{"CANARY-a":1,"CANARY-a":2}}'

    with pytest.raises(BadInput) as caught:
        strict.one_object(raw)

    assert "CANARY" not in f"{caught.value.field}{caught.value.text}{caught.value.problem().line()}"


def test_the_published_schema_is_valid_and_takes_what_the_door_takes() -> None:
    schema = report_json_schema()
    Draft202012Validator.check_schema(schema)
    full = REPORT | {
        "kind": "authority_order",
        "source": "demo",
        "summary": "Two lines.\nThe second.",
        "aware_at": "2026-11-21T23:30:00-05:00",
        "jurisdictions": ["EU", "DE"],
        "domain": "PSAFE",
        "product": {"name": "Charger", "brand": "Voltpeak", "models": ["VP-20"], "gtins": ["4006381333931"]},
        "order": {
            "authority": "Market surveillance office",
            "reference": "MSA/2026/17 b",
            "legal_basis": "Regulation (EU) 2023/988 art. 22(4)",
            "country": "DE",
            "reply_to": "orders@authority.example",
            "due_at": "2026-11-24T12:00:00+01:00",
        },
        "listings": ["L-771"],
        "facts": {"serious_injuries": 1, "child_injured": True, "units_sold": None},
        "url": "https://authority.example/orders/17",
    }

    parsed = parse_report(full, b"{}", source="demo", now=NOW)

    Draft202012Validator(schema).validate(full)
    assert parsed.intake.aware_at == datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
    assert parsed.intake.product is not None
    assert parsed.intake.product.gtins == ("04006381333931",)
    assert parsed.intake.order is not None
    assert parsed.intake.order.due_at == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def test_a_long_summary_is_cut_for_the_case_and_the_document_is_named_by_its_bytes() -> None:
    parsed = parse_report(REPORT | {"summary": "word " * 700}, b"raw", source="demo", now=NOW)

    assert len(parsed.intake.summary) <= 400
    assert parsed.intake.summary.endswith("…")
    assert parsed.intake.raw_digest == hashlib.sha256(b"raw").hexdigest()


def test_the_same_report_in_other_spacing_is_the_same_content() -> None:
    first = parse_report(strict.one_object(json.dumps(REPORT).encode()), b"1", source="demo", now=NOW)
    again = parse_report(strict.one_object(json.dumps(REPORT, indent=3).encode()), b"2", source="demo", now=NOW)

    assert first.content_digest == again.content_digest
    assert first.intake.raw_digest != again.intake.raw_digest


def test_texts_are_normalised_once_and_identifiers_never() -> None:
    parsed = parse_report(REPORT | {"title": " Cafe\u0301 heater "}, b"", source="demo", now=NOW)

    assert parsed.intake.title == "Café heater"


JSON_VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=20,
)
RECORD_FIELDS = [
    *("RecallID", "RecallNumber", "RecallDate", "Title", "Description", "URL", "Products", "Inconjunctions"),
    *("Injuries", "ProductUPCs", "Hazards", "Remedies", "Retailers"),
    *("id", "title", "products", "description", "units", "date"),
]
FIELDS = some.sampled_from(
    [
        *("schema_version", "source_ref", "kind", "title", "source", "about", "summary", "hazard", "remedy", "domain"),
        *("aware_at", "jurisdictions", "markets", "product", "order", "listings", "facts", "url", "name", "deaths"),
    ]
)


def refused(call: Callable[[], object]) -> str:
    """Return the code of a refusal, "" for success; anything else that is raised fails the test."""
    try:
        call()
    except BadInput as bad:
        return bad.code
    return ""


@settings(max_examples=300, deadline=None)
@given(raw=some.binary(max_size=300) | some.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_batch_or_bad_input(raw: bytes) -> None:
    assert refused(lambda: documents.read(raw, source="fuzz", now=NOW)) in ("", *REFUSALS)


@settings(max_examples=300, deadline=None)
@given(records=some.lists(some.dictionaries(some.sampled_from(RECORD_FIELDS), JSON_VALUES), min_size=1, max_size=3))
def test_any_feed_is_a_batch_or_bad_input_and_no_record_is_lost(records: list[dict[str, object]]) -> None:
    raw = json.dumps([{"RecallID": 1}, *records]).encode()

    batch = documents.read(raw, source="fuzz", now=NOW)

    assert len(batch.reports) + len(batch.asides) == len(records) + 1


@settings(max_examples=300, deadline=None)
@given(changed=some.dictionaries(FIELDS, JSON_VALUES, max_size=5))
def test_any_document_is_a_report_or_bad_input(changed: dict[str, object]) -> None:
    raw = json.dumps(REPORT | changed).encode()

    code = refused(lambda: parse_report(strict.one_object(raw), raw, source="fuzz", now=NOW))

    assert code in ("", *REFUSALS)


@settings(max_examples=300, deadline=None)
@given(text=some.text(max_size=40) | some.from_regex(words.TIME, fullmatch=True))
def test_any_time_is_utc_or_bad_input(text: str) -> None:
    code = refused(lambda: words.instant(text).strftime("%Z"))

    assert code in ("", "bad_datetime", "timezone_required", "date_out_of_range")
