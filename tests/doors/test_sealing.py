"""Does a payload open for its own case with our ring, and for nothing else?"""

import hashlib
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import ActivitySerializationContext, DataConverter, WorkflowSerializationContext

from escalations import ids
from escalations.messages import Claim, Said
from starter import keyring, packing, sealing, sealing_words
from starter.errors import Problem
from starter.sealing import Unreadable

CASE_A = ids.case_id("cpsc", "24-001")
CASE_B = ids.case_id("cpsc", "24-002")
RING = keyring.fresh()
CLAIM = Claim(said=Said(request_id="r1", person="ana.ic"))


def within(workflow_id: str, *, ring: keyring.KeyRing = RING, namespace: str = "default") -> DataConverter:
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id)
    return sealing.data_converter(ring, namespace).with_context(context)


async def reason(converter: DataConverter, payload: Payload) -> str:
    with pytest.raises(Unreadable) as refused:
        await converter.decode([payload], [Claim])
    return refused.value.reason


async def test_a_value_comes_back_in_its_own_case() -> None:
    [sealed] = await within(CASE_A).encode([CLAIM])

    assert await within(CASE_A).decode([sealed], [Claim]) == [CLAIM]
    assert b"ana.ic" not in sealed.SerializeToString()


@pytest.mark.parametrize("relative", ["/sweep/1", "/prevention/2"])
async def test_a_case_and_what_it_started_share_their_payloads(relative: str) -> None:
    [sealed] = await within(CASE_A).encode([CLAIM])

    assert await within(CASE_A + relative).decode([sealed], [Claim]) == [CLAIM]


async def test_an_activity_of_the_case_opens_it_too() -> None:
    [sealed] = await within(CASE_A).encode([CLAIM])
    context = ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="record",
        activity_task_queue="seawall",
        workflow_id=CASE_A,
        workflow_type="Escalation",
        is_local=True,
    )

    assert await sealing.data_converter(RING).with_context(context).decode([sealed], [Claim]) == [CLAIM]


async def test_a_value_of_case_a_does_not_open_in_case_b() -> None:
    [sealed] = await within(CASE_A).encode([CLAIM])

    assert await reason(within(CASE_B), sealed) == "other_case"


async def test_a_value_whose_scope_was_rewritten_to_case_b_does_not_open() -> None:
    [of_a] = await within(CASE_A).encode([CLAIM])
    [of_b] = await within(CASE_B).encode([CLAIM])
    scope = slice(1 + keyring.ID_BYTES, 1 + keyring.ID_BYTES + 8)
    moved = Payload(metadata=of_a.metadata, data=of_a.data[:3] + of_b.data[scope] + of_a.data[scope.stop :])

    assert await reason(within(CASE_B), moved) == "forged"


async def test_a_value_of_another_namespace_does_not_open() -> None:
    [sealed] = await within(CASE_A, namespace="privileged").encode([CLAIM])

    assert await reason(within(CASE_A), sealed) == "forged"


async def test_a_value_sealed_without_a_case_does_not_open_in_one() -> None:
    [sealed] = await sealing.data_converter(RING).encode([CLAIM])

    assert await reason(within(CASE_A), sealed) == "other_case"
    assert await sealing.data_converter(RING).decode([sealed], [Claim]) == [CLAIM]


async def test_plaintext_is_refused_even_when_it_would_parse() -> None:
    [plain] = DataConverter().payload_converter.to_payloads([{"said": {"request_id": "r1", "person": "ana.ic"}}])

    assert await reason(within(CASE_A), plain) == "plaintext"


