"""What must hold after everything died once? Asked of three witnesses: the far side, the casebook, the histories."""

import re
from collections import Counter
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from escalations.casefile import CaseFile
from escalations.notices import Recipient
from store import queries, verification
from tests.crash.crowd import Crowd
from tests.crash.ground import Ground
from workflows.escalation import Escalation

Entry = dict[str, Any]
SELLERS = "@sellers.example"


async def closing_file(ground: Ground, case_id: str) -> CaseFile:
    """Ask a closed case for everything it knows."""
    handle = ground.client.get_workflow_handle_for(Escalation.run, case_id)
    await handle.result()
    return await handle.query(Escalation.file)


async def assert_nothing_was_lost(ground: Ground, file: CaseFile, crowd: Crowd) -> None:
    """Every entry is in the chained casebook once and in order, and every message that got a receipt is remembered."""
    entries = await queries.entries(ground.engine, file.case_id, limit=10_000)
    verdict = await verification.verify(ground.engine, file.case_id)
    votes = [(card.gate.id, vote.person) for card in file.gates for vote in card.votes]

    assert file.closed_at is not None
    assert [entry.seq for entry in entries] == list(range(1, file.seq + 1))
    assert verdict.whole, verdict.broken
    assert {one for one in crowd.heard if one.startswith(file.case_id)} <= file.answers.keys()
    assert set(_twice(votes)) == set()


async def assert_no_task_failed(ground: Ground, case_id: str) -> None:
    """No code of ours failed a workflow task. A task that died with its worker or server shows as timed out."""
    failed = [
        event.workflow_task_failed_event_attributes.failure.message
        for history in await histories(ground.client, case_id)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]

    assert failed == []


async def histories(client: Client, case_id: str) -> list[WorkflowHistory]:
    """Fetch the history of a case and of everything that it started."""
    found = []
    async for run in client.list_workflows(f'WorkflowId STARTS_WITH "{case_id}"'):
        found.append(await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history())
    return found


def acts(ground: Ground, case_id: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """List what took effect at the marketplace for a case: restrictions put and lifted, as `(listing, key)`."""
    told = _applied(ground, "marketplace")
    put = [each for each in told if each["op"] == "restrict" and each["detail"]["restriction"]["case_ref"] == case_id]
    keys = {each["key"] for each in put}
    lifted = [each for each in told if each["op"] == "lift" and each["key"] in keys]
    return [(each["subject"], each["key"]) for each in put], [(each["subject"], each["key"]) for each in lifted]


def statements(ground: Ground, puids: set[str]) -> list[str]:
    """List the stored statements among these, one for each time it took effect."""
    told = _applied(ground, "regulator")
    return [key for each in told for key in each["detail"]["keys"] if key in puids]


def letters(ground: Ground, case_id: str, *, at: str = "") -> dict[str, int]:
    """Count how often each letter of a case arrived, by its Message-ID; `at` is how its recipient's address ends."""
    told = _applied(ground, "mail")
    return Counter(each["key"] for each in told if case_id in each["key"] and each["subject"].endswith(at))


def assert_letters_once_or_owned_up(ground: Ground, file: CaseFile) -> None:
    """Mail cannot be asked what it took, so a letter that was under way at a kill is either not sent again and given
    to a person (a seller's), or sent again, which does no harm, and its proof says so (a buyer's)."""
    arrived = letters(ground, file.case_id)
    twice = [letter for letter, times in arrived.items() if times > 1]
    mailed = [sent for sent in file.sent if sent.recipient is not Recipient.TRANSPARENCY_DATABASE]
    possible = re.findall(r"duplicate possible for (\d+)", " ".join(sent.proof for sent in mailed))

    assert set(letters(ground, file.case_id, at=SELLERS).values()) == {1}
    assert len(twice) <= sum(map(int, possible))
    if not any("OutcomeUnknown" in task.title for task in file.tasks):
        assert len(arrived) == sum(sent.count for sent in mailed)


def pages(ground: Ground, case_id: str) -> list[str]:
    """List the alerts that were raised for a case, one for each time it took effect."""
    return [each["key"] for each in _applied(ground, "pager") if case_id in each["key"]]


def assert_once(effects: list[Any]) -> None:
    """Each effect came about, and once."""
    assert effects
    assert _twice(effects) == []


def _applied(ground: Ground, system: str) -> list[Entry]:
    return [each for each in ground.standins.journal(system) if each["kind"] == "applied"]


def _twice(found: list[Any]) -> list[Any]:
    return [one for one, times in Counter(found).items() if times > 1]
