"""Can anybody act as somebody else? Links, sessions, keys and attestations of the local sign-in."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

import rulebook
from escalations.messages import Claim, Said
from starter import signin
from starter.errors import MISCONFIGURED, NOT_PERMITTED, Problem
from tests.browser import planted

NOW = planted.start()
SECOND = timedelta(seconds=1)
SITE = "http://console.test"


def token(home: Path, person: str = "leo.legal") -> str:
    return signin.new_link(home, person, base_url=SITE, now=NOW).split("token=")[1]


def test_a_link_ends_after_fifteen_minutes(tmp_path: Path) -> None:
    given = token(tmp_path)

    assert signin.holder(tmp_path, given, now=NOW + signin.LINK_LASTS - SECOND) == "leo.legal"
    with pytest.raises(Problem) as refused:
        signin.consume(tmp_path, given, now=NOW + signin.LINK_LASTS)

    assert (refused.value.code, refused.value.exit_code) == ("link_unusable", NOT_PERMITTED)


def test_of_many_who_use_one_link_at_once_one_gets_in(tmp_path: Path) -> None:
    given = token(tmp_path)

    def enter(_: int) -> bool:
        try:
            signin.consume(tmp_path, given, now=NOW)
        except Problem:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(enter, range(24))) == 1


def test_links_made_at_once_all_work(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(lambda number: token(tmp_path, f"person.{number}"), range(24)))

    assert [signin.holder(tmp_path, given, now=NOW) for given in tokens] == [f"person.{number}" for number in range(24)]


def test_what_is_kept_signs_nobody_in(tmp_path: Path) -> None:
    given = token(tmp_path)
    entered = signin.consume(tmp_path, token(tmp_path), now=NOW)

    kept = (tmp_path / "signin.json").read_text()

    assert given not in kept
    assert entered.id not in kept
    assert stat.S_IMODE((tmp_path / "signin.json").stat().st_mode) == 0o600


def test_a_session_ends_after_twelve_hours_and_is_forgotten(tmp_path: Path) -> None:
    entered = signin.consume(tmp_path, token(tmp_path), now=NOW)
    written = signin.cookie(tmp_path, entered)

    assert signin.session(tmp_path, written, now=NOW + signin.SESSION_LASTS - SECOND) == entered
    assert signin.session(tmp_path, written, now=NOW + signin.SESSION_LASTS) is None
    signin.new_link(tmp_path, "ana.ic", base_url=SITE, now=NOW + signin.SESSION_LASTS)
    assert json.loads((tmp_path / "signin.json").read_text())["sessions"] == {}


def test_a_cookie_that_was_changed_or_made_elsewhere_is_nobody(tmp_path: Path) -> None:
    entered = signin.consume(tmp_path, token(tmp_path), now=NOW)
    written = signin.cookie(tmp_path, entered)
    elsewhere = signin.cookie(tmp_path / "elsewhere", entered)

    for forged in (
        "",
        "x",
        written[:-1],
        f"{written}x",
        elsewhere,
        written.replace(".", "..", 1),
        "ключ",
        "." * 10_000,
    ):
        assert signin.session(tmp_path, forged, now=NOW) is None


def test_a_signed_cookie_for_another_person_than_its_session_is_nobody(tmp_path: Path) -> None:
    entered = signin.consume(tmp_path, token(tmp_path), now=NOW)

    written = signin.cookie(tmp_path, signin.Session(person="eric.exec", id=entered.id, csrf=entered.csrf))

    assert signin.session(tmp_path, written, now=NOW) is None


def test_keys_are_made_once_for_the_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: signin.key(tmp_path, "console"), range(16)))

    assert len(found) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["console.key"]
    assert stat.S_IMODE((tmp_path / "keys" / "console.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("harm", ["readable by others", "cut short"])
def test_a_key_that_others_can_read_or_that_is_damaged_is_refused(tmp_path: Path, harm: str) -> None:
    signin.key(tmp_path, "console")
    path = tmp_path / "keys" / "console.key"
    if harm == "cut short":
        path.write_bytes(b"short")
    else:
        path.chmod(0o640)

    with pytest.raises(Problem) as refused:
        signin.key(tmp_path, "console")

    assert refused.value.exit_code == MISCONFIGURED


def test_a_damaged_file_of_sessions_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "signin.json").write_text("[]")

    with pytest.raises(Problem) as refused:
        token(tmp_path)

    assert (refused.value.code, refused.value.exit_code) == ("misconfigured", MISCONFIGURED)


def test_an_attestation_of_another_installation_is_worth_nothing(tmp_path: Path) -> None:
    message = Claim(said=Said(request_id="r-1", person="ana.ic"))

    signed = signin.attested(message, planted.CASE, door="cli", home=tmp_path)

    assert signin.is_attested(signed, planted.CASE, home=tmp_path)
    assert not signin.is_attested(signed, planted.CASE, home=tmp_path / "elsewhere")
    assert not signin.is_attested(message, planted.CASE, home=tmp_path)


def test_only_persons_of_the_roster_may_act() -> None:
    roster = rulebook.load().roster

    assert signin.person_on(roster, "ana.ic") == "ana.ic"
    for person, code in (("", "who"), ("eve", "not_on_roster"), ("ANA.IC", "not_on_roster")):
        with pytest.raises(Problem) as refused:
            signin.person_on(roster, person)
        assert (refused.value.code, refused.value.exit_code) == (code, NOT_PERMITTED)
