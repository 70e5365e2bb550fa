"""Does the terminal show what the casebook holds, say what a person meant, and refuse in one clear line?"""

import asyncio
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
import typer
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations import ids
from escalations.casefile import Opening
from escalations.model import Intake, IntakeKind
from escalations.record import Card
from starter import connect, explain, people, settings, signin
from starter.cli import guarded
from starter.errors import MISCONFIGURED, NOT_PERMITTED, REFUSED, UNAVAILABLE, UNKNOWN_CASE
from store.engine import open_engine
from store.intakes import Accepted, accept
from store.migrations import upgrade
from tests.browser import planted
from tests.browser.small_case import SmallCase
from workflows.options import TASK_QUEUE

NOBODY = ids.case_id("no", "body")


@dataclass
class Terminal:
    """A person at a terminal that is piped into a program."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    now: datetime

    def __call__(self, *words: str) -> tuple[int, str, str]:
        app = typer.Typer()
        people.build(app)
        explain.build(app)
        self.capsys.readouterr()
        code = guarded(lambda: app(list(words), standalone_mode=False))
        shown = self.capsys.readouterr()
        return code, shown.out, shown.err

    def good(self, *words: str) -> str:
        code, out, err = self(*words)
        assert code == 0, err
        return out

    def plant(self, *cards: Card) -> None:
        asyncio.run(self._plant(cards))

    async def _plant(self, cards: tuple[Card, ...]) -> None:
        engine = open_engine(f"sqlite:///{self.home}/casebook.db")
        await upgrade(engine)
        for card in cards:
            await planted.plant(engine, card)
        await engine.dispose()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    for name in ("SEAWALL_PERSON", "SEAWALL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    return Terminal(home=tmp_path, capsys=capsys, now=datetime.now(UTC))


@pytest.fixture
def full(terminal: Terminal) -> Terminal:
    """A terminal whose casebook holds the rich case; planted in a thread, so that async tests may use it too."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(terminal.plant, planted.rich_card(terminal.now)).result()
    return terminal


# looking


def test_the_inbox_lists_what_this_person_can_answer_one_line_each(full: Terminal) -> None:
    header, line = full.good("inbox", "--as", "leo.legal").splitlines()

    assert header.split("\t")[:4] == ["DUE IN", "PRIO", "CASE", "GATE"]
    assert line.split("\t")[1:4] == ["P0", planted.CASE, "2"]


def test_the_inbox_of_somebody_excluded_or_without_a_seat_is_empty(full: Terminal) -> None:
    for person in ("lena.legal", "sam.safety", "petra.product"):
        assert len(full.good("inbox", "--as", person).splitlines()) == 1


def test_the_inbox_of_everybody_needs_no_name(full: Terminal) -> None:
    assert planted.CASE in full.good("inbox", "--all")


@pytest.mark.parametrize(
    "words",
    [["inbox", "--all"], ["list"], ["show", planted.CASE], ["timeline", planted.CASE], ["clocks", planted.CASE]],
    ids=lambda words: words[0],
)
def test_every_reading_command_prints_one_json_value_on_request(full: Terminal, words: list[str]) -> None:
    assert json.loads(full.good(*words, "--json"))


def test_a_shown_case_names_the_digest_that_an_answer_is_bound_to(full: Terminal) -> None:
    out = full.good("show", planted.CASE)

    digest = planted.rich_card(full.now).gates[1].gate.digest
    assert digest in out
    assert f"seawall decide {planted.CASE} 2 hide --digest {digest[:12]}" in out


ON_A_TERMINAL = [
    ["list"],
    ["inbox", "--all"],
    ["timeline", planted.CASE],
    ["clocks", planted.CASE, "--why"],
    ["show", planted.CASE],
]


@pytest.mark.parametrize("width", ["60", "80", "200"])
@pytest.mark.parametrize("words", ON_A_TERMINAL, ids=lambda words: words[0])
def test_no_id_or_time_is_cut_on_a_terminal_however_narrow(
    full: Terminal, monkeypatch: pytest.MonkeyPatch, words: list[str], width: str
) -> None:
    piped = full.good(*words)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", width)

    drawn = full.good(*words)

    whole = re.findall(rf"{planted.CASE}|\d{{4}}-\d\d-\d\dT[\d:]+Z|[A-Z]+(?:-[A-Z0-9]+){{2,}}", piped)
    assert whole
    assert [name for name in whole if name not in re.sub(r"\x1b\[[\d;]*m", "", drawn)] == []


def test_a_shown_case_says_what_is_due_first_with_its_zone_before_it_gives_reasons(full: Terminal) -> None:
    card = full.good("show", planted.CASE).splitlines()

    first = {word: next(at for at, line in enumerate(card) if line.startswith(word)) for word in FIRST_WORDS}
    assert list(first) == sorted(first, key=lambda word: first[word])
    waits = [line for line in card if line.startswith("waits for")]
    due = [re.findall(r"until ([\d-]+ [\d:]+ UTC)", line)[-1] for line in waits]
    assert due == sorted(due)


