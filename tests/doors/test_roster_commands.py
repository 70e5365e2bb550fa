"""Does the terminal say whom to ask, with a reason for each, and draw who is on duty with every gap?"""

import json
import shutil
from pathlib import Path

import pytest

from rulebook import sources
from starter.errors import BAD_INPUT, NOT_PERMITTED
from tests.commands import Run


def test_a_chain_is_told_in_order_with_a_reason_for_each(run: Run) -> None:
    words = ("roster", "who", "LEG", "--at", "2026-12-25T02:00Z", "--domain", "PSAFE", "--jurisdiction", "DE")

    code, out, _ = run(*words)
    _, told, _ = run(*words, "--json")
    ask = json.loads(told)["ask"]

    assert code == 0
    assert [one["person"] for one in ask][:2] == ["lena.legal", "lin.legal"]
    assert [one["how"] for one in ask] == sorted(
        (one["how"] for one in ask), key=["on_shift", "on_call", "delegate", "ladder"].index
    )
    assert all(one["why"] and one["why"] in out and one["person"] in out for one in ask)
    assert "on call at seattle until Fri 25 Dec 04:00Z" in out


def test_whoever_may_not_decide_is_left_out(run: Run) -> None:
    _, told, _ = run("roster", "who", "LEG", "--at", "2026-12-25T02:00Z", "--without", "lena.legal", "--json")

    assert "lena.legal" not in [one["person"] for one in json.loads(told)["ask"]]


def test_coverage_is_drawn_with_every_gap(run: Run) -> None:
    code, out, _ = run("roster", "show", "--at", "2026-12-25T02:00Z", "--days", "2")
    _, told, _ = run("roster", "show", "--at", "2026-12-25T02:00Z", "--days", "2", "--json")
    strips = json.loads(told)["strips"]
    csafe = next(one for one in strips if one["role"] == "CSAFE")

    assert code == 0
    assert "Fri 25 Dec 2026 UTC" in out
    assert "Sat 26 Dec 2026 UTC" in out
    assert (csafe["signs"], csafe["gaps"]) == ("##++....++++++++++++++++", [4, 5, 6, 7])
    assert "CSAFE  ##++....++++++++++++++++  gap 04-08Z" in out
    assert all(one["gaps"] == [] for one in strips if one["role"] in ("LEG", "IC"))


def test_part_of_an_hour_is_a_gap_too(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "acme"
    shutil.copytree(sources.HERE / "rosters", own / "rosters")
    path = own / "rosters" / "dublin.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('to: "16:00"', 'to: "15:30"', 1), encoding="utf-8")
    monkeypatch.setenv("SEAWALL_RULEBOOK", str(own))

    _, told, _ = run("roster", "show", "--at", "2026-12-25T02:00Z", "--role", "OPS", "--json")
    strip = json.loads(told)["strips"][0]

    assert strip["signs"] == "##........#####~..######"
    assert 15 in strip["gaps"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(("who", "LGE"), BAD_INPUT, "Did you mean LEG?", id="unknown-role"),
        pytest.param(("who", "LEG", "--at", "tomorrow"), BAD_INPUT, "not readable", id="no-time"),
        pytest.param(("who", "LEG", "--at", "2026-12-25T02:00"), BAD_INPUT, "no zone", id="no-offset"),
        pytest.param(("who", "LEG", "--at", "0001-01-01T00:00Z"), BAD_INPUT, "calendars are known", id="long-ago"),
        pytest.param(("who", "LEG", "--domain", "WORLD"), BAD_INPUT, "Use one of PSAFE", id="unknown-domain"),
        pytest.param(("who", "LEG", "--jurisdiction", "XX"), BAD_INPUT, "no such market", id="unknown-market"),
        pytest.param(("who", "LEG", "--without", "eve.evil"), NOT_PERMITTED, "not on the roster", id="unknown-person"),
        pytest.param(("show", "--days", "0"), BAD_INPUT, "--days", id="no-days"),
        pytest.param(("show", "--days", "99"), BAD_INPUT, "--days", id="too-many-days"),
        pytest.param(("show", "--role", "WIZARD"), BAD_INPUT, "Nobody holds this role", id="unknown-role-shown"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(run: Run, words: tuple[str, ...], code: int, says: str) -> None:
    ended, out, err = run("roster", *words)

    assert (ended, out) == (code, "")
    assert says in err
    assert err.count("\n") == 1
