"""Is a wrong roster refused, with file, line and what to do, and is an hour without a legal delegate named?"""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import rulebook
from rulebook import RulebookInvalid, reading, sources
from rulebook.roster_judging import judged
from rulebook.roster_rows import DeskFile, PersonsFile, roster
from tests.domain.roster_cases import shipped

EDITION = date(2026, 11, 1)
Edit = tuple[str, str, str]
AWAKE = 'from: "08:00"\n    to: "20:00"'
LIN = "roles: [LEG], desk: singapore"
AWAY = ("persons.yaml", LIN, f"{LIN}, absent: [{{from: 2026-12-25, to: 2026-12-25}}]")
NOBODY_STANDS_IN = ("persons.yaml", "  - {principal: lin.legal, delegate: leo.legal}\n", "")
NO_CALL = ("singapore.yaml", "  awake:\n    days: every_day", "  awake:\n    days: working_days")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "rulebook"
    shutil.copytree(sources.HERE, root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return root


def edited(root: Path, *edits: Edit) -> Path:
    for name, old, new in edits:
        path = root / "rosters" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} no longer says {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return root


def faults(root: Path, *edits: Edit, year: date = EDITION) -> list[str]:
    """Judge the rosters of a folder beside the rest of the shipped rulebook."""
    edited(root, *edits)
    names = [f"rosters/{path.name}" for path in sorted((root / "rosters").glob("*.yaml"))]
    documents = {name: reading.read(root, name) for name in names}
    people = PersonsFile.model_validate(documents[sources.PERSONS].values)
    desks = {name: DeskFile.model_validate(one.values) for name, one in documents.items() if name != sources.PERSONS}
    book = replace(shipped(), roster=roster(people, desks))
    return [f"{where}: {text}" for where, text in judged(documents, desks, book, (year,))]


@pytest.mark.parametrize("year", [date(2026, 11, 1), date(2027, 3, 1), date(2028, 1, 1)])
def test_the_shipped_rosters_cover_every_hour_of_a_year(folder: Path, year: date) -> None:
    assert faults(folder, year=year) == []


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        pytest.param(
            [NO_CALL],
            [
                "rulebook/rosters/seattle.yaml:",
                "on_call.awake.to: no LEG is on shift or on call for CN, EU, ID, IN",
                "from 2026-11-01 03:00Z to 08:00Z (Sat 31 Oct 20:00 to Sun 01 Nov 01:00 America/Los_Angeles)",
                "more times; let this duty end later, or put somebody on call then",
            ],
            id="weekends-in-singapore",
        ),
        pytest.param(
            [("dublin.yaml", AWAKE, AWAKE.replace("20:00", "12:00"))],
            ["from 2026-11-01 12:00Z to 16:00Z (Sun 01 Nov 12:00 to Sun 01 Nov 16:00 Europe/Dublin)"],
            id="afternoons-of-days-off-in-dublin",
        ),
        pytest.param(
            [
                ("dublin.yaml", AWAKE, AWAKE.replace("08:00", "08:01")),
                ("singapore.yaml", AWAKE, AWAKE.replace("20:00", "16:00")),
            ],
            ["rulebook/rosters/singapore.yaml:", "from 2026-11-01 08:00Z to 08:01Z"],
            id="one-minute-is-a-gap",
        ),
        pytest.param(
            [("seattle.yaml", AWAKE, AWAKE.replace("20:00", "16:00"))],
            ["from 2027-03-14 23:00Z to 2027-03-15 00:00Z (Sun 14 Mar 16:00 to Sun 14 Mar 17:00 America/Los_Angeles)"],
            id="an-hour-that-only-summer-time-opens",
        ),
        pytest.param(
            [AWAY, NOBODY_STANDS_IN],
            ["from 2026-12-25 04:00Z to 08:00Z (Thu 24 Dec 20:00 to Fri 25 Dec 00:00 America/Los_Angeles); let"],
            id="7.5-somebody-away-on-christmas-without-a-delegate",
        ),
    ],
)
def test_an_hour_without_a_legal_delegate_is_named(folder: Path, edits: list[Edit], says: list[str]) -> None:
    found = faults(folder, *edits)

    assert found
    assert all(part in found[0] for part in says), found
    assert ";" in found[0]
    assert "\n" not in found[0]


def test_a_delegate_of_somebody_away_keeps_the_hour_covered(folder: Path) -> None:
    assert faults(folder, AWAY) == []


