"""Does every record of the recall service become a report, or stay aside with a reason, whatever it looks like?"""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from escalations.model import Domain, IntakeKind
from starter.intake import documents, prose
from starter.intake.feed import REASONS, Batch, clean
from starter.intake.refusals import BadInput
from starter.intake.report import Parsed

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[3] / "shared" / "data" / "recalls"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real recall records are not beside this checkout")

ROW: dict[str, Any] = {
    "RecallID": 90001,
    "RecallNumber": "26901",
    "RecallDate": "2026-11-05T00:00:00",
    "Description": 'This recall involves Halvorsen space heaters, model numbers HV-2200 and HV-2200B. "Halvorsen" is '
    "printed on the front.",
    "URL": "https://www.cpsc.gov/Recalls/2026/Halvorsen-Recalls-Space-Heaters",
    "Title": "Halvorsen Home Recalls Space Heaters Due to Fire Hazard",
    "ConsumerContact": "",
    "LastPublishDate": "2026-11-05T00:00:00",
    "Products": [{"Name": "Halvorsen Space Heaters", "Model": "", "NumberOfUnits": "About 12,000"}],
    "Inconjunctions": [],
    "Injuries": [{"Name": "The firm has received 11 reports of overheating. No injuries have been reported."}],
    "ProductUPCs": [{"UPC": "036000291452"}],
    "Hazards": [{"Name": "The heaters can overheat, posing a fire hazard.", "HazardType": ""}],
    "Remedies": [{"Name": "Consumers should stop using the heaters and contact the firm for a refund."}],
    "RemedyOptions": [{"Option": "Refund"}],
    "Retailers": [],
}


def read(*records: object) -> Batch:
    return documents.read(json.dumps(records).encode(), source="cli", now=NOW)


def one(**changed: object) -> Parsed:
    batch = read(ROW | changed)
    assert not batch.asides
    return batch.reports[0]


def test_a_record_of_the_service_becomes_a_recall_notice() -> None:
    parsed = one()
    intake = parsed.intake

    assert (intake.source, intake.source_ref, intake.kind) == ("cpsc", "26901", IntakeKind.RECALL_NOTICE)
    assert intake.domain is Domain.PSAFE
    assert intake.jurisdictions == ("US",)
    assert intake.product is not None
    assert intake.product.name == "Halvorsen Space Heaters"
    assert intake.product.brand == "Halvorsen"
    assert intake.product.models == ("HV-2200", "HV-2200B")
    assert intake.product.gtins == ("00036000291452",)
    assert intake.facts.units_sold == 12_000
    assert intake.facts.independent_reports == 11
    assert intake.facts.confirmed
    assert intake.facts.serious_hazard
    assert not intake.facts.serious_injuries
    assert intake.summary.startswith("Published 2026-11-05. This recall involves")
    assert intake.received_at == NOW
    assert json.loads(parsed.raw) == ROW


def test_the_raw_bytes_of_a_record_are_those_of_the_file() -> None:
    written = '[ {"RecallID" : 7,  "RecallNumber":"26001","Title":"\\u0041 heater" } ]'

    batch = documents.read(written.encode(), source="cli", now=NOW)

    assert batch.reports[0].raw == written[2:-2].encode()


def test_the_service_answering_its_own_failure_as_a_row_is_kept_aside() -> None:
    row = {"RecallID": 0, "RecallNumber": None, "RecallDate": None, "Title": "Error retrieving Recalls: no provider"}

    batch = read(row | {"Products": []})

    assert batch.form == "cpsc"
    assert [aside.reason for aside in batch.asides] == ["api_error_row"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"RecallNumber": None, "RecallID": 0}, "no_reference"),
        ({"RecallNumber": "../etc", "RecallID": None}, "no_reference"),
        ({"RecallNumber": "00000", "RecallID": -1}, "no_reference"),
        ({"Title": None, "Products": []}, "no_title"),
        ({"Title": " <b> </b> ", "Products": None}, "no_title"),
    ],
)
def test_a_record_that_names_nothing_is_kept_aside_with_the_reason(changed: dict[str, object], reason: str) -> None:
    batch = read(ROW, ROW | changed)

    assert len(batch.reports) == 1
    assert [(aside.reason, aside.place) for aside in batch.asides] == [(reason, 2)]


@pytest.mark.parametrize("other", [None, 3, "text", [], {}, {"VIN": "1"}, {"recall_number": "D-1"}])
def test_a_record_that_is_no_recall_is_kept_aside_and_the_others_go_on(other: object) -> None:
    batch = read(other, ROW)

    assert len(batch.reports) == 1
    assert [aside.reason for aside in batch.asides] == ["not_a_record"]


