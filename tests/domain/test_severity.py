"""Does the scale give the bands that the house agreed on, and does doubt go up?"""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

import rulebook
from escalations import severity, situation
from escalations.clocks import Clock, ClockStatus, Force
from escalations.model import AuthorityOrder, Domain, Facts, Intake, IntakeKind, Milestone, Product

BOOK = rulebook.load()
RULES = BOOK.severity
NOW = datetime(2026, 12, 24, 15, 40, tzinfo=UTC)


def report(kind=IntakeKind.INCIDENT_REPORT, **options):
    plain = {"source": "test", "source_ref": "1", "kind": kind, "title": "a report", "received_at": NOW}
    return Intake(**(plain | options))


def scored(*intakes, domain=Domain.PSAFE, clocks=(), contained=False):
    seen = situation.situation(BOOK, intakes, domain, contained=contained)
    return severity.scored(RULES, situation.with_clocks(seen, clocks, NOW))


@pytest.mark.parametrize(
    ("levels", "score", "band"),
    [
        pytest.param((3, 4, 3, 3, 3, 4, 2, 3), "80", 0, id="S1"),
        pytest.param((3, 4, 3, 0, 1, 4, 1, 0), "62.5", 1, id="S3"),
        pytest.param((3, 4, 2, 3, 0, 4, 0, 3), "66.25", 1, id="S4"),
        pytest.param((4, 4, 2, 3, 4, 4, 0, 3), "83.75", 0, id="S4-after-the-flip"),
        pytest.param((4, 4, 3, 3, 2, 4, 3, 4), "87.5", 0, id="S8"),
        pytest.param((4, 4, 4, 4, 4, 4, 4, 4), "100", 0, id="worst"),
        pytest.param((4, 4, 4, 4, 1, 1, 0, 4), "76.25", 0, id="P0-above-75"),
        pytest.param((4, 4, 4, 2, 2, 1, 1, 0), "70", 1, id="P1"),
        pytest.param((2, 2, 2, 2, 2, 2, 2, 2), "50", 2, id="P2"),
        pytest.param((1, 1, 1, 1, 1, 1, 1, 1), "25", 3, id="P3"),
        pytest.param((0, 0, 0, 0, 0, 0, 0, 0), "0", 4, id="P4"),
        pytest.param((4, 4, 3, 0, 0, 4, 4, 2), "73.75", 1, id="just-below-75"),
        pytest.param((4, 4, 0, 4, 4, 4, 0, 0), "75", 0, id="75-is-P0"),
        pytest.param((4, 4, 0, 0, 0, 4, 0, 0), "55", 1, id="55-is-P1"),
        pytest.param((0, 4, 0, 4, 0, 4, 0, 0), "35", 2, id="35-is-P2"),
        pytest.param((0, 0, 0, 0, 0, 4, 0, 0), "15", 3, id="15-is-P3"),
    ],
)
def test_levels_give_the_score_and_the_band(levels, score, band):
    judged = severity.judged(RULES, levels)

    assert (judged.score, judged.band) == (score, band)


def test_s1_is_read_from_its_three_reports():
    product = Product(name="VoltPeak 20K", gtins=("0860009999112",))
    order = AuthorityOrder(
        authority="a German authority", reference="MSA-1", legal_basis="GPSR art. 22(4), (5)", country="DE",
        reply_to="order@authority.example", listings=("L-771",), identical_content=True,
    )  # fmt: skip
    facts = Facts(serious_injuries=1, child_injured=True, units_sold=11_714, velocity=3, media=2)

    found = scored(
        report(source_ref="a", jurisdictions=("AU",), product=product, facts=facts),
        report(IntakeKind.AUTHORITY_ORDER, source_ref="b", jurisdictions=("DE",), product=product, order=order),
        report(source_ref="c", jurisdictions=("US",), product=product),
    )

    assert (found.score, found.band, found.floor) == ("80", 0, 0)
    assert "score 80 of 100 → P0 (75 or more)" in found.steps