FIRST_WORDS = ("waits for", "clock", "gate", "because")


@pytest.mark.parametrize(
    "written",
    [planted.CASE.lower(), planted.CASE.removeprefix("ESC-"), f" {planted.CASE} ", planted.CASE.replace("0", "o")],
    ids=["small letters", "without its head", "blanks", "O for 0"],
)
def test_a_case_id_is_understood_as_people_write_it(full: Terminal, written: str) -> None:
    assert full.good("show", written) == full.good("show", planted.CASE)


def test_a_case_is_found_by_words_in_any_letters(full: Terminal) -> None:
    title = planted.rich_card(full.now).title
    asked = " ".join(word.upper() for word in title.split()[:2])

    assert planted.CASE in full.good("list", "--find", asked)
    assert planted.CASE in full.good("list", "--find", planted.CASE[4:8].lower())
    assert planted.CASE not in full.good("list", "--find", f"{asked} nowhere%")


def test_a_closed_case_is_found_too_unless_only_open_ones_are_asked_for(terminal: Terminal) -> None:
    terminal.plant(replace(planted.rich_card(terminal.now), closed_at=terminal.now, title="A long forgotten kettle"))

    assert planted.CASE in terminal.good("list", "--find", "kettle")
    assert planted.CASE not in terminal.good("list", "--find", "kettle", "--state", "open")
    assert planted.CASE not in terminal.good("list")


def test_a_fact_that_no_case_knows_is_answered_with_the_names_near_it(full: Terminal) -> None:
    code, _, err = full("learn", planted.CASE, "injuries", "3", "--as", "sam.safety")

    assert (code, err.count("\n")) == (2, 1)
    assert "minor_injuries" in err
    assert len(err) < 300


def test_the_timeline_goes_on_after_a_number_without_gaps(full: Terminal) -> None:
    seen: list[str] = []
    after = "0"

    while True:
        _, out, err = full("timeline", planted.CASE, "--limit", "15", "--after", after)
        seen += [line.split("\t")[0] for line in out.splitlines()[1:]]
        if "--after" not in err:
            break
        after = err.split("--after")[1].strip()

    assert seen == [str(number) for number in range(1, 41)]


def test_the_list_goes_on_page_by_page_most_urgent_first(terminal: Terminal) -> None:
    cards = [
        replace(planted.rich_card(terminal.now, case_id=ids.case_id("many", str(number)), seq=1), priority=number % 5)
        for number in range(7)
    ]
    terminal.plant(*cards)
    seen: list[str] = []
    words = ["list", "--limit", "3"]

    while True:
        _, out, err = terminal(*words)
        seen += [line.split("\t")[1] for line in out.splitlines()[1:]]
        if "--after" not in err:
            break
        words = ["list", "--limit", "3", "--after", err.split("--after")[1].strip()]

    assert seen == ["P0", "P0", "P1", "P1", "P2", "P3", "P4"]


def test_clocks_explain_themselves_and_never_show_a_house_target_as_law(full: Terminal) -> None:
    out = full.good("clocks", planted.CASE, "--why")

    assert "earliest candidate: DE" in out
    assert "Acknowledge the report (house target, not law)" in out


def test_text_from_reports_cannot_steer_the_terminal(terminal: Terminal) -> None:
    evil = "fire\x1b[2J\x1b]0;owned\x07\r\nP4\tforged\u202etxt.exe\x9b1m"
    terminal.plant(planted.rich_card(terminal.now, title=evil.replace("\x00", "")))

    for words in (["list"], ["inbox", "--all"], ["show", planted.CASE]):
        out = terminal.good(*words)

        assert not {"\x1b", "\x07", "\r", "\u202e", "\x9b"} & set(out)
        assert "\tforged" not in out


# refusing


@pytest.mark.parametrize(
    "words",
    [
        ["show", NOBODY],
        ["timeline", NOBODY],
        ["clocks", "ESC-1"],
        ["decide", NOBODY, "hide", "--as", "leo.legal"],
        ["show", "x" * 5000],
    ],
    ids=lambda words: words[0],
)
def test_a_case_that_does_not_exist_is_one_line_and_exit_4(full: Terminal, words: list[str]) -> None:
    code, out, err = full(*words)

    assert (code, out) == (UNKNOWN_CASE, "")
    assert err == "seawall: There is no such case. List cases with `seawall list`.\n"


@pytest.mark.parametrize("words", [["inbox"], ["decide", planted.CASE, "hide"], ["signin"]], ids=lambda words: words[0])
def test_without_a_name_a_command_that_needs_one_is_refused(full: Terminal, words: list[str]) -> None:
    code, _, err = full(*words)

    assert code == NOT_PERMITTED
    assert "--as PERSON" in err