def test_a_delegate_who_is_away_too_leaves_the_hour_open(folder: Path) -> None:
    off = "absent: [{from: 2026-12-24, to: 2026-12-26}]"
    edits = [
        ("persons.yaml", f"roles: {roles}, desk: {desk}", f"roles: {roles}, desk: {desk}, {off}")
        for roles, desk in (("[LEG]", "singapore"), ("[LEG, LERT]", "dublin"), ("[LEG, LERT]", "seattle"))
    ]

    found = faults(folder, *edits)

    assert any("from 2026-12-24 " in one for one in found), found


def test_a_desk_that_may_not_decide_for_a_place_does_not_cover_it(folder: Path) -> None:
    only_asia = "serves: [SG, AU, CN, ID, IN, JP, KR, PH, VN]\nhome: [SG,"

    found = faults(folder, ("singapore.yaml", "home: [SG,", only_asia))

    assert len(found) == 1
    assert "no LEG is on shift or on call for EU from 2026-11-01 03:00Z to 08:00Z" in found[0]


def test_a_place_that_no_desk_serves_is_named(folder: Path) -> None:
    others = "serves: [EU, GB, US, CA, BR, SG, AU, JP, KR, PH, VN, CN, ID]\nnext:"
    only = [(f"{desk}.yaml", "next:", others) for desk in ("dublin", "seattle")]
    third = (
        "singapore.yaml",
        "home: [SG, AU, CN, ID, IN,",
        "serves: [SG, AU, CN, ID, JP, KR, PH, VN]\nhome: [SG, AU, CN, ID,",
    )

    found = faults(folder, *only, third)

    assert any("no desk serves IN, where a clock of 4 h may run; add it to one" in one for one in found)


