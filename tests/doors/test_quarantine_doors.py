"""Can somebody see what could not become a case, and say that it was dealt with?"""

import asyncio
import json
import sys
from pathlib import Path

import pytest
import typer

from starter import people
from starter.cli import guarded
from starter.errors import BAD_INPUT
from store import quarantine
from store.engine import open_engine
from store.migrations import upgrade
from tests.doors.consoles import NOW, Console

EVIL = b'{"title": "\x1b[2Jfire"}\xff\n'


def run(*words: str) -> int:
    app = typer.Typer()
    people.build(app)
    return guarded(lambda: app(["quarantine", *words], standalone_mode=False))


@pytest.fixture
def number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path))
    for name in ("SEAWALL_PERSON", "SEAWALL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    async def kept() -> int:
        engine = open_engine(f"sqlite:///{tmp_path}/casebook.db")
        await upgrade(engine)
        made = await quarantine.keep(engine, source="demo", code="not_utf8", raw=EVIL, received_at=NOW, detail="/title")
        await engine.dispose()
        return made

    return asyncio.run(kept())


def test_the_list_names_the_reason_and_never_the_content(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    plain = capsys.readouterr().out
    assert run("list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)

    assert [line.split("\t")[0] for line in plain.splitlines()] == ["NO", str(number)]
    assert (row["id"], row["code"], row["bytes"], row["detail"]) == (number, "not_utf8", len(EVIL), "/title")
    assert "fire" not in plain + json.dumps(row)


def test_what_was_sent_is_written_out_byte_for_byte(number: int, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("show", str(number)) == 0

    assert capfdbinary.readouterr().out == EVIL


def test_on_a_terminal_what_was_sent_cannot_steer_it(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert run("show", str(number)) == 0

    shown = capsys.readouterr().out
    assert "fire" in shown
    assert "\x1b[2J" not in shown


def test_what_was_dealt_with_leaves_the_list_and_says_who_did_what(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("resolve", str(number), "--reason", "sender told,  sent anew", "--as", "sam.safety") == 0
    capsys.readouterr()
    assert run("list", "--json") == 0
    left = json.loads(capsys.readouterr().out)
    assert run("list", "--resolved", "--json") == 0
    (done,) = json.loads(capsys.readouterr().out)

    assert left == []
    assert done["resolution"] == "sam.safety: sender told, sent anew"
    assert run("resolve", str(number), "--reason", "again", "--as", "sam.safety") == BAD_INPUT


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "999"), "No such record"),
        (("resolve", "999", "--reason", "x", "--as", "sam.safety"), "No such record"),
        (("resolve", "1", "--reason", "  ", "--as", "sam.safety"), "1 to 500 printable"),
        (("resolve", "1", "--reason", "x" * 501, "--as", "sam.safety"), "1 to 500 printable"),
        (("show", "0"), "NUMBER"),
        (("show", "7e3"), "NUMBER"),
    ],
    ids=["show unknown", "resolve unknown", "blank", "long", "nought", "no number"],
)
@pytest.mark.usefixtures("number")
def test_what_cannot_be_meant_is_one_line_and_exit_2(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == BAD_INPUT

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert told in err


async def test_the_console_takes_the_answer_of_its_own_form_only(console: Console) -> None:
    number = await quarantine.keep(console.engine, source="demo", code="not_utf8", raw=EVIL, received_at=NOW)
    await console.sign_in()
    form = await console.form("/quarantine", f"/quarantine/{number}")

    foreign = await console.http.post(f"/quarantine/{number}", data={"reason": "x", "csrf": "other"})
    taken = await console.http.post(f"/quarantine/{number}", data={**form, "reason": "sent anew"})

    assert (foreign.status_code, taken.status_code) == (403, 303)
    (record,) = await quarantine.list(console.engine, resolved=True)
    assert record.resolution.endswith(": sent anew")
    assert "Everything that arrived could be read." in await console.page("/quarantine")