def test_a_record_that_names_a_field_twice_is_kept_aside_and_the_others_go_on() -> None:
    twice = json.dumps(ROW).replace('"RecallID": 90001', '"RecallID": 90001, "RecallID": 2')

    batch = documents.read(f"[{twice},{json.dumps(ROW)}]".encode(), source="cli", now=NOW)

    assert len(batch.reports) == 1
    assert [(aside.reason, aside.code) for aside in batch.asides] == [("malformed", "duplicate_key")]


@pytest.mark.parametrize("cut", ["[", "[{", f"[{json.dumps(ROW)}", f"[{json.dumps(ROW)},", f"[{json.dumps(ROW)}] x"])
def test_a_list_that_was_cut_says_so(cut: str) -> None:
    with pytest.raises(BadInput) as caught:
        documents.read(cut.encode(), source="cli", now=NOW)

    assert caught.value.code == "not_one_list"


@pytest.mark.parametrize(
    "collection", ["Products", "Inconjunctions", "Injuries", "ProductUPCs", "Hazards", "Remedies", "Retailers"]
)
@pytest.mark.parametrize("value", [None, [], [None], "", 0, {}, [{}], [{"Name": None, "UPC": None, "URL": 5}]])
def test_every_collection_may_be_missing_null_empty_or_odd(collection: str, value: object) -> None:
    assert one(**{collection: value}).intake.source_ref == "26901"


def test_without_a_recall_number_the_recall_id_names_the_record_and_cannot_take_anothers_case() -> None:
    by_id = one(RecallNumber=None, RecallID=26901).intake.source_ref

    assert by_id == "ID-26901"
    assert by_id != one(RecallNumber="26901").intake.source_ref


def test_tags_entities_and_control_characters_do_not_reach_the_case() -> None:
    intake = one(
        Title="Grills &amp; <b>Smokers</b> Recalled&nbsp;Due to Fire\u0000 Hazard",
        Description="<p>First&#8217;s</p><br/>second &lt;b&gt;line&lt;/b&gt;\u2028end",
    ).intake

    assert intake.title == "Grills & Smokers Recalled Due to Fire Hazard"
    assert intake.summary == "Published 2026-11-05. First’s second line end"


def test_a_comparison_is_not_taken_for_a_tag() -> None:
    assert clean("below 5 < 6 and 7 > 6") == "below 5 < 6 and 7 > 6"


def test_long_texts_are_cut_at_a_word() -> None:
    intake = one(Title="heater " * 100, Description="word " * 400, Hazards=[{"Name": "fire " * 200}]).intake

    assert len(intake.title) <= 200
    assert len(intake.summary) <= 400
    assert len(intake.hazard) <= 300
    assert intake.summary.endswith(" word…")


@pytest.mark.parametrize("date", [None, "", "2026-13-45T00:00:00", 7, "soon"])
def test_a_record_without_a_usable_date_is_still_a_case(date: object) -> None:
    assert one(RecallDate=date).intake.summary.startswith("This recall involves")


@pytest.mark.parametrize(
    ("upcs", "gtins"),
    [
        (["036000291452"], ("00036000291452",)),
        (["0 36000 29145 2", "036000291452"], ("00036000291452",)),
        (["036000291453"], ()),
        (["4006381333931, 96385074"], ("04006381333931", "00000096385074")),
        (["various", "", "N/A"], ()),
    ],
)
def test_only_numbers_with_a_right_check_digit_are_sought(upcs: list[str], gtins: tuple[str, ...]) -> None:
    product = one(ProductUPCs=[{"UPC": upc} for upc in upcs]).intake.product

    assert product is not None
    assert product.gtins == gtins


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("About 21,250 (In addition, about 500 were sold in Canada)", 21_750),
        ("About 26,500 pins in the United States and 2,200 in Canada", 28_700),
        ("9,100", 9_100),
        ("About 11,940 (73 units distributed)", 11_940),
        ("About 1.3 million", 1_300_000),
        ("About 5 million (In addition, 1.2 million in Canada and 30,000 in Mexico)", 6_230_000),
        ("Unknown", None),
        ("", None),
    ],
)
def test_units_count_what_was_sold_here_and_abroad(text: str, count: int | None) -> None:
    assert prose.units(text) == count