def test_somebody_who_is_not_on_the_roster_is_refused(full: Terminal) -> None:
    assert full("claim", planted.CASE, "--as", "eve")[0] == NOT_PERMITTED
    assert full("assign", planted.CASE, "eve", "--as", "ana.ic")[0] == NOT_PERMITTED


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["1", "hide"], REFUSED, "closed"),
        (["9", "hide"], 2, "it has: 1, 2"),
        (["2", "burn"], 2, "hide, no_action, refer"),
        (["2", "hide", "--digest", "0000000000"], REFUSED, "not what you looked at"),
        (["2", "hide", "--digest", "7"], REFUSED, "not what you looked at"),
        (["2", "hide", "now"], 2, "one gate and one option"),
        (["2", "hide", "--request-id", "x" * 201], 2, "request id"),
    ],
    ids=["closed", "unknown gate", "unknown option", "stale", "too short", "too many words", "bad id"],
)
def test_an_answer_that_cannot_be_meant_is_refused_before_anything_is_sent(
    full: Terminal, words: list[str], code: int, says: str
) -> None:
    found, _, err = full("decide", planted.CASE, *words, "--as", "leo.legal")

    assert found == code
    assert says in err
    assert err.count("\n") == 1


def test_with_several_questions_open_the_gate_must_be_named(terminal: Terminal) -> None:
    card = planted.rich_card(terminal.now)
    again = replace(card.gates[1], gate=replace(card.gates[1].gate, id=ids.gate_id(card.case_id, 3)))
    terminal.plant(replace(card, gates=(*card.gates, again)))

    code, _, err = terminal("decide", planted.CASE, "hide", "--as", "leo.legal")

    assert code == 2
    assert "2 (legal_review), 3 (legal_review)" in err


def test_a_server_that_is_away_is_one_line_and_exit_69(full: Terminal) -> None:
    code, _, err = full("decide", planted.CASE, "hide", "--as", "leo.legal")

    assert code == UNAVAILABLE
    assert "seawall up" in err


def test_a_casebook_that_is_missing_or_something_else_is_one_line_and_exit_78(terminal: Terminal) -> None:
    assert terminal("list")[0] == MISCONFIGURED

    for leftover in terminal.home.glob("casebook.db*"):
        leftover.unlink()
    (terminal.home / "casebook.db").write_bytes(b"this is not a database, it is a letter" * 100)
    code, _, err = terminal("list")

    assert (code, err.count("\n")) == (MISCONFIGURED, 1)


@pytest.mark.parametrize(
    "words",
    [
        ["learn", planted.CASE, "deaths", "1", "--at", "yesterday"],
        ["learn", planted.CASE, "deaths", "--nonsense"],
        ["learn", planted.CASE, "deaths", "-x1"],
        ["learn", planted.CASE, "deaths", "1", "--at", "2026-11-22T03:00:00"],
        ["delegate", planted.CASE, "lena.legal", "LEG", ""],
        ["finding", planted.CASE, "k", "t", "--actions", "/nowhere.json"],
        ["list", "--stage", "nowhere"],
        ["list", "--state", "ajar"],
        ["list", "--after", "zzz"],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_a_word_that_cannot_be_read_is_one_line_and_exit_2(full: Terminal, words: list[str]) -> None:
    person = [] if words[0] == "list" else ["--as", "ana.ic"]

    code, _, err = full(*words, *person)

    assert (code, err.count("\n")) == (2, 1)


def test_a_printed_link_signs_its_person_in(terminal: Terminal) -> None:
    link = terminal.good("signin", "--as", "leo.legal").strip()

    assert link.startswith("http://127.0.0.1:8787/signin?token=")
    assert signin.holder(terminal.home, link.split("token=")[1], now=datetime.now(UTC)) == "leo.legal"


# saying, through a real server and the encrypting codec


@dataclass
class Office:
    """A server with a worker and one open case, and a terminal that reaches both."""

    client: Client
    case_id: str

    async def heard(self) -> list[str]:
        return await self.client.get_workflow_handle(self.case_id).query("heard", result_type=list[str])


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    binary = shutil.which("temporal") or str(Path(sys.executable).with_name("temporal"))
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary, dev_server_log_level="error"
    ) as env:
        yield env


@pytest.fixture
async def office(full: Terminal, server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.client.service_client.config.target_host)
    client = await connect.connect(settings.load())
    intake = Intake(source="cpsc", source_ref="24-001", kind=IntakeKind.NOTICE, title="heater", received_at=full.now)
    opening = Opening(case_id=planted.CASE, intake=intake)
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[SmallCase], workflow_runner=runner):
        handle = await client.start_workflow("Escalation", opening, id=planted.CASE, task_queue=TASK_QUEUE)
        yield Office(client=client, case_id=planted.CASE)
        await handle.terminate()


