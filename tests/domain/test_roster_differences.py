"""Is a changed roster told in words?"""

import pytest

from rulebook.roster_differences import told
from tests.domain.roster_cases import DUBLIN, LEVELS, PERSONS, RIYADH, book

OLD = book(DUBLIN, people=PERSONS + LEVELS).roster


@pytest.mark.parametrize(
    ("desks", "people", "lines"),
    [
        pytest.param([DUBLIN], PERSONS + LEVELS, [], id="nothing"),
        pytest.param([DUBLIN, RIYADH], PERSONS + LEVELS, ["desk riyadh is new"], id="a-desk"),
        pytest.param([RIYADH], PERSONS + LEVELS, ["desk riyadh is new", "desk dublin is gone"], id="another-desk"),
        pytest.param(
            [DUBLIN.replace('to: "18:00", staff', 'to: "17:00", staff')],
            PERSONS + LEVELS,
            ["desk dublin: shift day changed"],
            id="hours",
        ),
        pytest.param(
            [DUBLIN.replace("  day:", "  late:")],
            PERSONS + LEVELS,
            ["desk dublin: shift day is gone", "desk dublin: shift late is new"],
            id="another-shift",
        ),
        pytest.param(
            [DUBLIN.replace("Europe/Dublin", "Europe/London")],
            PERSONS + LEVELS,
            ["desk dublin: zone changed"],
            id="zone",
        ),
        pytest.param(
            [DUBLIN],
            PERSONS.replace("roles: [IC]", "roles: [IC, OPS]") + LEVELS,
            ["person ana.ic: roles IC → IC, OPS"],
            id="roles",
        ),
        pytest.param(
            [DUBLIN],
            PERSONS.replace("roles: [IC]", "roles: [IC], desk: dublin, absent: [{from: 2026-12-24, to: 2026-12-26}]")
            + LEVELS,
            ["person ana.ic: days off changed", "person ana.ic: desk none → dublin"],
            id="days-off",
        ),
        pytest.param(
            [DUBLIN],
            PERSONS + "delegations: [{principal: leo.legal, delegate: lin.legal}]" + LEVELS,
            ["roster: who stands in for whom changed"],
            id="delegation",
        ),
        pytest.param(
            [DUBLIN],
            PERSONS + LEVELS.replace("PT60M", "PT30M"),
            ["roster: the ladder L0 to L3 changed"],
            id="ladder",
        ),
    ],
)
def test_what_differs_is_told_line_by_line(desks: list[str], people: str, lines: list[str]) -> None:
    assert list(told(OLD, book(*desks, people=people).roster)) == lines
