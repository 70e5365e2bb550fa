"""Does what-if say what a rulebook changes, and nothing that it does not know?"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import rulebook
from escalations.conditions import ALWAYS
from escalations.consensus import GateKind
from escalations.rulebook import Rulebook, UnknownRulebook
from replay import commands, histories, reading
from replay.simulation.traces import Trace
from replay.simulation.traces_reading import traced
from replay.whatif import page as pages
from replay.whatif import report, trial
from replay.whatif.effect import Effect
from replay.whatif.trial import Tried
from rulebook.calendars import Calendars
from starter.errors import BAD_INPUT, Problem
from starter.keyring import open_ring
from starter.sealing import data_converter
from tests.replay import corpus

OTHERS = ("-sweep-", "-restore-", "-prevention-")
CASES = [path for path in histories.files([corpus.HISTORIES]) if not any(other in path.name for other in OTHERS)]
CONVERTER = data_converter(corpus.ring(), corpus.NAMESPACE)


def kept(version: str) -> Rulebook:
    return rulebook.load(corpus.RULEBOOKS / version)


ON = trial.bench(CONVERTER.payload_converter, kept, reading.workflows(), Calendars())
VERSION = next(path.name for path in corpus.RULEBOOKS.iterdir())
BOOK = ON.find(VERSION)


async def trace(name: str) -> Trace:
    return await traced([histories.of_file(corpus.HISTORIES / f"{name}.json.gz")], CONVERTER)


def changed(change: Callable[[Rulebook], Rulebook]) -> Rulebook:
    return replace(change(BOOK), version="2026.11-candidate")


def with_gates(kind: GateKind, **values: object) -> Rulebook:
    """Change every gate of a kind."""

    def change(book: Rulebook) -> Rulebook:
        return replace(
            book,
            playbooks=tuple(
                replace(one, gates=tuple(replace(gate, **values) if gate.kind is kind else gate for gate in one.gates))  # type: ignore[arg-type]
                for one in book.playbooks
            ),
        )

    return changed(change)


def effect(told: Tried, place: int = 0) -> Effect:
    assert told.left_out is None, told.left_out
    return told.effects[place]


@pytest.mark.parametrize("path", CASES, ids=[path.name.split(".")[0] for path in CASES])
async def test_the_same_rules_under_another_name_change_nothing_in_any_recorded_case(path: Path) -> None:
    told = trial.tried(await traced([histories.of_file(path)], CONVERTER), ON, changed(lambda book: book))

    found = effect(told)
    assert (found.changes, found.misses, found.unused, found.vain.too_late, found.vain.never_needed) == ((),) * 5
    assert found.after.rulebook != found.before.rulebook


async def test_a_shorter_time_box_takes_the_default_that_much_earlier() -> None:
    minutes = tuple(timedelta(minutes=15) for _ in range(5))
    told = trial.tried(await trace("default"), ON, with_gates(GateKind.LEGAL_REVIEW, time_box=minutes))

    found = effect(told)
    before, after = found.before.gates[0], found.after.gates[0]
    assert (before.how, after.how) == ("default", "default")
    assert after.due_at - after.opened_at == timedelta(minutes=15)
    assert found.after.closed_at is not None
    assert found.before.closed_at is not None
    assert found.after.closed_at < found.before.closed_at


async def test_people_who_take_too_long_for_a_short_time_box_are_too_late() -> None:
    seconds = tuple(timedelta(milliseconds=1) for _ in range(5))
    candidate = with_gates(GateKind.LEGAL_REVIEW, time_box=seconds)
    told = trial.tried(await trace("rejected"), ON, candidate)

    found = effect(told)
    assert found.after.gates[0].how == "default"
    assert found.vain.too_late.count("decide") == 2


async def test_a_question_no_longer_asked_needs_no_answer() -> None:
    def without_root_cause(book: Rulebook) -> Rulebook:
        return replace(book, playbooks=tuple(replace(one, root_cause_to=-1) for one in book.playbooks))

    told = trial.tried(await trace("emergency-ratified"), ON, changed(without_root_cause))

    found = effect(told)
    assert {"decide", "finding"} <= set(found.vain.never_needed)
    assert [gate.name for gate in found.after.gates if gate.name.startswith("root_cause")] == []


async def test_a_call_that_nobody_recorded_is_named_and_assumed_to_work() -> None:
    def everything_at_once(book: Rulebook) -> Rulebook:
        return replace(book, playbooks=tuple(replace(one, page=ALWAYS) for one in book.playbooks))

    told = trial.tried(await trace("ordinary"), ON, changed(everything_at_once))

    assert effect(told).misses == ("page",)
    assert effect(told).after.closed_at is not None


async def test_twice_as_slow_people_answer_twice_as_long_after_the_question() -> None:
    told = trial.tried(await trace("ordinary"), ON, changed(lambda book: book), (1.0, 2.0))

    once, twice = (effect(told, place).after.gates[0] for place in (0, 1))
    assert once.decided_at is not None
    assert twice.decided_at is not None
    assert twice.opened_at == once.opened_at
    took, took_twice = once.decided_at - once.opened_at, twice.decided_at - twice.opened_at
    assert took < took_twice <= 2 * took


async def test_a_case_whose_rulebook_is_not_kept_is_left_out_and_says_so() -> None:
    def lost(version: str) -> Rulebook:
        raise UnknownRulebook(f"rulebook {version} is not kept here; put it back")

    on = trial.bench(CONVERTER.payload_converter, lost, reading.workflows(), Calendars())
    told = trial.tried(await trace("ordinary"), on, BOOK)

    assert told.left_out is not None
    assert "is not kept here" in told.left_out.line()


# The page


@pytest.fixture
async def page() -> str:
    tries = [trial.tried(await trace(name), ON, changed(lambda book: book)) for name in ("ordinary", "rejected")]
    return pages.page(report.report("candidate <1>", tries, (1.0,), (("ESC-<b>", "why & how"),)))


async def test_the_page_holds_everything_and_asks_for_nothing(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"(?:\bsrc=|href=|url\(|@import)", page)
    assert "style=" not in page
    assert "default-src 'none'" in page
    assert page.count(report.NOTE) == 2


async def test_every_plot_has_a_title_and_its_numbers_in_words(page: str) -> None:
    plots = re.findall(r'<svg class="plot" role="img".*?</svg>', page, flags=re.DOTALL)

    assert len(plots) == 6
    for plot in plots:
        assert re.search(r"<title id=[^>]+>\w", plot)
        assert re.search(r"<desc id=[^>]+>[^<]+\d", plot)


async def test_what_is_said_on_the_page_cannot_become_markup(page: str) -> None:
    assert "candidate &lt;1&gt;" in page
    assert "ESC-&lt;b&gt;" in page
    assert "why &amp; how" in page


# The command


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    copy = Path(shutil.copyfile(corpus.KEYRING, tmp_path / "ring.json"))
    copy.chmod(0o600)
    return copy


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A company's folder: whoever leads legal review is asked for an hour only."""
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "gates.yaml").write_text("gates:\n  legal_review:\n    time_box: [PT20M, PT20M, PT20M, PT20M, PT20M]\n")
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))