@pytest.mark.parametrize(
    ("changed", "countries"),
    [
        ({"Inconjunctions": [{"URL": "https://recalls-rappels.canada.ca/en/alert-recall/heater"}]}, ("US", "CA")),
        ({"Products": [{"Name": "X", "NumberOfUnits": "About 10 (In addition, 5 were sold in Canada)"}]}, ("US", "CA")),
        ({"Products": [{"Name": "X", "NumberOfUnits": "10 (also 2 in Canada and 3 in Mexico)"}]}, ("US", "CA", "MX")),
        ({"Retailers": [{"Name": "Canada Goose stores in Boston"}]}, ("US",)),
    ],
)
def test_a_recall_made_with_a_neighbour_is_under_both_laws(
    changed: dict[str, object], countries: tuple[str, ...]
) -> None:
    assert one(**changed).intake.jurisdictions == countries


@pytest.mark.parametrize(
    ("told", "deaths", "serious", "minor", "child"),
    [
        ("None reported.", 0, 0, 0, False),
        ("No injuries have been reported.", 0, 0, 0, False),
        ("The firm has received three reports; though, no injuries or property damage were reported.", 0, 0, 0, False),
        ("There have been no reports of fires, injuries or property damage.", 0, 0, 0, False),
        ("The firm has not received any reports of injuries.", 0, 0, 0, False),
        ("This recall is being conducted to prevent the possibility of injury.", 0, 0, 0, False),
        ("One report of minor property damage.", 0, 0, 0, False),
        ("11 reports of overheating, including one serious burn injury to a child.", 0, 1, 0, True),
        ("Four reports of consumers receiving burns or blisters.", 0, 4, 0, False),
        ("Two reports of minor burns to the hand.", 0, 0, 2, False),
        ("10 reports of injuries, including bruising and one reported concussion.", 0, 1, 9, False),
        ("The cut required 12 stitches.", 0, 1, 0, False),
        ("Two infants died and a 3-year-old boy was hospitalized.", 2, 1, 0, True),
        ("A 45-year-old man died.", 1, 0, 0, False),
        ("No injuries, two deaths reported.", 2, 0, 0, False),
        ("No property damage and two deaths.", 2, 0, 0, False),
        ("No injuries have been reported to date, but the agency is aware of one fatality.", 1, 0, 0, False),
        ("The toddler was not injured.", 0, 0, 0, False),
        ("", 0, 0, 0, False),
    ],
)
def test_injuries_are_read_from_prose_and_doubt_goes_up(
    told: str, deaths: int, serious: int, minor: int, child: bool
) -> None:
    facts = prose.harm(injuries=told, hazard="", about="a heater")

    assert (facts.deaths, facts.serious_injuries, facts.minor_injuries, facts.child_injured) == (
        deaths,
        serious,
        minor,
        child,
    )


@pytest.mark.parametrize(
    ("hazard", "serious"),
    [("", True), ("posing a fire hazard", True), ("posing a laceration hazard", False), ("unclear", True)],
)
def test_silence_about_the_hazard_counts_as_serious(hazard: str, serious: bool) -> None:
    assert prose.harm(injuries="", hazard=hazard, about="Mowers").serious_hazard is serious


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("with model numbers NS-RGFGSS1 and NS-RGFCGS2. The ranges", ("NS-RGFGSS1", "NS-RGFCGS2")),
        ('and "Model: W1056" is printed', ("W1056",)),
        ("Model No. RMS905, sold to gyms", ("RMS905",)),
        ("eight models: HC-07-004 (pewter), HC-07-005 (carbon) and more", ("HC-07-004", "HC-07-005")),
        ("model numbers include 560-0042 or 560-0051.", ("560-0042", "560-0051")),
        ("all model year 2014 through 2016 vehicles", ()),
        ("The model number is located on the hang tag.", ()),
        ("two models of 1.5 HP electric motors", ()),
        ("models measuring 36 inches, 48 inches", ()),
        ("model and serial numbers TB21044 to TB21099", ()),
    ],
)
def test_only_what_is_called_a_model_is_sought_as_one(text: str, models: tuple[str, ...]) -> None:
    assert prose.models(text) == models


@pytest.mark.parametrize(
    ("name", "title", "description", "brand"),
    [
        ("Insignia Gas Ranges", "Best Buy Recalls Insignia Ranges Due to Fire", 'the "Insignia" label', "Insignia"),
        ("STIHL chain saws", "STIHL Recalls Chain Saws Due to Fire", "", "STIHL"),
        ("Adult Bike Helmets", "JBM Recalls Adult Bike Helmets Due to Injury", '"Made in China"', ""),
        ("Space Heaters", "Lowe's Recalls Space Heaters", "", ""),
    ],
)
def test_a_brand_is_named_only_when_the_notice_says_so_twice(
    name: str, title: str, description: str, brand: str
) -> None:
    assert prose.brand(name=name, title=title, description=description) == brand


