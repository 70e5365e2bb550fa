"""Who gets which letter, with nothing added by anybody?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients.mail import MarketplaceBook
from activities.letters import Buyers, months_before
from escalations.notices import Recipient
from tests.activities.far_side import (
    AT,
    CASE,
    TARGETS,
    applied,
    client,
    order,
    running,
)
from tests.activities.offices import AUTHORITY, RECALL, SENDER, Book, Office, letters, reply_to, text


async def test_an_authority_gets_one_plain_letter_that_says_it_was_sent_by_a_machine(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        sent = await Office(far, tmp_path).send(reply_to())

        (letter,) = letters(tmp_path)
    assert letter["To"] == "orders@authority.example"
    assert letter["From"] == SENDER
    assert letter["Subject"] == "Order BNetzA-2026-17: effect given"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].startswith(f"<{CASE}.notice.1.")
    assert letter["Message-ID"].endswith("@shop.example>")
    assert letter.get_content_type() == "text/plain"
    assert "Offers restricted: 3" in text(letter)
    assert (sent.count, sent.problem) == (1, "")
    assert "authority.example" not in sent.proof


async def test_each_seller_gets_one_letter_about_their_own_offers(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)

        sent = await office.send(office.sellers())

        volt, maple = letters(tmp_path)
    assert (sent.count, sent.problem) == (2, "")
    assert (volt["To"], maple["To"]) == ("volt-corner@sellers.example", "maple-outlet@sellers.example")
    assert "- L-00001\n- L-00002\n" in text(volt)
    assert "L-00003" not in text(volt)
    assert volt["Message-ID"] != maple["Message-ID"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: all@b.example",
        "a@b.example>\r\nRCPT TO:<x@y.example",
        "a@b.example,c@d.example",
        "a b@c.example",
        "ä@b.example",
        "a@b",
        "",
    ],
)
async def test_an_address_that_is_none_is_refused_and_counted(tmp_path: Path, address: str) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, Book(mail=address))

        sent = await office.send(office.sellers())

        assert far.journal("mail") == []
    assert (sent.count, sent.problem.split(";")[0]) == (0, "1 recipients have no usable address")


async def test_a_line_break_in_a_field_adds_no_header_and_no_line(tmp_path: Path) -> None:
    hostile = AUTHORITY | {"reference": "17\r\nBcc: victim@x.example\r\n\r\nHello", "effect": "done\r\n.\r\nQUIT"}
    async with running(tmp_path) as far:
        asked = order(Recipient.AUTHORITY, "authority_reply", hostile, reply_to="orders@authority.example")
        await Office(far, tmp_path).send(asked)

        (letter,) = letters(tmp_path)
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Order 17 Bcc: victim@x.example Hello: effect given"
    assert "Effect given: done . QUIT\n" in text(letter)


async def test_a_buyer_of_several_offers_gets_one_letter_about_all(tmp_path: Path) -> None:
    book = Book(
        {
            "L-00001": Buyers(addresses=("bo@buyers.example",), unreachable=2),
            "L-00003": Buyers(addresses=("bo@buyers.example", "li@buyers.example")),
        }
    )
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, book)

        sent = await office.send(office.buyers())

        bo, li = letters(tmp_path)
    assert "- L-00001\n- L-00003\n" in text(bo)
    assert "L-00001" not in text(li)
    assert (sent.count, sent.problem.split(";")[0]) == (2, "2 recipients have no usable address")
    assert book.since == [None, None, None]


async def test_buyers_of_something_illegal_are_counted_back_from_awareness_and_told_the_trader(tmp_path: Path) -> None:
    book = Book({"L-00003": Buyers(addresses=("bo@buyers.example",))})
    given = {"product": "x", "illegality": "no CE mark", "redress": "a refund", "contact": "help@shop.example"}
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, book)
        asked = order(
            Recipient.BUYERS, "buyer_illegal", given, manifest=office.room.manifest(), aware_at=AT - timedelta(days=3)
        )

        await office.send(asked)

        (letter,) = letters(tmp_path)
    assert "The trader: maple-outlet Ltd\n" in text(letter)
    assert set(book.since) == {datetime(2026, 5, 19, 10, 0, tzinfo=UTC)}


async def test_words_that_play_a_recall_down_stop_the_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, Book({"L-00001": Buyers(addresses=("bo@buyers.example",))}))
        given = RECALL | {"hazard": "A Voluntary, precautionary measure."}
        asked = order(Recipient.BUYERS, "buyer_recall", given, manifest=office.room.manifest())

        with pytest.raises(ApplicationError, match="'hazard'") as caught:
            await office.send(asked)

        assert far.journal("mail") == []
    assert caught.value.type == outside.NOTICE_UNFIT


async def test_an_operator_without_a_known_address_is_a_problem_not_a_failure(tmp_path: Path) -> None:
    given = {
        "operator": "Ohmberry GmbH",
        "product": "x",
        "identification": "OB-PK20",
        "reason": "recall",
        "effect": "hidden",
        "effect_at": "now",
        "offers": "3",
        "contact": "c@shop.example",
    }
    async with running(tmp_path) as far:
        sent = await Office(far, tmp_path).send(order(Recipient.OPERATOR, "operator_notice", given))

    assert (sent.count, sent.problem.split(";")[0]) == (0, "1 recipients have no usable address")


async def test_the_marketplace_is_asked_for_addresses_and_they_reach_the_letters(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "marketplace") as to:
        office = Office(far, tmp_path, MarketplaceBook(to))
        one = office.room.manifest(TARGETS[2:])

        sellers = await office.send(order(Recipient.SELLERS, "seller_statement", manifest=one))
        buyers = await office.send(order(Recipient.BUYERS, "buyer_recall", RECALL, manifest=one, number=2))
        book = MarketplaceBook(to)
        unknown = (await book.seller("no such/seller"), await book.buyers("no such", None))

        told = [entry["subject"] for entry in applied(far, "mail")]
    assert unknown == (None, Buyers(addresses=()))
    assert sellers.count == 1
    assert told[0] == "maple-outlet@sellers.example"
    assert buyers.count == len(told) - 1 > 0


@pytest.mark.parametrize(
    ("at", "months", "before"),
    [
        ("2026-11-22", 6, "2026-05-22"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2028-03-31", 1, "2028-02-29"),
        ("2026-10-31", 1, "2026-09-30"),
        ("2026-01-15", 6, "2025-07-15"),
    ],
)
def test_months_are_counted_back_to_the_last_day_of_a_shorter_one(at: str, months: int, before: str) -> None:
    assert months_before(datetime.fromisoformat(at), months) == datetime.fromisoformat(before)