def run(*words: object) -> tuple[int, str]:
    app = typer.Typer()
    commands.build(app)
    ended = CliRunner().invoke(app, ["replay", "what-if", *map(str, words)], standalone_mode=False)
    if isinstance(ended.exception, Problem):
        return ended.exception.exit_code, ended.exception.line()
    assert ended.exception is None, ended.exception
    return int(ended.return_value or 0), ended.stdout


def some(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        shutil.copyfile(corpus.HISTORIES / f"{name}.json.gz", folder / f"{name}.json.gz")
    return folder


def test_the_command_tells_people_and_programs_the_same(tmp_path: Path, ring: Path, book: Path) -> None:
    cases = some(tmp_path / "cases", "default", "default-sweep-1")
    words = ("--rulebook", book, "--cases", cases, "--kept", corpus.RULEBOOKS, "--keyring", ring)

    code, table = run(*words, "--html", tmp_path / "page.html")
    code_too, text = run(*words, "--json", "--human-delay", "1,2")

    told = json.loads(text)
    assert (code, code_too) == (0, 0)
    assert (told["cases"], told["same"]) == (1, 1)
    assert [one["human_delay"] for one in told["scenarios"]] == [1.0, 2.0]
    assert told["scenarios"][0]["gates"]["earlier"] >= 1
    assert "mechanical effect" in table
    assert told["note"] == report.NOTE
    assert "<svg" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param("rulebook", "gates.yaml", id="a rulebook with a fault"),
        pytest.param("folder", "does not exist", id="no rulebook"),
        pytest.param("cases", "no case among", id="no case among the histories"),
        pytest.param("missing", "does not exist", id="no such file"),
        pytest.param("cut", "workflow history in Temporal", id="a history cut short"),
        pytest.param("key", "do not open", id="another key ring"),
        pytest.param("delay", "a number from", id="a delay that is no number"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path: Path, ring: Path, book: Path, bad: str, said: str) -> None:
    cases = some(tmp_path / "cases", "default-sweep-1" if bad == "cases" else "default")
    if bad == "rulebook":
        (book / "gates.yaml").write_text("gates:\n  legal_review:\n    time_bocks: [PT1H]\n")
    if bad == "cut":
        (cases / "cut.json").write_text('{"events": [')
    if bad == "key":
        ring = tmp_path / "other.json"
        open_ring(ring)
    words = {
        "--rulebook": tmp_path / "nowhere" if bad == "folder" else book,
        "--cases": tmp_path / "nowhere" if bad == "missing" else cases,
        "--human-delay": "soon" if bad == "delay" else "1",
        "--kept": corpus.RULEBOOKS,
        "--keyring": ring,
        "--html": tmp_path / "page.html",
    }

    code, line = run(*(word for pair in words.items() for word in pair))

    assert code == BAD_INPUT
    assert said in line
    assert "\n" not in line
    assert not (tmp_path / "page.html").exists()
