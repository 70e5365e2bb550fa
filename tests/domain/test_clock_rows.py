"""Does every row of the clock files attach where its law reaches, and come due when the law says?"""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

import rulebook
from escalations.attaching import Known, attached
from escalations.clocks import Clock, Force, wanted_at
from escalations.model import Domain, Facts, Intake, IntakeKind
from escalations.rules import Start, Unit
from rulebook.calendars import Calendars
from tests.domain import clock_cases, clock_cases_elsewhere
from tests.domain.clock_cases import S3, Case, known, moment, moved

BOOK = rulebook.load()
CALENDARS = Calendars()
CASES = (*clock_cases.CASES, *clock_cases_elsewhere.CASES)
RULES = {f"{rule.id}/{rule.version}": rule for rule in BOOK.clocks}
EVERY_ROW = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
NUMBERED = {Unit.HOUR: 1, Unit.CALENDAR_DAY: 24, Unit.WORKING_DAY: 24, Unit.BUSINESS_DAY: 24, Unit.MONTH: 28 * 24}

THE_LAW_TABLES = """
EU-GPSR-22-4 EU-GPSR-22-5 EU-GPSR-22-8 EU-GPSR-22-6 EU-GPSR-22-12a EU-GPSR-22-12b EU-GPSR-22-12d EU-GPSR-22-12e
EU-GPSR-20 EU-GPSR-22-11 EU-GPSR-26 EU-PLEDGE EU-DSA-9 EU-DSA-10 EU-DSA-16-4 EU-DSA-16-5 EU-DSA-17 EU-DSA-24-5 EU-DSA-18
EU-DSA-20 EU-DSA-21 EU-DSA-22 EU-DSA-23 EU-DSA-30-3 EU-DSA-30-5 EU-DSA-31-3 EU-DSA-32 EU-TCO-3-3 EU-TCO-3-2 EU-TCO-3-6
EU-TCO-3-7 EU-TCO-3-8 EU-TCO-4 EU-TCO-6 EU-TCO-10 EU-TCO-11 EU-TCO-14-5 EU-GDPR-33 EU-GDPR-33-2 EU-GDPR-34 EU-GDPR-12-3
EU-P2B-4 EU-EEV-10 EU-EEV-11 EU-NIS2-23 EU-CRA-14 EU-SANC
US-INF-a1 US-INF-a2 US-INF-a1B US-INF-a1C US-INF-b US-INF-c US-CPSA-15b US-DMCA-c US-DMCA-g US-CSAM US-TIDA US-SCA
US-SAR US-OFAC CA-CCPSA-14-2 CA-CCPSA-14-3
UK-GPSR-9 UK-OSA-10 UK-OSA-10-3A UK-GDPR-33 AU-OSA-77 AU-OSA-65 AU-OSA-88 AU-OSA-109 AU-ACL-131 AU-ACL-128 AU-NDB
IN-ITR-3-1-d IN-ITR-3-2-b IN-ITR-3-2-a IN-ITR-3-1-j IN-ECOM-4 IN-CERT IN-DPDP ID-MR5 ID-PDP VN-147 VN-ECOM SG-PDPA
SG-OCHA JP-CPSA JP-IDPA JP-APPI KR-PIPA KR-NET KR-PSFA CN-ECL-43 CN-RECALL CN-CYB BR-618 BR-ANPD BR-ECA BR-MCI PH-ITA
DE-NAT
"""
STANDING = {
    "EU-GPSR-22-11", "EU-GPSR-26", "EU-DSA-20-6M", "EU-DSA-23", "EU-DSA-31-3", "EU-TCO-3-2", "EU-TCO-4-72H",
    "US-INF-a1B", "US-INF-b", "US-INF-c", "US-CPSA-15b-5D", "US-SAR-KEEP", "US-OFAC-Y", "VN-ECOM-ID",
}  # fmt: skip
UNSETTLED = {
    "EU-GPSR-22-4", "EU-GDPR-33", "UK-OSA-10-3A", "VN-147", "VN-ECOM", "SG-OCHA", "PH-ITA", "KR-PSFA", "EU-EEV-10-10D",
    "US-INF-a1", "US-INF-a1C", "EU-TCO-3-8", "EU-TCO-10", "EU-TCO-11", "EU-TCO-11-C", "IN-ITR-3-2-a-24H",
    "CA-CCPSA-14-2", "CA-CCPSA-14-3", "JP-APPI-3D", "BR-618-10D", "CN-ECL-43", "IN-DPDP", "EU-GPSR-22-8", "US-INF-a2",
    "US-INF-b-10D", "US-CPSA-15b", "US-CPSA-15b-10D", "US-DMCA-g", "US-OFAC",
}  # fmt: skip


def clocks_of(case: Case) -> dict[str, Clock]:
    return {f"{clock.rule}/{clock.version}": clock for clock in attached(BOOK, CALENDARS, known(case))}


