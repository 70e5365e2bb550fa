"""Is every restriction reported to the Transparency Database once, with proof, and never with personal data?"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients.regulators import TransparencyDatabase
from activities.regulators import UUID_UNKNOWN, Progress, Record, Regulators, Reply
from escalations.manifests import Target
from escalations.notices import Recipient, Sent, reason_fields
from rulebook import notices
from standins.serve import Running
from tests.activities.far_side import CASE, REASONS, TARGETS, Room, applied, attempt, client, order, running

DATABASE = Recipient.TRANSPARENCY_DATABASE
TEMPLATES = notices.load()
ONE = TARGETS[:1]


def many(count: int) -> tuple[Target, ...]:
    return tuple(
        Target(listing=f"L-{place:05}", seller="s", tier="title", matched_on="power bank") for place in range(count)
    )


async def submitted(
    to: httpx2.AsyncClient,
    room: Room,
    targets: tuple[Target, ...] = TARGETS,
    *,
    number: int = 1,
    heartbeat: tuple[object, ...] = (),
    **more: Any,
) -> Sent:
    asked = order(DATABASE, "statement_of_reasons", manifest=room.manifest(targets), **more)
    hand = Regulators(TransparencyDatabase(to), room, TEMPLATES)
    return await attempt(number, heartbeat).run(hand.submit_statements, asked)


def stored(far: Running) -> dict[str, Mapping[str, Any]]:
    """Read what the database holds, by puid."""
    return {each["puid"]: each for told in applied(far, "regulator") for each in told["detail"]["statements"]}


async def test_every_target_becomes_one_statement_with_its_uuid_as_proof(tmp_path: Path) -> None:
    room = Room()
    async with running(tmp_path) as far, client(far, "regulator") as to:
        sent = await submitted(to, room)

        held = stored(far)
    assert list(held) == [f"{CASE}-L-00001-1", f"{CASE}-L-00002-1", f"{CASE}-L-00003-1"]
    assert (sent.count, sent.problem) == (3, "")
    receipt = json.loads(room.kept[sent.proof.rpartition(" ")[2]])
    assert receipt["stored"] == {puid: each["uuid"] for puid, each in held.items()}
    first = held[f"{CASE}-L-00001-1"]
    assert first["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_DISABLED"]
    assert first["content_id"] == {"EAN-13": "9521100200110"}
    assert first["territorial_scope"] == ["DE", "FR"]
    assert held[f"{CASE}-L-00003-1"]["content_id"] is None


async def test_the_proof_of_a_single_statement_is_its_uuid(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        sent = await submitted(to, Room(), ONE)

        (held,) = stored(far).values()
    assert sent.proof.startswith(held["uuid"])


@pytest.mark.parametrize("fault", ["reset_after", "500_after", "half", "bad_json"])
async def test_a_lost_receipt_is_confirmed_and_leaves_one_statement_each(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        far.script("regulator", [{"id": "lost", "op": "statements", "kind": fault}])
        room = Room()

        with pytest.raises(ApplicationError) as caught:
            await submitted(to, room)
        sent = await submitted(to, room, number=2)

        assert len(applied(far, "regulator")) == 1
    assert caught.value.type in (outside.DOWN, outside.BROKEN)
    assert not caught.value.non_retryable
    assert (sent.count, sent.problem) == (3, "")
    assert "uuid of 3 unknown" in sent.proof


async def test_one_statement_whose_receipt_was_lost_says_accepted_uuid_unknown(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        room = Room()
        await submitted(to, room, ONE)

        sent = await submitted(to, room, ONE, number=2)

    assert sent.proof.startswith(UUID_UNKNOWN)


async def test_those_already_stored_are_left_out_and_the_others_keep_their_puids(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        room = Room()
        await submitted(to, room, TARGETS[1:2])

        sent = await submitted(to, room)

        assert len(stored(far)) == 3
        assert [len(told["detail"]["keys"]) for told in applied(far, "regulator")] == [1, 2]
    assert sent.count == 3
    assert "uuid of 1 unknown" in sent.proof


class Locked:
    """A database that calls a puid not unique while somebody else is only writing it."""

    def __init__(self, held: set[str]) -> None:
        self.held = held

    async def submit(self, statements: tuple[Record, ...]) -> Reply:
        return Reply(not_unique=tuple(str(record["puid"]) for record in statements))

    async def holds(self, puid: str) -> bool:
        return puid in self.held


async def test_not_unique_alone_proves_nothing_and_is_asked_again_after_the_lock() -> None:
    room = Room()
    asked = order(DATABASE, "statement_of_reasons", manifest=room.manifest())
    hand = Regulators(Locked({f"{CASE}-L-00001-1"}), room, TEMPLATES)

    with pytest.raises(ApplicationError) as caught:
        await attempt(1).run(hand.submit_statements, asked)

    assert caught.value.type == outside.BUSY
    assert caught.value.next_retry_delay is not None
    assert caught.value.next_retry_delay.total_seconds() == 30


class Choosy:
    """A database that dislikes one statement, wherever it stands in the batch."""

    def __init__(self, disliked: str) -> None:
        self.disliked = disliked
        self.stored: list[str] = []

    async def submit(self, statements: tuple[Record, ...]) -> Reply:
        puids = [str(record["puid"]) for record in statements]
        if self.disliked in puids:
            return Reply(invalid={puids.index(self.disliked): ("category",)})
        self.stored += puids
        return Reply(stored={puid: f"uuid-of-{puid}" for puid in puids})

    async def holds(self, puid: str) -> bool:
        return puid in self.stored


async def test_a_statement_that_is_refused_does_not_keep_the_others_back() -> None:
    room = Room()
    database = Choosy(f"{CASE}-L-00002-1")
    asked = order(DATABASE, "statement_of_reasons", manifest=room.manifest())

    sent = await attempt(1).run(Regulators(database, room, TEMPLATES).submit_statements, asked)

    assert database.stored == [f"{CASE}-L-00001-1", f"{CASE}-L-00003-1"]
    assert sent.count == 2
    assert sent.problem.startswith("the database refused 1 statements (fields: category)")


async def test_more_than_a_hundred_go_in_batches_and_a_retry_goes_on_at_the_last_heartbeat(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        far.script("regulator", [{"id": "down", "op": "statements", "nth": 3, "kind": "500_before"}])
        room, targets = Room(), many(205)
        beats: list[Progress] = []
        asked = order(DATABASE, "statement_of_reasons", manifest=room.manifest(targets))
        hand = Regulators(TransparencyDatabase(to), room, TEMPLATES)
        first = attempt(1)
        first.on_heartbeat = beats.append

        with pytest.raises(ApplicationError):
            await first.run(hand.submit_statements, asked)
        left = json.loads(json.dumps({name: getattr(beats[-1], name) for name in Progress.__slots__}))
        sent = await attempt(2, (left,)).run(hand.submit_statements, asked)

        assert [len(told["detail"]["keys"]) for told in applied(far, "regulator")] == [100, 100, 5]
        assert sum(told["op"] == "statements" for told in far.journal("regulator")) == 4
    assert (sent.count, sent.problem) == (205, "")
    last = json.loads(room.kept[sent.proof.rpartition(" ")[2]])
    assert last["before"] == beats[-1].receipts


async def test_only_the_listings_of_the_order_are_reported(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        await submitted(to, Room(), restrict_to=("L-00002",))

        assert list(stored(far)) == [f"{CASE}-L-00002-1"]


async def test_no_target_means_nothing_to_report(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        sent = await submitted(to, Room(), ())

        assert far.journal("regulator") == []
    assert (sent.count, sent.problem) == (0, "")


async def test_personal_data_in_the_facts_stops_the_step_before_anything_is_sent(tmp_path: Path) -> None:
    given = dict(reason_fields(replace(REASONS, facts="Sold by ana@person.example.")))
    room = Room()
    async with running(tmp_path) as far, client(far, "regulator") as to:
        asked = order(DATABASE, "statement_of_reasons", given, manifest=room.manifest())

        with pytest.raises(ApplicationError, match="'facts'") as caught:
            await attempt(1).run(Regulators(TransparencyDatabase(to), room, TEMPLATES).submit_statements, asked)

        assert far.journal("regulator") == []
    assert (caught.value.type, caught.value.non_retryable) == (outside.NOTICE_UNFIT, True)
    assert "ana@" not in str(caught.value)


async def test_a_wrong_token_is_forbidden_and_names_the_setting(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator", "wrong") as to:
        with pytest.raises(ApplicationError, match="SEAWALL_REGULATOR_TOKEN") as caught:
            await submitted(to, Room())

    assert caught.value.type == outside.FORBIDDEN


async def test_a_throttled_database_is_asked_again_when_it_says(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        far.script("regulator", [{"id": "throttled", "op": "statements", "kind": "429", "retry_after": 7}])

        with pytest.raises(ApplicationError) as caught:
            await submitted(to, Room())

    assert caught.value.next_retry_delay is not None
    assert caught.value.next_retry_delay.total_seconds() == 7


async def test_the_database_reads_our_statements_and_finds_wrong_fields_by_index(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "regulator") as to:
        reply = await TransparencyDatabase(to).submit(({"puid": "p-1"}, {"puid": "p-2"}))

    assert sorted(reply.invalid) == [0, 1]
    assert "category" in reply.invalid[0]
