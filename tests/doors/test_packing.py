"""Does every payload come back byte for byte, and how small is it meanwhile?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload

from starter import packing

CASE = "ESC-2V7H-RMWN-QFKR"
DIGEST = "5801ce6e5f1e91b1e56979eb056fdd38b3caf9169b9b6820b90a66a7c9ec284f"


def plain(data: bytes, encoding: bytes = b"json/plain") -> Payload:
    return Payload(metadata={"encoding": encoding}, data=data)


def again(payload: Payload, scope: str = CASE) -> Payload:
    flags, short = packing.packed(payload, scope)
    return packing.unpacked(flags, short, scope)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DIGEST, id="a digest"),
        pytest.param(DIGEST[:-1], id="an odd number of hex digits"),
        pytest.param(DIGEST * 9, id="more hex digits than one length byte can count"),
        pytest.param(DIGEST.upper(), id="hex digits in capitals"),
        pytest.param("2026-11-22T22:14:16.897708Z", id="a time"),
        pytest.param("1969-12-31T23:59:59.999999Z", id="a time before 1970"),
        pytest.param("2999-12-31T23:59:59.999999Z", id="a time far away"),
        pytest.param("2026-11-22T22:14:16Z", id="a time without microseconds"),
        pytest.param("2026-11-22T22:14:16.897708+00:00", id="a time with an offset"),
        pytest.param("2016-12-31T23:59:60.000000Z", id="a leap second"),
        pytest.param("2026-13-41T25:61:00.000000Z", id="no time at all"),
        pytest.param(f"{CASE}/gate/1 of {CASE}", id="the case's own id"),
        pytest.param("ESC-0000-0000-0001", id="the id of another case"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_shortened_comes_back_as_it_was(text: str) -> None:
    payload = plain(json.dumps({"value": text}).encode())

    assert again(payload) == payload


@given(data=st.binary(max_size=200), scope=st.sampled_from(["", CASE, "deadbeefdeadbeef", "a"]))
def test_any_bytes_come_back_under_any_scope(data: bytes, scope: str) -> None:
    assert again(plain(data), scope) == plain(data)


@given(
    text=st.text(max_size=80),
    digest=st.binary(min_size=8, max_size=300).map(bytes.hex),
    at=st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"),
)
def test_digests_and_times_between_any_words_come_back(text: str, digest: str, at: str) -> None:
    payload = plain(json.dumps([text, digest, at, CASE, digest], ensure_ascii=False).encode())

    assert again(payload) == payload


def test_a_digest_costs_its_bytes_and_the_own_case_next_to_nothing() -> None:
    with_it = len(packing.packed(plain(json.dumps([DIGEST, CASE]).encode()), CASE)[1])
    without = len(packing.packed(plain(b'["",""]'), CASE)[1])

    assert with_it - without <= 32 + 8


def test_bytes_that_unpack_to_nothing_of_ours_are_refused() -> None:
    flags, short = packing.packed(plain(json.dumps({"value": DIGEST * 3}).encode()), CASE)

    with pytest.raises(ValueError, match=r"packed by us|cut off"):
        packing.unpacked(flags | packing.DEFLATED, short[:-3] + b"\x00", CASE)
    with pytest.raises(ValueError, match="not packed by us: KeyError"):
        packing.unpacked(15 << packing.VERSION_AT | packing.DEFLATED, short, CASE)
