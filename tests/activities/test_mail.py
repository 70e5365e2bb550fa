"""Does every letter go out once, whatever the mail server and the network do?"""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients.mail import Smtp
from activities.evidence import Store
from activities.letters import Buyers
from activities.mail import Mail
from tests.activities.far_side import (
    applied,
    attempt,
    mail_port,
    running,
)
from tests.activities.offices import SENDER, TEMPLATES, Book, Office, reply_to


async def test_a_retry_and_a_reset_send_nothing_again_and_give_the_same_proof(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)

        first = await office.send(office.sellers())
        again = await office.send(office.sellers(), 2)
        reset = await Office(far, tmp_path).send(office.sellers(), 1)

        assert len(applied(far, "mail")) == 2
    assert (first.proof, first.count) == (again.proof, again.count) == (reset.proof, reset.count)


async def test_a_second_notice_of_the_case_is_another_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)

        await office.send(reply_to())
        await office.send(reply_to(number=2))

        first, second = applied(far, "mail")
    assert first["key"] != second["key"]


async def test_a_letter_whose_reply_was_lost_is_not_sent_again_but_left_to_a_person(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "lost", "op": "data", "kind": "reset_after"}])
        office = Office(far, tmp_path)

        for number in (1, 2):
            with pytest.raises(ApplicationError) as caught:
                await office.send(office.sellers(), number)
            assert (caught.value.type, caught.value.non_retryable) == (outside.OUTCOME_UNKNOWN, True)

        assert len(applied(far, "mail")) == 2
    assert "1 of 2 letters" in str(caught.value)
    assert "sellers.example" not in str(caught.value)


async def test_a_letter_that_may_be_repeated_is_sent_again_and_the_proof_says_so(tmp_path: Path) -> None:
    book = Book({"L-00001": Buyers(addresses=("bo@buyers.example", "li@buyers.example"))})
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "lost", "op": "data", "kind": "reset_after"}])
        office = Office(far, tmp_path, book)

        with pytest.raises(ApplicationError) as caught:
            await office.send(office.buyers())
        sent = await office.send(office.buyers(), 2)

        keys = [told["key"] for told in applied(far, "mail")]
    assert (caught.value.type, caught.value.details[0]["outcome_unknown"]) == (outside.DOWN, True)
    assert len(keys) == 3
    assert len(set(keys)) == 2
    assert sent.count == 2
    assert sent.proof.endswith("duplicate possible for 1")


class Dying:
    """An evidence store whose worker dies before it can write down that a letter was taken."""

    def __init__(self, evidence: Store) -> None:
        self.put, self.get, self.find = evidence.put, evidence.get, evidence.find
        self.evidence = evidence

    async def put_once(self, name: str, content: bytes) -> bytes:
        if name.endswith(".accepted"):
            raise OSError("died")
        return await self.evidence.put_once(name, content)


async def test_a_worker_that_died_before_it_could_write_the_end_leaves_it_to_a_person(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)
        dying = Mail(Smtp("127.0.0.1", mail_port(far), SENDER), Book(), Dying(office.evidence), TEMPLATES)

        with pytest.raises(OSError, match="died"):
            await attempt(1).run(dying.send_notice, reply_to())
        with pytest.raises(ApplicationError) as caught:
            await office.send(reply_to(), 2)

        assert len(applied(far, "mail")) == 1
    assert (caught.value.type, caught.value.non_retryable) == (outside.OUTCOME_UNKNOWN, True)


async def test_a_cancelled_activity_still_writes_down_the_end_of_the_letter_under_way(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "held", "op": "data", "kind": "pause_before", "barrier": "b"}])
        office = Office(far, tmp_path)
        sending = asyncio.create_task(office.send(office.sellers()))
        await far.barrier("mail", "b").arrived()

        sending.cancel()
        await asyncio.sleep(0)
        far.barrier("mail", "b").release()
        with pytest.raises(asyncio.CancelledError):
            await sending
        after_the_cancel = len(applied(far, "mail"))
        sent = await office.send(office.sellers(), 2)

        assert (after_the_cancel, len(applied(far, "mail"))) == (1, 2)
    assert (sent.count, sent.problem) == (2, "")


@pytest.mark.parametrize("kind", ["450", "451"])
async def test_a_recipient_that_is_put_off_is_tried_again_later_and_the_others_at_once(
    tmp_path: Path, kind: str
) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "grey", "op": "rcpt", "kind": kind}])
        office = Office(far, tmp_path)

        with pytest.raises(ApplicationError) as caught:
            await office.send(office.sellers())
        to_the_other = len(applied(far, "mail"))
        sent = await office.send(office.sellers(), 2)

        assert (to_the_other, len(applied(far, "mail"))) == (1, 2)
    assert caught.value.type == outside.BUSY
    assert caught.value.next_retry_delay == timedelta(minutes=1)
    assert (sent.count, sent.problem) == (2, "")


async def test_a_message_put_off_after_its_text_was_not_taken_and_goes_again(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "full", "op": "data", "kind": "451"}])
        office = Office(far, tmp_path)

        with pytest.raises(ApplicationError):
            await office.send(reply_to())
        sent = await office.send(reply_to(), 2)

        assert len(applied(far, "mail")) == 1
    assert "duplicate" not in sent.proof


async def test_a_refused_recipient_is_counted_and_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "no", "op": "rcpt", "kind": "550"}])
        office = Office(far, tmp_path)

        first = await office.send(office.sellers())
        again = await office.send(office.sellers(), 2)

        assert len(applied(far, "mail")) == 1
    assert first.count == again.count == 1
    assert "refused 1 recipients (550)" in first.problem
    assert again.problem == first.problem


async def test_a_mail_server_that_is_away_leaves_no_doubt_about_any_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)
    with pytest.raises(ApplicationError) as caught:
        await office.send(reply_to())
    assert (caught.value.type, caught.value.details[0]["outcome_unknown"]) == (outside.DOWN, False)

    async with running(tmp_path / "again") as back:
        sent = await Office(back, tmp_path).send(reply_to(), 2)

    assert (sent.count, sent.problem) == (1, "")
