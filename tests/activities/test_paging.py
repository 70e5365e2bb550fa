"""Is somebody woken up exactly once for each page, whatever the network does?"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients.paging import PagerDuty
from activities.paging import Page, Paging
from tests.activities.far_side import CASE, applied, attempt, client, running

KEY = "0123456789abcdef0123456789abcdef"
PAGE = Page(
    case_id=CASE,
    number=1,
    summary="removal order due in 2 h",
    severity="critical",
    component="clocks",
    url="https://seawall.example/cases/1",
    details=(("clock", "EU-GPSR-22-4"),),
)


async def test_a_page_opens_one_alert_under_the_case_and_page_number(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "pager", "") as to:
        key = await attempt(1).run(Paging(PagerDuty(to, KEY)).page, PAGE)

        (told,) = applied(far, "pager")
    assert key == f"seawall:{CASE}:page:1"
    assert (told["key"], told["now"]["state"]) == (key, "triggered")
    assert told["now"]["summary"] == f"{CASE}: removal order due in 2 h"


@pytest.mark.parametrize("fault", ["500_after", "reset_after", "half", "bad_json", "wrong_ct"])
async def test_a_lost_receipt_is_retried_and_leaves_one_alert(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path) as far, client(far, "pager", "") as to:
        far.script("pager", [{"id": "lost", "op": "enqueue", "kind": fault}])
        hand = Paging(PagerDuty(to, KEY))

        with pytest.raises(ApplicationError) as caught:
            await attempt(1).run(hand.page, PAGE)
        await attempt(2).run(hand.page, PAGE)

        assert len(applied(far, "pager")) == 1
    assert caught.value.type in (outside.DOWN, outside.BROKEN)
    assert caught.value.details[0]["outcome_unknown"] is False


async def test_resolving_ends_the_alert_and_the_next_page_opens_a_new_one(tmp_path: Path) -> None:
    second = Page(case_id=CASE, number=2, summary="again")
    async with running(tmp_path) as far, client(far, "pager", "") as to:
        hand = Paging(PagerDuty(to, KEY))

        await attempt(1).run(hand.page, PAGE)
        await attempt(1).run(hand.resolve, PAGE)
        await attempt(2).run(hand.resolve, PAGE)
        await attempt(1).run(hand.page, second)

        states = [(told["key"][-1], told["now"]["state"]) for told in applied(far, "pager")]
    assert states == [("1", "triggered"), ("1", "resolved"), ("2", "triggered")]


async def test_a_summary_that_is_too_long_is_cut_and_still_wakes_somebody(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "pager", "") as to:
        await attempt(1).run(Paging(PagerDuty(to, KEY)).page, Page(case_id=CASE, number=1, summary="é" * 5000))

        (told,) = applied(far, "pager")
    assert len(told["now"]["summary"]) == 1024


async def test_a_wrong_routing_key_names_the_setting_and_is_not_retried(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "pager", "") as to:
        with pytest.raises(ApplicationError, match="SEAWALL_PAGER_ROUTING_KEY") as caught:
            await attempt(1).run(Paging(PagerDuty(to, "short")).page, PAGE)

        assert applied(far, "pager") == []
    assert (caught.value.type, caught.value.non_retryable) == (outside.REFUSED, True)


async def test_a_throttled_pager_is_asked_again_when_it_says(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "pager", "") as to:
        far.script("pager", [{"id": "throttled", "op": "enqueue", "kind": "429", "retry_after": 60}])

        with pytest.raises(ApplicationError) as caught:
            await attempt(1).run(Paging(PagerDuty(to, KEY)).page, PAGE)

    assert caught.value.type == outside.BUSY
    assert caught.value.next_retry_delay is not None
    assert caught.value.next_retry_delay.total_seconds() == 60


async def test_a_page_links_to_the_case_and_its_key_fits_the_pager() -> None:
    sent: list[Mapping[str, object]] = []

    class Recorder:
        async def enqueue(self, event: Mapping[str, object]) -> None:
            sent.append(event)

    key = await attempt(1).run(Paging(Recorder()).page, PAGE)

    assert len(key) <= 255
    assert sent[0]["payload"]["severity"] in ("critical", "error", "warning", "info")  # type: ignore[index]  # a mapping
    assert sent[0]["client_url"] == PAGE.url
