"""Is somebody woken once for a spell of trouble, and stood down when it is over? Against the pager's stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.clients.paging import PagerDuty
from activities.paging import Paging
from starter.watchdog.alarm import Alarm
from starter.watchdog.troubles import Trouble
from tests.activities.far_side import client, running

KEY = "0123456789abcdef" * 2


def broken(*numbers: int) -> list[Trouble]:
    return [Trouble(key=f"failing:{number}", text=f"ESC-{number}: its tasks fail") for number in numbers]


@asynccontextmanager
async def pager(folder: Path) -> AsyncIterator[tuple[Paging, Any]]:
    async with running(folder / "far") as far, client(far, "pager", "") as to:
        yield Paging(PagerDuty(to, KEY)), far


def told(far: Any) -> list[tuple[str, str, str]]:
    """What the pager was told: key, action, state afterwards."""
    entries = far.journal("pager")
    return [(one["key"], one["detail"].get("action", ""), (one["now"] or {}).get("state", "")) for one in entries]


async def test_many_broken_cases_are_one_page_that_names_three_and_counts_the_others(tmp_path: Path) -> None:
    async with pager(tmp_path) as (pages, far):
        await Alarm(pages, tmp_path / "watchdog.json").tell(broken(*range(500)))

        [entry] = far.journal("pager")
    assert entry["key"] == "seawall:watchdog:page:1"
    assert "ESC-1: its tasks fail; ESC-2: its tasks fail; and 497 more" in entry["now"]["summary"]


async def test_what_was_told_is_not_told_again_and_something_new_is(tmp_path: Path) -> None:
    async with pager(tmp_path) as (pages, far):
        alarm = Alarm(pages, tmp_path / "watchdog.json")
        await alarm.tell(broken(1))
        await alarm.tell(broken(1))
        once = len(told(far))
        await alarm.tell(broken(1, 2))

        assert (once, len(told(far))) == (1, 2)
        assert {key for key, _, _ in told(far)} == {"seawall:watchdog:page:1"}


async def test_when_all_go_on_again_the_alert_ends_and_the_next_spell_has_the_next_number(tmp_path: Path) -> None:
    async with pager(tmp_path) as (pages, far):
        alarm = Alarm(pages, tmp_path / "watchdog.json")
        await alarm.tell(broken(1))
        await alarm.tell([])
        await alarm.tell([])
        await alarm.tell(broken(1))

        assert told(far) == [
            ("seawall:watchdog:page:1", "trigger", "triggered"),
            ("seawall:watchdog:page:1", "resolve", "resolved"),
            ("seawall:watchdog:page:2", "trigger", "triggered"),
        ]


async def test_a_watchdog_that_is_started_again_remembers_whom_to_stand_down(tmp_path: Path) -> None:
    async with pager(tmp_path) as (pages, far):
        await Alarm(pages, tmp_path / "watchdog.json").tell(broken(1))
        again = Alarm(pages, tmp_path / "watchdog.json")
        await again.tell(broken(1))
        await again.tell([])

        assert [action for _, action, _ in told(far)] == ["trigger", "resolve"]


async def test_a_page_that_the_pager_did_not_take_is_sent_again(tmp_path: Path) -> None:
    async with pager(tmp_path) as (pages, far):
        far.script("pager", [{"id": "away", "op": "enqueue", "kind": "500_before"}])
        alarm = Alarm(pages, tmp_path / "watchdog.json")
        with pytest.raises(ApplicationError):
            await alarm.tell(broken(1))
        await alarm.tell(broken(1))

        assert ("seawall:watchdog:page:1", "trigger", "triggered") in told(far)


async def test_a_file_that_cannot_be_read_costs_a_page_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "watchdog.json").write_text("{half")
    async with pager(tmp_path) as (pages, far):
        await Alarm(pages, tmp_path / "watchdog.json").tell(broken(1))

        assert len(told(far)) == 1