async def test_every_flipped_bit_is_refused_and_none_raises_in_the_codec() -> None:
    [sealed] = await within(CASE_A).encode([CLAIM])
    codec = within(CASE_A).payload_codec
    assert codec is not None

    flipped = []
    for bit in range(len(sealed.data) * 8):
        data = bytearray(sealed.data)
        data[bit // 8] ^= 1 << bit % 8
        flipped.append(Payload(metadata=sealed.metadata, data=bytes(data)))
    opened = await codec.decode(flipped)

    assert {payload.metadata["encoding"] for payload in opened} == {sealing.UNREADABLE}
    assert {payload.data for payload in opened} <= {b"forged", b"malformed", b"unknown_key", b"other_case"}


@given(data=st.binary(max_size=200))
async def test_any_bytes_in_our_encoding_become_a_tombstone(data: bytes) -> None:
    codec = within(CASE_A).payload_codec
    assert codec is not None

    [opened] = await codec.decode([Payload(metadata={"encoding": sealing.ENCODING}, data=data)])

    assert opened.metadata["encoding"] == sealing.UNREADABLE


@given(
    scope=st.one_of(
        st.text(max_size=40), st.sampled_from([CASE_A, CASE_A.lower(), CASE_A + "-", "ESC-ILOU-0000-0000"])
    ),
    metadata=st.dictionaries(st.text(max_size=8), st.binary(max_size=20), max_size=3),
    data=st.binary(max_size=300),
)
def test_any_payload_and_any_scope_survive_the_round_trip(scope: str, metadata: dict[str, bytes], data: bytes) -> None:
    payload = Payload(metadata=metadata, data=data)

    sealed = sealing.seal(payload, RING, "default", scope)

    assert sealing.unseal(sealed, RING, "default", scope) == payload


async def test_a_raw_value_shows_the_tombstone_with_its_reason() -> None:
    [sealed] = await within(CASE_A).encode([CLAIM])

    [raw] = await within(CASE_B).decode([sealed], [RawValue])

    assert (raw.payload.metadata["encoding"], raw.payload.data) == (sealing.UNREADABLE, b"other_case")


async def test_a_tombstone_that_travels_on_stays_a_tombstone() -> None:
    [again] = await within(CASE_A).encode([RawValue(sealing.tombstone("forged"))])

    assert await reason(within(CASE_A), again) == "forged"


async def test_a_value_that_packs_well_is_smaller_sealed_than_plain() -> None:
    [plain] = sealing.data_converter(RING).payload_converter.to_payloads([CLAIM])
    [sealed] = await within(CASE_A).encode([CLAIM])

    assert len(sealed.SerializeToString()) < len(plain.SerializeToString()) + 30
    big = "the same words " * 400
    [packed] = await within(CASE_A).encode([big])
    assert len(packed.data) < len(big) / 10


def test_a_value_that_unpacks_to_more_than_temporal_takes_is_refused() -> None:
    bomb = Payload(metadata={"encoding": b"json/plain"}, data=b" " * (packing.UNPACKED_MAX + 1))

    sealed = sealing.seal(bomb, RING, "default", CASE_A)

    with pytest.raises(Unreadable):
        sealing.unseal(sealed, RING, "default", CASE_A)


def test_the_dictionaries_are_those_that_histories_were_packed_with() -> None:
    assert {number: hashlib.sha256(words).hexdigest() for number, words in sealing_words.VERSIONS.items()} == WORDS
    assert max(WORDS) == sealing_words.VERSION


def test_what_an_earlier_dictionary_packed_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    flags, plain = packing.packed(CLAIM_PAYLOAD, CASE_A)
    monkeypatch.setitem(packing._DICTIONARIES, 2, b"a better dictionary" + packing._DICTIONARIES[1])
    monkeypatch.setattr(sealing_words, "VERSION", 2)

    assert flags >> packing.VERSION_AT == 1
    assert packing.unpacked(flags, plain, CASE_A) == CLAIM_PAYLOAD


CLAIM_PAYLOAD = Payload(metadata={"encoding": b"json/plain"}, data=b'{"case_id":"ESC-","stage":"investigation"}' * 3)
WORDS = {1: "f4b498e078f3576d0d9b2d6bb5719757d654afe81070d801222300395aecb640"}


# The ring


async def test_a_rotated_ring_seals_anew_and_opens_what_is_old(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keyring.json"
    [old] = await within(CASE_A, ring=keyring.open_ring(path)).encode([CLAIM])

    key_id = keyring.rotate(path)

    ring = keyring.open_ring(path)
    [new] = await within(CASE_A, ring=ring).encode([CLAIM])
    assert new.data[1:3].hex() == key_id != old.data[1:3].hex()
    assert await within(CASE_A, ring=ring).decode([old, new], [Claim, Claim]) == [CLAIM, CLAIM]


async def test_a_running_process_learns_a_key_that_was_added_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    running = keyring.open_ring(path)
    os.utime(path, ns=(0, 0))
    keyring.rotate(path)
    [new] = await within(CASE_A, ring=keyring.open_ring(path)).encode([CLAIM])

    assert await within(CASE_A, ring=running).decode([new], [Claim]) == [CLAIM]


def test_a_key_can_be_handed_out_before_anybody_seals_with_it(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    before = keyring.open_ring(path).active

    key_id = keyring.rotate(path, activate=False)

    assert keyring.open_ring(path).active == before
    keyring.activate(path, key_id)
    assert keyring.open_ring(path).active == bytes.fromhex(key_id)


async def test_a_foreign_ring_is_named_as_the_reason() -> None:
    [sealed] = await within(CASE_A, ring=keyring.fresh()).encode([CLAIM])
    others = keyring.KeyRing(active=b"\x00\x00", keys={})

    assert await reason(within(CASE_A, ring=others), sealed) == "unknown_key"


def test_the_ring_is_made_private_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keyring.json"

    first = keyring.open_ring(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keyring.open_ring(path).active == first.active
    assert [held.name for held in path.parent.iterdir()] == ["keyring.json"]


def test_processes_that_race_for_the_first_ring_end_with_one(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"

    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: keyring.open_ring(path), range(16)))

    assert len({ring.active for ring in rings}) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_ring_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring.json"
    keyring.open_ring(path)
    path.chmod(mode)

    with pytest.raises(Problem) as refused:
        keyring.open_ring(path)

    assert (refused.value.code, refused.value.exit_code) == ("keys_exposed", 78)


SHORT_KEY = json.dumps({"active": "aabb", "keys": {"aabb": {"key": "AAAA"}}})


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"active": "aa", "keys": {}}', SHORT_KEY, "\x00"])
def test_a_damaged_ring_is_refused_in_one_line_and_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(Problem) as refused:
        keyring.open_ring(path)

    assert (refused.value.code, refused.value.exit_code) == ("bad_keyring", 78)
    assert path.read_text() == content


def test_keys_do_not_show_when_a_ring_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    ring = keyring.open_ring(path)
    key = json.loads(path.read_text())["keys"][ring.active.hex()]["key"]

    assert key not in repr(ring)