def bare(case: Case) -> Known:
    """The same place and time, and nothing that the rule asks for."""
    seen = known(case)
    plain = Intake(
        source="test", source_ref="R-1", kind=IntakeKind.INQUIRY, title="a question", domain=Domain.MEDIA,
        received_at=seen.now, jurisdictions=(case.place,), facts=Facts(),
    )  # fmt: skip
    return Known(intakes=(plain,), domain=Domain.MEDIA, now=seen.now)


@pytest.mark.parametrize("wanted", THE_LAW_TABLES.split())
def test_every_rule_of_the_law_tables_has_a_row(wanted):
    assert [rule for rule in BOOK.clocks if rule.id == wanted or rule.id.startswith(f"{wanted}-")]


def test_every_row_and_version_that_can_start_a_clock_is_in_the_table():
    tried = [case.name for case in CASES]

    assert len(tried) == len(set(tried))
    assert set(tried) == {name for name, rule in RULES.items() if rule.unit is not Unit.STANDING}


@EVERY_ROW
def test_a_row_attaches_and_is_due_when_its_law_says(case):
    found = clocks_of(case)

    if not case.due:
        assert case.name not in found
        return
    clock = found[case.name]
    assert wanted_at(clock) == moment(case.due), clock.derivation
    assert (clock.due_operational is None) is (RULES[case.name].unit is Unit.QUALITATIVE)


@EVERY_ROW
def test_a_row_shows_the_later_reading_where_one_is_defensible(case):
    rule = RULES[case.name]
    if not case.due or rule.unit is Unit.QUALITATIVE:
        return
    clock = clocks_of(case)[case.name]
    assert clock.due_legal_latest == moment(case.latest or case.due)


@EVERY_ROW
def test_a_window_stays_shut_to_the_end_of_its_least_day(case):
    rule, clock = RULES[case.name], clocks_of(case).get(case.name)
    shut_on = ""
    if clock and clock.not_before:
        zone = rule.counting[0].zone.replace("establishment", "Europe/Dublin")
        shut_on = f"{(clock.not_before - timedelta(seconds=1)).astimezone(ZoneInfo(zone)):%Y-%m-%d}"

    assert shut_on == case.opens
    assert bool(shut_on) is bool(rule.most)


@EVERY_ROW
def test_a_row_does_not_reach_beyond_its_jurisdiction(case):
    if RULES[case.name].jurisdiction == "any":
        return
    elsewhere = "CH" if case.place != "CH" else "NO"

    assert case.name not in clocks_of(moved(case, elsewhere))


@EVERY_ROW
def test_a_row_does_not_attach_to_what_its_law_is_not_about(case):
    assert case.name not in {f"{one.rule}/{one.version}" for one in attached(BOOK, CALENDARS, bare(case))}


@EVERY_ROW
def test_a_row_does_not_attach_before_it_was_in_force_nor_after(case):
    rule = RULES[case.name]
    assert rule.effective_from is None or rule.in_force(rule.effective_from)
    days = [rule.effective_from - timedelta(days=1)] if rule.effective_from else []
    days += [rule.effective_to + timedelta(days=1)] if rule.effective_to else []
    for day in days:
        then = replace(case, at=f"{day}T12:00Z", ordered=f"{day}T18:00Z" if case.ordered else "")
        assert case.name not in clocks_of(then)


def test_standing_duties_are_listed_and_start_no_clock():
    listed = {rule.id for rule in BOOK.clocks if rule.unit is Unit.STANDING}
    started = {name.partition("/")[0] for case in CASES for name in clocks_of(case)}

    assert listed == STANDING
    assert not listed & started


@pytest.mark.parametrize("rule", BOOK.clocks, ids=lambda rule: f"{rule.id}/{rule.version}")
def test_a_row_says_where_it_comes_from_and_how_sure_that_is(rule):
    assert rule.source
    assert rule.checked.year == 2026
    assert rule.confidence in ("H", "M", "L")
    assert BOOK.roster.persons_in(rule.owner)
    assert (len(rule.counting) > 1) <= bool(rule.unsettled)
    assert (rule.starts_at is Start.EVENT) is bool(rule.event)
    assert set(rule.also_required) <= {one.id for one in BOOK.clocks}
    if rule.confidence == "L":
        assert "unverified" in rule.source or rule.unsettled


@pytest.mark.parametrize("rule", BOOK.clocks, ids=lambda rule: f"{rule.id}/{rule.version}")
def test_a_margin_is_shorter_than_what_it_warns_of(rule):
    span = rule.internal_target
    if rule.unit in NUMBERED:
        span = timedelta(hours=max(rule.number, 1) * NUMBERED[rule.unit])
    if span is not None:
        assert timedelta() < rule.margin < span


def test_what_is_unsettled_is_marked():
    assert {rule.id for rule in BOOK.clocks if rule.unsettled} >= UNSETTLED