REFUSALS = [
    pytest.param(
        [("dublin.yaml", "LEG: [leo.legal]", "LEG: [leo.leagl]")],
        "shifts.day.staff.LEG[0]: leo.leagl is not in rosters/persons.yaml; add them",
        id="unknown-person",
    ),
    pytest.param(
        [("dublin.yaml", "IC: [ana.ic]", "WIZARD: [ana.ic]")],
        "shifts.day.staff.WIZARD: nobody holds the role WIZARD; add it to somebody",
        id="unknown-role",
    ),
    pytest.param(
        [("dublin.yaml", "IC: [ana.ic]", "IC: [leo.legal]")],
        "leo.legal does not hold IC; name somebody who does",
        id="role-not-held",
    ),
    pytest.param(
        [("dublin.yaml", "LERT: [leo.legal, lara.liaison]", "LERT: [leo.legal, leo.legal]")],
        "leo.legal is there twice; keep one",
        id="person-twice",
    ),
    pytest.param(
        [("dublin.yaml", "zone: Europe/Dublin", "zone: Europe/Dubln")],
        "zone: is no time zone; use a name such as Europe/Dublin",
        id="unknown-zone",
    ),
    pytest.param(
        [("dublin.yaml", "calendar: IE", "calendar: XX")],
        "calendar: is no known calendar; use a code such as IE",
        id="unknown-calendar",
    ),
    pytest.param(
        [("dublin.yaml", "next: seattle", "next: sydney")],
        "next: is no other desk; use one of seattle, singapore",
        id="unknown-next-desk",
    ),
    pytest.param([("dublin.yaml", "next: seattle", "next: dublin")], "next: is no other desk", id="next-is-itself"),
    pytest.param(
        [("dublin.yaml", "home: [EU, GB]", "home: [EU, XX]")],
        "home[1]: XX is no market or legal order; use a code",
        id="unknown-jurisdiction",
    ),
    pytest.param(
        [("dublin.yaml", "home: [EU, GB]", "home: [EU, GB]\nserves: [EU]")],
        "home: names what the desk does not serve; add it",
        id="home-not-served",
    ),
    pytest.param(
        [("dublin.yaml", "domains: [PSAFE]", "domains: [PSAVE]")],
        "on_call.recalls.domains[0]: PSAVE is no domain; use one",
        id="unknown-domain",
    ),
    pytest.param(
        [("dublin.yaml", 'hours: {from: "09:00", to: "18:00"}', 'hours: {from: "18:00", to: "09:00"}')],
        "hours.to: business hours end on their day; write",
        id="business-hours-over-midnight",
    ),
    pytest.param(
        [("seattle.yaml", "desk: seattle", "desk: dublin")],
        "desk: another file has this desk; rename one",
        id="desk-twice",
    ),
    pytest.param(
        [
            (
                "dublin.yaml",
                'reduced:\n    days: days_off\n    from: "10:00"',
                'reduced:\n    days: every_day\n    from: "10:00"',
            )
        ],
        "shifts.reduced.from: overlaps the shift day of dublin on Mon 02 Nov 2026 for OPS; end one before",
        id="overlapping-shifts",
    ),
    pytest.param(
        [
            (
                "dublin.yaml",
                'days: days_off\n    from: "10:00"\n    to: "16:00"',
                'days: days_off\n    from: "16:00"\n    to: "10:00"',
            )
        ],
        "shifts.reduced.from: overlaps the shift day of dublin on Sun 01 Nov 2026 for OPS",
        id="a-night-shift-that-runs-into-the-day",
    ),
    pytest.param(
        [("seattle.yaml", "OPS: [olga.ops]\n      PSAF", "OPS: [omar.ops]\n      PSAF")],
        "for omar.ops; end one before the other begins",
        id="one-person-at-two-desks",
    ),
    pytest.param(
        [("persons.yaml", "desk: singapore", "desk: sydney")],
        "persons.lin.legal.desk: is no desk; use one of dublin, seattle, singapore",
        id="unknown-desk",
    ),
    pytest.param(
        [
            (
                "persons.yaml",
                "{principal: leo.legal, delegate: lena.legal}",
                "{principal: leo.legal, delegate: lena.leagl}",
            )
        ],
        "delegations[0].delegate: lena.leagl is not among `persons`; add",
        id="unknown-delegate",
    ),
    pytest.param(
        [
            (
                "persons.yaml",
                "{principal: leo.legal, delegate: lena.legal}",
                "{principal: leo.legal, delegate: leo.legal}",
            )
        ],
        "delegations[0].delegate: nobody stands in for themselves; name",
        id="own-delegate",
    ),
    pytest.param(
        [
            (
                "persons.yaml",
                "{principal: leo.legal, delegate: lena.legal}",
                "{principal: leo.legal, delegate: lena.legal, roles: [FIN]}",
            )
        ],
        "delegations[0].roles: leo.legal does not hold FIN; name",
        id="delegates-what-is-not-theirs",
    ),
    pytest.param(
        [("persons.yaml", "asks: [EXEC]", "asks: [WIZARD]")],
        "levels[3].asks[0]: WIZARD is no person and no role that anybody holds; correct",
        id="unknown-level",
    ),
    pytest.param(
        [("persons.yaml", "asks: [EXEC]", "asks: [EXEC], after: PT1H")],
        "levels[3].after: nobody is above the top level; remove it",
        id="above-the-top",
    ),
    pytest.param(
        [("persons.yaml", ', "@owner"], after: PT30M', ', "@owner"]')],
        "levels[0].after: is needed below the top; add one",
        id="no-time-box",
    ),
    pytest.param(
        [("persons.yaml", "  - {title: executive crisis team, asks: [EXEC]}\n", "")],
        "levels: the ladder has the levels L0 to L3, not 3; write four",
        id="three-levels",
    ),
]


@pytest.mark.parametrize(("edits", "says"), REFUSALS)
def test_what_does_not_fit_is_refused_with_its_line(folder: Path, edits: list[Edit], says: str) -> None:
    found = faults(folder, *edits)

    assert any(says in one for one in found), found
    assert all(one.startswith("rulebook/rosters/") and ";" in one for one in found)
    assert all(one.split(":")[1].split(" ")[0].isdigit() for one in found)


SHAPES = [
    pytest.param(
        ("dublin.yaml", 'from: "09:00"\n    to: "18:00"', 'from: "09:00"\n    to: "09:00"'),
        "ends when it begins; write another time",
        id="zero-length",
    ),
    pytest.param(
        ("dublin.yaml", 'from: "09:00"\n    to: "18:00"', "from: 09:00\n    to: 18:00"),
        'shifts.day.to: write a time in quotes, such as "18:00"',
        id="a-time-that-yaml-takes-for-a-number",
    ),
    pytest.param(
        ("dublin.yaml", 'from: "09:00"\n    to: "18:00"', 'from: "9:00"\n    to: "25:00"'),
        "write a time in quotes",
        id="no-time",
    ),
    pytest.param(
        ("dublin.yaml", "days: working_days", "days: workdays"),
        "shifts.day.days: Input should be",
        id="unknown-kind-of-day",
    ),
    pytest.param(
        ("dublin.yaml", "weekend: [saturday, sunday]", "weekend: [saturday, sonday]"),
        "weekend[1]: Input should be",
        id="unknown-weekday",
    ),
    pytest.param(
        ("dublin.yaml", "calendar: IE", "calender: IE"),
        "calender: is not a field of this file; remove it",
        id="unknown-field",
    ),
    pytest.param(
        ("dublin.yaml", "    staff: {OPS: [omar.ops]}", "    staff: {}"),
        "shifts.reduced.staff: ",
        id="nobody-in-a-shift",
    ),
    pytest.param(
        ("persons.yaml", "delegate: lena.legal}", "delegate: lena.legal, from: 2026-12-02, to: 2026-12-01}"),
        "ends before it begins; correct the days",
        id="days-in-the-wrong-order",
    ),
]