@pytest.mark.parametrize(
    ("intake", "floor"),
    [
        pytest.param(report(facts=Facts(deaths=1)), 0, id="confirmed-death"),
        pytest.param(report(facts=Facts(serious_injuries=2)), 0, id="two-serious-injuries"),
        pytest.param(report(facts=Facts(serious_injuries=1, child_injured=True)), 0, id="serious-injury-to-a-child"),
        pytest.param(report(facts=Facts(child_injured=True)), 0, id="a-child-hurt-and-how-badly-is-unknown"),
        pytest.param(report(facts=Facts(minor_injuries=1, child_injured=True)), None, id="a-child-hurt-slightly"),
        pytest.param(report(IntakeKind.RECALL_NOTICE, facts=Facts(serious_injuries=1)), 1, id="recall-with-an-injury"),
        pytest.param(report(facts=Facts(serious_injuries=1)), None, id="one-serious-injury-no-recall"),
    ],
)
def test_floors_are_never_undercut(intake, floor):
    found = scored(intake)

    assert found.floor == floor
    assert floor is None or found.band <= floor


def test_a_binding_order_is_at_least_p2():
    order = AuthorityOrder(authority="a", reference="1", legal_basis="l", country="DE", reply_to="r")
    small = Facts(units_sold=1)

    found = scored(report(IntakeKind.AUTHORITY_ORDER, order=order, facts=small), domain=Domain.MEDIA)

    assert found.floor == 2
    assert found.band <= 2


def test_an_unknown_reach_counts_more_than_a_small_one():
    unknown, small = scored(report()), scored(report(facts=Facts(units_sold=5)))

    assert float(unknown.score) > float(small.score)


def test_two_reports_are_not_added_up_but_the_worse_counts():
    together = situation.facts((report(facts=Facts(minor_injuries=3)), report(facts=Facts(minor_injuries=2))))

    assert together.minor_injuries == 3
    assert together.independent_reports == 2


def law_clock(left, force=Force.LAW):
    return Clock(
        rule="R", version=1, duty="d", instrument="i", meets=Milestone.CONTAINED, t0=NOW, t0_basis="receipt",
        status=ClockStatus.RUNNING, owner="LEG", recipient="r", margin=timedelta(hours=1),
        due_operational=NOW + left, force=force,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("left", "grade"),
    [
        pytest.param(timedelta(hours=-1), 0, id="past-due"),
        pytest.param(timedelta(hours=4), 0, id="U0-4h"),
        pytest.param(timedelta(hours=4, seconds=1), 1, id="U1-above-4h"),
        pytest.param(timedelta(hours=24), 1, id="U1-24h"),
        pytest.param(timedelta(hours=72), 2, id="U2-72h"),
        pytest.param(timedelta(hours=96), 3, id="S1-U3-96h"),
        pytest.param(timedelta(days=14), 3, id="U3-14d"),
        pytest.param(timedelta(days=15), 4, id="U4-later"),
    ],
)
def test_urgency_is_the_time_left_to_the_nearest_binding_clock(left, grade):
    assert severity.urgency(RULES, (law_clock(left),), NOW)[0] == grade


def test_a_promise_is_no_urgency():
    assert severity.urgency(RULES, (law_clock(timedelta(hours=1), Force.VOLUNTARY),), NOW)[0] == 4


@pytest.mark.parametrize(
    ("band", "grade", "priority"),
    [(0, 3, 0), (1, 0, 0), (2, 2, 2), (4, 1, 1), (1, 4, 1)],
    ids=["S1", "S4-india", "equal", "harmless-but-urgent", "bad-but-no-date"],
)
def test_priority_is_the_worse_of_the_two(band, grade, priority):
    assert severity.priority(band, grade) == priority


def test_targets_grow_with_the_priority():
    assert [target.decide for target in RULES.targets] == sorted(target.decide for target in RULES.targets)
    assert RULES.targets[0].ratify == timedelta(hours=4)