def test_a_record_repeated_in_one_file_is_the_same_report_twice() -> None:
    first, again = read(ROW, dict(reversed(list(ROW.items())))).reports

    assert first.content_digest == again.content_digest
    assert first.intake.source_ref == again.intake.source_ref


def test_an_archive_of_flat_notices_is_read_line_by_line() -> None:
    notice = {
        "id": "98167b",
        "date": "1998-08-27",
        "title": "Heaters Recalled by Halvorsen",
        "products": ["Halvorsen heaters", "Halvorsen fans"],
        "description": "This recall involves model HV-100.",
        "injury_text": None,
        "has_deaths": True,
        "has_injuries": True,
        "units": "About 30",
        "url": "not an address",
    }
    raw = "\n".join([json.dumps(notice), "", "{broken", json.dumps(notice | {"id": None})]).encode()

    batch = documents.read(raw, source="cli", now=NOW)

    assert batch.form == "cpsc_archive"
    assert [aside.reason for aside in batch.asides] == ["malformed", "no_reference"]
    intake = batch.reports[0].intake
    assert intake.source_ref == "98167B"
    assert intake.facts.deaths == 1
    assert intake.url == ""


@pytest.mark.parametrize(
    "raw",
    [
        b'[{"VIN": 1}, 3]',
        b'{"results": []}',
        b'"text"',
        b"null",
    ],
)
def test_a_file_of_neither_shape_is_one_clear_refusal(raw: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        documents.read(raw, source="cli", now=NOW)

    assert caught.value.code == "unknown_format"
    assert "format=json" in caught.value.problem().line()


@pytest.mark.parametrize(
    "raw", [b"", b" \n", b"plain text", b"<html>busy</html>", b"RecallID,Title", b'<?xml version="1.0"?>']
)
def test_what_is_empty_or_not_json_is_called_so(raw: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        documents.read(raw, source="cli", now=NOW)

    assert caught.value.code == "not_json"
    assert "format=json" in caught.value.problem().line()


def test_an_answer_without_recalls_is_an_empty_batch() -> None:
    assert read() == Batch(form="cpsc", reports=())


@needs_shared
def test_every_real_record_becomes_a_report() -> None:
    folder = SHARED / "raw_api_fixtures"
    files = [
        folder / "transcribed" / "cpsc_recall_api_2_records.json",
        folder / "sm-coding-projects_recall-radar" / "cpsc.json",
    ]

    batches = [documents.read(file.read_bytes(), source="cli", now=NOW) for file in files]

    assert [(batch.form, len(batch.reports), len(batch.asides)) for batch in batches] == [("cpsc", 2, 0)] * 2
    by_number = {parsed.intake.source_ref: parsed.intake for batch in batches for parsed in batch.reports}
    assert by_number["25203"].facts.units_sold == 21_750
    assert by_number["25203"].jurisdictions == ("US", "CA")
    assert by_number["26607"].product is not None
    assert by_number["26607"].product.models == ("QHXP029B",)


@needs_shared
@pytest.mark.parametrize("file", sorted(SHARED.glob("raw_api_fixtures/**/*.*")), ids=lambda file: file.name)
def test_every_raw_file_is_read_or_refused_with_its_reason(file: Path) -> None:
    try:
        batch = documents.read(file.read_bytes(), source="cli", now=NOW)
    except BadInput as refused:
        assert refused.code in ("unknown_format", "not_json", "not_utf8")  # noqa: PT017 (no fourth is right)
    else:
        assert batch.reports
        assert all(aside.reason in REASONS for aside in batch.asides)


@needs_shared
def test_two_hundred_notices_of_fifty_years_become_reports() -> None:
    with gzip.open(SHARED / "cpsc_notices_1973_2024.jsonl.gz", "rb") as stream:
        lines = stream.read().splitlines()[::45][:200]

    batch = documents.read(b"\n".join(lines), source="cli", now=NOW)

    assert batch.form == "cpsc_archive"
    assert len(batch.reports) + len(batch.asides) == 200
    assert len({parsed.intake.source_ref for parsed in batch.reports}) == len(batch.reports) == 200
    assert all(parsed.intake.title and len(parsed.intake.title) <= 200 for parsed in batch.reports)
    assert all(len(parsed.intake.summary) <= 400 and len(parsed.intake.hazard) <= 300 for parsed in batch.reports)