@pytest.mark.parametrize(("edit", "says"), SHAPES)
def test_a_file_of_another_shape_is_refused_at_load_with_its_line(folder: Path, edit: Edit, says: str) -> None:
    with pytest.raises(RulebookInvalid) as refused:
        rulebook.load(edited(folder, edit))

    assert says in str(refused.value)
    assert str(refused.value).startswith("rulebook/rosters/")


def test_a_gap_is_refused_at_load_and_told_by_the_check(folder: Path) -> None:
    edited(folder, NO_CALL)

    with pytest.raises(RulebookInvalid, match=r"seattle\.yaml:\d+ on_call\.awake\.to: no LEG is on shift"):
        rulebook.load(folder)
    assert len(rulebook.faults(folder)) == 1


def test_the_check_looks_a_year_ahead_of_today_too(folder: Path) -> None:
    edited(folder, ("persons.yaml", LIN, f"{LIN}, absent: [{{from: 2029-05-01, to: 2029-05-02}}]"), NOBODY_STANDS_IN)

    assert rulebook.faults(folder) == ()
    assert ["2029-05-01" in text for _, text in rulebook.faults(folder, today=date(2029, 1, 1))] == [True]


def test_a_company_replaces_the_rosters_as_a_whole(tmp_path: Path) -> None:
    own = tmp_path / "acme"
    shutil.copytree(sources.HERE / "rosters", own / "rosters")
    edited(own, ("persons.yaml", "Ana Duarte", "Ana Duarte-Lopes"))
    whole = rulebook.load(company=own)
    (own / "rosters" / "seattle.yaml").unlink()
    people = own / "rosters" / "persons.yaml"
    people.write_text(people.read_text(encoding="utf-8").replace("desk: seattle", "desk: dublin"), encoding="utf-8")
    edited(own, ("dublin.yaml", "next: seattle", "next: singapore"))

    assert whole.roster.persons[0].name == "Ana Duarte-Lopes"
    with pytest.raises(RulebookInvalid, match=r"acme/rosters/dublin\.yaml:\d+ on_call\.awake\.to: .* 20:00Z"):
        rulebook.load(company=own)


def test_a_company_with_a_roster_of_before_keeps_no_hours(tmp_path: Path) -> None:
    own = tmp_path / "acme"
    own.mkdir()
    people = [f"  {one.id}: {{name: {one.name}, roles: [{', '.join(one.roles)}]}}" for one in shipped().roster.persons]
    (own / "rosters.yaml").write_text("\n".join(["persons:", *people, ""]), encoding="utf-8")

    book = rulebook.load(company=own)

    assert [one.id for one in book.roster.persons] == [one.id for one in shipped().roster.persons]
    assert (book.roster.desks, book.roster.levels) == ((), ())


def test_an_overlay_replaces_the_rosters_as_a_whole(folder: Path) -> None:
    shutil.copytree(folder / "rosters", folder / "demo" / "rosters")
    path = folder / "demo" / "rosters" / "persons.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Ana Duarte", "Ana Duarte-Lopes"), encoding="utf-8")

    assert rulebook.load(folder, overlay="demo").roster.persons[0].name == "Ana Duarte-Lopes"
    assert rulebook.load(folder).roster.persons[0].name == "Ana Duarte"


def test_a_folder_of_people_without_desks_is_refused(folder: Path) -> None:
    for path in (folder / "rosters").glob("*.yaml"):
        if path.name != "persons.yaml":
            path.unlink()

    with pytest.raises(RulebookInvalid, match=r"persons\.yaml"):
        rulebook.load(folder)