async def test_an_answer_reaches_the_case_bound_and_attested_and_its_receipt_is_printed(
    full: Terminal, office: Office
) -> None:
    words = ("decide", planted.CASE, "hide", "--stance", "approve_with_conditions", "--condition", "tell OPS")

    code, out, err = await asyncio.to_thread(full, *words, "--as", "leo.legal", "--request-id", "r-1")
    again = await asyncio.to_thread(full, *words, "--as", "leo.legal", "--request-id", "r-1")

    assert (code, err) == (0, "")
    assert out.startswith("taken: ")
    assert "receipt r-1" in out
    assert again == (code, out, err)
    said = (await office.heard())[0]
    for word in ("person='leo.legal'", "door='cli'", "attestation='v1:", "role='LEG'", "conditions=('tell OPS',)"):
        assert word in said


async def test_a_receipt_can_be_printed_as_json(full: Terminal, office: Office) -> None:
    _, out, _ = await asyncio.to_thread(full, "claim", planted.CASE, "--as", "ana.ic", "--json")

    assert json.loads(out)["code"] == "taken"


ACTIONS = json.dumps(
    [{"id": "A1", "title": "block", "owner": "PROD", "strength": "strong", "due": "P14D", "verifier_role": "PSAF"}]
)
SPOKEN = [
    (["learn", "deaths", "1", "--at", "2026-11-22T04:00:00+02:00"], "Learn", "fact='deaths', value='1'"),
    (["learn", "deaths", "-1"], "Learn", "fact='deaths', value='-1'"),
    (["claim"], "Claim", ""),
    (["assign", "ivo.ic", "--reason", "shift ends"], "Assign", "to='ivo.ic', reason='shift ends'"),
    (["delegate", "lena.legal", "LEG", "2027-01-01T00:00:00Z"], "Delegate", "to='lena.legal', role='LEG'"),
    (["finding", "match", "same GTIN", "--evidence", "d1"], "ReportFinding", "evidence=('d1',)"),
    (["finding", "cause", "why", "--factor", "F1", "--actions", "@"], "ReportFinding", "days=14"),
    (["task", "T1", "--proof", "p"], "TaskDone", "task='T1', proof='p'"),
    (["hold", "us.cpsa.15b", "--reason", "allowed"], "Hold", "clock='us.cpsa.15b'"),
    (["release", "us.cpsa.15b"], "Release", "clock='us.cpsa.15b'"),
    (["kill", "1", "--reason", "wrong"], "Kill", "sweep=1"),
    (["resume", "1"], "Resume", "sweep=1"),
    (["appeal", "L-1", "L-2", "--reason", "wrong"], "Appeal", "listings=('L-1', 'L-2')"),
    (["appeal", "L-1", "--reason", "right", "--grant"], "Appeal", "grant=True"),
    (["reopen", "--reason", "again"], "Reopen", "reason='again'"),
    (["withdraw", "--reason", "mistake"], "Withdraw", "reason='mistake'"),
    (["abort", "--reason", "stop"], "Abort", "reason='stop'"),
    (["split", NOBODY, "--reason", "not the same"], "Split", f"other='{NOBODY}'"),
]


@pytest.mark.parametrize(("words", "kind", "holds"), SPOKEN, ids=[" ".join(words[:1]) for words, _, _ in SPOKEN])
async def test_each_command_says_its_own_message(
    full: Terminal, office: Office, words: list[str], kind: str, holds: str
) -> None:
    (full.home / "actions.json").write_text(ACTIONS)
    named = [word.replace("@", str(full.home / "actions.json")) for word in words[1:]]

    code, _, err = await asyncio.to_thread(full, words[0], planted.CASE, *named, "--as", "ana.ic")

    assert (code, err) == (0, "")
    [said] = await office.heard()
    assert said.startswith(f"{kind}(")
    assert holds in said


async def test_a_merge_carries_the_report_of_the_other_case(full: Terminal, office: Office) -> None:
    other = planted.rich_card(full.now, case_id=ids.case_id("shop", "77"), seq=1)
    await asyncio.to_thread(full.plant, other)
    intake = Intake(source="shop", source_ref="77", kind=IntakeKind.NOTICE, title="same heater", received_at=full.now)
    engine = open_engine(f"sqlite:///{full.home}/casebook.db")
    report = Accepted(
        source="shop",
        source_ref="77",
        raw=b"{}",
        content_type="application/json",
        received_at=full.now,
        case_id=other.case_id,
        intake=intake,
    )
    await accept(engine, report)
    await engine.dispose()

    code, _, err = await asyncio.to_thread(full, "merge", planted.CASE, other.case_id, "--as", "ana.ic")

    assert (code, err) == (0, "")
    assert "same heater" in (await office.heard())[0]