def test_only_the_terrorist_content_hour_may_pause():
    assert [rule.id for rule in BOOK.clocks if rule.suspends_on] == ["EU-TCO-3-3"]


@pytest.mark.parametrize(
    ("received", "version"),
    [
        pytest.param("2026-02-19T18:29Z", 1, id="the-last-evening-in-india"),
        pytest.param("2026-02-19T18:31Z", 2, id="the-first-night-in-india"),
    ],
)
@pytest.mark.parametrize("rule", ["IN-ITR-3-1-d", "IN-ITR-3-2-b", "IN-ITR-3-2-a", "IN-ITR-3-2-a-36H"])
def test_the_indian_amendment_begins_with_the_indian_day(rule, received, version):
    case = next(case for case in CASES if case.rule == rule)

    found = clocks_of(replace(case, at=received))

    assert f"{rule}/{version}" in found
    assert f"{rule}/{3 - version}" not in found


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        pytest.param("EU-GPSR-22-4", {"product": "medicine"}, id="GPSR-22-4-never-for-medicines"),
        pytest.param("EU-GPSR-22-8", {"product": "food"}, id="GPSR-22-8-never-for-food"),
        pytest.param("EU-GPSR-20", {"product": "antique"}, id="GPSR-20-never-for-antiques"),
        pytest.param("UK-GPSR-9", {"product": "medicine"}, id="UK-GPSR-9-never-for-medicines"),
        pytest.param("BR-618-24H", {"product": "medicine"}, id="BR-618-never-for-medicines"),
        pytest.param("US-DMCA-g", {"marks": ("trademark",)}, id="DMCA-put-back-never-for-trade-marks"),
        pytest.param("US-DMCA-g", {"marks": ("counterfeit",)}, id="DMCA-put-back-never-for-counterfeits"),
        pytest.param("EU-GPSR-20", {"marks": ()}, id="GPSR-20-only-for-the-maker"),
        pytest.param("EU-CRA-14-24H", {"marks": ("exploited_vulnerability",)}, id="CRA-only-for-the-maker"),
        pytest.param("EU-DSA-17", {"act": {"restricted": True}}, id="DSA-17-not-for-ordered-removals"),
        pytest.param("EU-TCO-4-48H", {"place": "IE"}, id="TCO-4-only-across-a-border"),
        pytest.param("EU-EEV-10-10D", {"place": "DK"}, id="e-Evidence-not-for-denmark"),
        pytest.param("EU-EEV-10-10D", {"marks": ("emergency_request",)}, id="e-Evidence-emergency-has-eight-hours"),
        pytest.param("EU-DSA-9", {"domain": "LERQ"}, id="DSA-9-not-for-orders-to-inform"),
        pytest.param("SG-PDPA", {"told": {"people_affected": 499}}, id="SG-PDPA-from-500-people"),
        pytest.param("KR-PIPA-R", {"told": {"people_affected": 999}}, id="KR-PIPA-regulator-from-1000-people"),
        pytest.param("AU-OSA-77", {"basis": "Online Safety Act 2021 s. 109"}, id="AU-OSA-by-its-section"),
        pytest.param("EU-GDPR-33", {"marks": ("personal_data_breach", "processor_role")}, id="GDPR-33-no-processor"),
    ],
)  # fmt: skip
def test_a_rule_knows_its_scope(rule, changed):
    case = next(case for case in CASES if case.rule == rule)

    assert case.name in clocks_of(case)
    assert case.name not in clocks_of(replace(case, **changed))


def test_s3_starts_the_clocks_of_a_breach_and_no_others():
    case = next(case for case in CASES if case.rule == "EU-GDPR-33")
    seen = known(replace(case, marks=("high_risk_breach", "personal_data_breach", "sensitive_data")))
    wide = replace(seen.intakes[0], jurisdictions=("DE", "BR", "SG", "KR", "IN", "GB"))

    found = {clock.rule: wanted_at(clock) for clock in attached(BOOK, CALENDARS, replace(seen, intakes=(wide,)))}

    assert set(found) == {
        "EU-GDPR-33", "EU-GDPR-34", "UK-GDPR-33", "KR-PIPA", "KR-PIPA-R", "IN-CERT", "BR-ANPD", "BR-ANPD-S",
    }  # fmt: skip
    assert {found[one] for one in ("EU-GDPR-33", "UK-GDPR-33", "KR-PIPA")} == {moment(S3) + timedelta(hours=72)}


def test_only_law_is_called_law():
    free = {rule.id for rule in BOOK.clocks if rule.force is not Force.LAW}

    assert free == {
        "EU-PLEDGE", "EU-PLEDGE-5", "HOUSE-RECALL-DELIST", "HOUSE-BUYERS", "HOUSE-NCII", "UK-GPSR-9-3D",
        "UK-GPSR-9-10D", "US-SCA-E",
    }  # fmt: skip