def vector(*intakes, domain=Domain.PSAFE, contained=False):
    seen = situation.with_clocks(situation.situation(BOOK, intakes, domain, contained=contained), (), NOW)
    return severity.levels(RULES, seen)


LEAK = report(
    IntakeKind.ALERT, domain=Domain.PRIV, jurisdictions=("DE", "BR", "SG", "KR", "IN"),
    facts=Facts(
        marks=("personal_data_breach", "sensitive_data", "high_risk_breach", "leak_closed"), people_affected=18_204,
        confirmed=True, media=1,
    ),
)  # fmt: skip
IMAGE = Facts(marks=("intimate_image",), people_affected=640, velocity=3)
REQUESTED = report(IntakeKind.REQUEST, domain=Domain.NCII, jurisdictions=("US",), listings=("V-1",), facts=IMAGE)
NOTICED = report(IntakeKind.NOTICE, source_ref="b", domain=Domain.NCII, jurisdictions=("AU",), listings=("V-1",))
COMPLAINED = report(IntakeKind.COMPLAINT, source_ref="c", domain=Domain.NCII, jurisdictions=("IN",))
SIXTEEN = replace(REQUESTED, facts=replace(IMAGE, marks=("csam", "intimate_image", "minor_depicted")))
PEN = Product(name="slimming pen", category="medicine")
HURT = Facts(serious_injuries=2, marks=("imminent_threat",), units_sold=4_300, velocity=3, evading=True)
REGULATOR = report(IntakeKind.INQUIRY, jurisdictions=("GB",), product=PEN, facts=HURT)
FLAGGER = report(IntakeKind.NOTICE, source_ref="B", jurisdictions=("IE",), product=PEN)
PAPER = report(IntakeKind.INQUIRY, source_ref="C", jurisdictions=("GB",), facts=Facts(media=3))
ANVISA = report(IntakeKind.INCIDENT_REPORT, source_ref="D", jurisdictions=("BR",), product=PEN)


@pytest.mark.parametrize(
    ("intakes", "domain", "levels", "score", "floor"),
    [
        pytest.param((LEAK,), Domain.PRIV, (3, 4, 3, 0, 1, 4, 1, 0), "62.5", 1, id="S3"),
        pytest.param(
            (REQUESTED, NOTICED, COMPLAINED), Domain.NCII, (3, 4, 2, 3, 0, 4, 0, 3), "66.25", None, id="S4-at-intake"
        ),
        pytest.param(
            (SIXTEEN, NOTICED, COMPLAINED), Domain.MINOR, (4, 4, 2, 3, 4, 4, 0, 3), "83.75", 0, id="S4-after-the-flip"
        ),
        pytest.param((REGULATOR, FLAGGER, PAPER, ANVISA), Domain.PSAFE, (4, 4, 3, 3, 2, 4, 3, 4), "87.5", 0, id="S8"),
    ],
)
def test_a_scenario_gets_its_levels_from_its_reports(intakes, domain, levels, score, floor):
    found = scored(*intakes, domain=domain)

    assert situation.domain_of(BOOK, intakes) is domain
    assert vector(*intakes, domain=domain) == levels
    assert (found.score, found.floor) == (score, floor)


@pytest.mark.parametrize(
    ("facts", "floor"),
    [
        pytest.param(Facts(marks=("csam",)), 0, id="csam"),
        pytest.param(Facts(marks=("terrorist_content", "live")), 0, id="terrorist-content-live"),
        pytest.param(Facts(marks=("imminent_threat",)), 0, id="imminent-threat"),
        pytest.param(Facts(marks=("high_risk_breach",)), 1, id="breach-of-high-risk"),
        pytest.param(Facts(marks=("personal_data_breach",)), None, id="breach-of-no-known-risk"),
        pytest.param(Facts(marks=("sanctions_match",)), 1, id="sanctions-match"),
        pytest.param(Facts(sellers_wronged=100), 1, id="100-sellers-wronged"),
        pytest.param(Facts(sellers_wronged=99), None, id="99-sellers-wronged"),
        pytest.param(Facts(marks=("recalled",), serious_injuries=1), 1, id="recalled-with-an-injury"),
    ],
)
def test_a_floor_holds_in_every_domain(facts, floor):
    found = scored(report(facts=facts), domain=Domain.MEDIA)

    assert found.floor == floor


