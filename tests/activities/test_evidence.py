"""Is evidence kept once, unchanged, and found again, whatever it is kept in?"""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clients.evidence import (
    EvidenceDamaged,
    EvidenceMissing,
    EvidenceStore,
    EvidenceUnavailable,
    open_evidence,
)
from activities.evidence import EvidenceRoom, Gather
from escalations import ids
from escalations.enforcement import Manifest
from escalations.model import AuthorityOrder, Facts, Intake, IntakeKind, Product

CONTENT = b"what was found\n"
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
RECALL = Intake(
    source="cpsc",
    source_ref="26-041",
    kind=IntakeKind.RECALL_NOTICE,
    title="Power bank recalled",
    received_at=AT,
    hazard="fire",
    remedy="refund",
    product=Product(name="Peak 20K", brand="Ohmberry", models=("OB-PK20",), gtins=("9520000000011",)),
    facts=Facts(minor_injuries=2),
    raw_digest="ab" * 32,
)
ORDER = Intake(
    source="eu-authority",
    source_ref="A-7",
    kind=IntakeKind.AUTHORITY_ORDER,
    title="Order",
    received_at=AT,
    order=AuthorityOrder(
        authority="Market Surveillance",
        reference="A-7",
        legal_basis="GPSR art. 22(4)",
        country="DE",
        reply_to="desk@authority.example",
        due_at=AT,
    ),
)


@pytest.fixture(params=["folder", "file url", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EvidenceStore:
    places = {
        "folder": str(tmp_path / "evidence room"),
        "file url": f"file://{tmp_path}/evidence%20room",
        "memory": "memory://",
    }
    return open_evidence(places[request.param])


async def test_content_is_kept_under_its_own_digest(store: EvidenceStore) -> None:
    digest = await store.put(CONTENT)
    again = await store.put(CONTENT)

    assert digest == again == ids.digest(CONTENT)
    assert await store.get(digest) == CONTENT
    assert await store.get(await store.put(b"")) == b""


async def test_a_name_keeps_what_the_first_writer_gave_it(store: EvidenceStore) -> None:
    assert await store.find("prior/ESC-1/1/0-10") is None

    first = await store.put_once("prior/ESC-1/1/0-10", b"first")
    second = await store.put_once("prior/ESC-1/1/0-10", b"second")

    assert (first, second) == (b"first", b"first")
    assert await store.find("prior/ESC-1/1/0-10") == b"first"


async def test_of_many_writers_at_once_exactly_one_names_the_content(store: EvidenceStore) -> None:
    answers = await asyncio.gather(*(store.put_once("race", str(number).encode()) for number in range(50)))

    assert len(set(answers)) == 1
    assert await store.find("race") == answers[0]


async def test_what_was_never_kept_is_missing_and_says_so(store: EvidenceStore) -> None:
    with pytest.raises(EvidenceMissing, match="restore"):
        await store.get("0" * 64)


@pytest.mark.parametrize("digest", ["", "xyz", "A" * 64, "../../../etc/passwd", "0" * 63])
async def test_only_a_digest_is_looked_up(store: EvidenceStore, digest: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case hex digits"):
        await store.get(digest)


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "ä", "a\n", "a" * 301, "a%2fb"]
)
async def test_a_name_that_could_lead_elsewhere_is_refused(store: EvidenceStore, name: str) -> None:
    with pytest.raises(ValueError, match="evidence name"):
        await store.put_once(name, b"x")


async def test_changed_evidence_is_never_handed_out_nor_written_over(tmp_path: Path) -> None:
    store = open_evidence(str(tmp_path))
    digest = await store.put(CONTENT)
    kept = tmp_path / "sha256" / digest[:2] / digest
    kept.write_bytes(b"something else")

    with pytest.raises(EvidenceDamaged, match=digest):
        await store.get(digest)
    with pytest.raises(EvidenceDamaged, match=digest):
        await store.put(CONTENT)
    assert kept.read_bytes() == b"something else"


async def test_evidence_survives_a_restart_and_is_private_to_its_owner(tmp_path: Path) -> None:
    digest = await open_evidence(str(tmp_path / "room")).put(CONTENT)

    assert await open_evidence(str(tmp_path / "room")).get(digest) == CONTENT
    assert (tmp_path / "room").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["nonsense://bucket", "{file}/below a file"])
def test_a_place_that_cannot_be_used_is_named_by_its_setting(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(EvidenceUnavailable, match="SEAWALL_EVIDENCE_URL"):
        open_evidence(url.format(file=tmp_path / "file"))


async def gathered(store: EvidenceStore, wanted: Gather) -> tuple[str, ...]:
    kept = await ActivityEnvironment().run(EvidenceRoom(store).gather, wanted)
    digests: tuple[str, ...] = kept.digests
    return digests


async def test_each_kind_of_evidence_that_a_report_holds_becomes_one_document(store: EvidenceStore) -> None:
    kinds = ("original_report", "product_identifiers", "recall_notice", "order_document", "injury_reports")
    wanted = Gather(case_id="ESC-1", intakes=(RECALL, ORDER), kinds=kinds)

    raw, *digests = await gathered(store, wanted)

    documents = {document["kind"]: document for document in [json.loads(await store.get(one)) for one in digests]}
    assert raw == RECALL.raw_digest
    assert tuple(documents) == kinds
    assert {document["case"] for document in documents.values()} == {"ESC-1"}
    assert documents["original_report"]["content"][0]["received_at"] == "2026-11-22T09:30:00+00:00"
    assert documents["product_identifiers"]["content"][0]["product"]["gtins"] == ["9520000000011"]
    assert [one["source_ref"] for one in documents["recall_notice"]["content"]] == ["26-041"]
    assert [one["authority"] for one in documents["order_document"]["content"]] == ["Market Surveillance"]
    assert documents["injury_reports"]["content"][0]["facts"]["minor_injuries"] == 2


async def test_gathering_twice_keeps_the_same_evidence(store: EvidenceStore) -> None:
    wanted = Gather(case_id="ESC-1", intakes=(RECALL,), kinds=("original_report", "recall_notice", "original_report"))

    assert await gathered(store, wanted) == await gathered(store, wanted)


async def test_another_case_with_the_same_report_has_evidence_of_its_own(store: EvidenceStore) -> None:
    wanted = Gather(case_id="ESC-1", intakes=(ORDER,), kinds=("original_report",))

    assert await gathered(store, wanted) != await gathered(store, replace(wanted, case_id="ESC-2"))


async def test_kinds_that_only_people_can_bring_are_left_to_them(store: EvidenceStore) -> None:
    wanted = Gather(case_id="ESC-1", intakes=(ORDER,), kinds=("sales_by_country", "recall_notice", "laboratory_report"))

    assert await gathered(store, wanted) == ()


async def test_listing_snapshots_are_those_of_the_manifest(store: EvidenceStore) -> None:
    states = await store.put(b'{"id":"L-1"}\n')
    manifest = Manifest(digest=ids.digest(b"manifest"), count=1, sellers=1)
    wanted = Gather(case_id="ESC-1", intakes=(ORDER,), kinds=("listing_snapshots",), manifest=manifest)
    before = await gathered(store, wanted)

    await store.put_once(f"listings/{manifest.digest}", states.encode())

    assert before == ()
    assert await gathered(store, wanted) == (states,)