@pytest.mark.parametrize(
    ("position", "facts", "level"),
    [
        pytest.param(0, Facts(deaths=1), 4, id="H4-death"),
        pytest.param(0, Facts(marks=("sensitive_data",)), 3, id="H3-sensitive-data"),
        pytest.param(0, Facts(minor_injuries=1), 2, id="H2-minor-injury"),
        pytest.param(0, Facts(), 0, id="H0-a-question"),
        pytest.param(1, Facts(independent_reports=3), 4, id="L4-three-reports"),
        pytest.param(1, Facts(independent_reports=2), 3, id="L3-two-reports"),
        pytest.param(1, Facts(), 2, id="L2-plausible"),
        pytest.param(2, Facts(people_affected=9), 0, id="R0-nine"),
        pytest.param(2, Facts(people_affected=10), 1, id="R1-ten"),
        pytest.param(2, Facts(people_affected=100), 2, id="R2-hundred"),
        pytest.param(2, Facts(units_sold=5, people_affected=1_000), 3, id="R3-the-larger-counts"),
        pytest.param(2, Facts(units_sold=100_000), 4, id="R4-hundred-thousand"),
        pytest.param(2, Facts(), 3, id="R3-not-known"),
        pytest.param(3, Facts(velocity=2), 2, id="V2"),
        pytest.param(3, Facts(marks=("live",)), 4, id="V4-live"),
        pytest.param(4, Facts(marks=("minors_targeted",)), 4, id="U4-minors-targeted"),
        pytest.param(4, Facts(vulnerable_users=True), 3, id="U3-among-the-users"),
        pytest.param(4, Facts(marks=("health_vulnerable",)), 2, id="U2-poor-health"),
        pytest.param(5, Facts(marks=("criminal_liability",)), 4, id="X4-criminal-law"),
        pytest.param(5, Facts(), 1, id="X1-own-terms"),
        pytest.param(6, Facts(media=4), 4, id="M4-a-minister"),
        pytest.param(7, Facts(evading=True), 4, id="C4-evading"),
        pytest.param(7, Facts(marks=("leak_closed",)), 0, id="C0-closed"),
        pytest.param(7, Facts(), 3, id="C3-variants-unknown"),
    ],
)
def test_each_input_has_its_levels(position, facts, level):
    assert vector(report(facts=facts), domain=Domain.LERQ)[position] == level


TARGETS = [
    ("5 min elapsed", "15 min elapsed", "1 h business", "8 h business", "1 d business"),
    ("15 min elapsed", "1 h elapsed", "4 h business", "1 d business", "3 d business"),
    ("30 min elapsed", "2 h elapsed", "8 h business", "2 d business", "5 d business, backlog"),
    ("30 min elapsed", "2 h elapsed", "8 h business", "2 d business", "5 d business"),
    ("20 min elapsed, after 2 h every 1 h", "1 h elapsed", "4 h business", "1 d business", "on change"),
    ("30 min elapsed", "2 h elapsed", "1 d business", "7 d business, weekly digest", "none"),
    ("4 h elapsed", "1 d elapsed", "2 d business", *["2 d business, no emergency is expected"] * 2),
    ("5 d elapsed", "7 d elapsed", "10 d business", "30 d business, by sample", "30 d business, none is owed"),
    ("3 d elapsed, from closing", "5 d business, from closing", "optional", "none", "none"),
]


@pytest.mark.parametrize(
    ("target", "said"),
    list(zip([one.name for one in fields(severity.Response)], TARGETS, strict=True)),
    ids=[one.name for one in fields(severity.Response)],
)
def test_every_target_says_whether_it_is_elapsed_or_business_time(target, said):
    assert tuple(getattr(one, target).in_words() for one in RULES.responses) == said
