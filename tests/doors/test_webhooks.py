"""Does a delivery come from whom it says, unchanged and fresh? Attacks 15 to 24 of the threat model."""

import base64
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as some
from standardwebhooks import Webhook

from starter.errors import CANNOT_WRITE, MISCONFIGURED, Problem
from starter.intake import webhooks
from starter.intake.refusals import BadInput

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
WRITTEN = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of thirty-two b..").decode()
KEY, OTHER_KEY = webhooks.secret(WRITTEN), webhooks.secret(OTHER)
BODY = b'{"source_ref": "A-1"}'


def headers(
    *, message: str = "msg_1", seconds: object = SECONDS, signature: str | None = None, key: webhooks.Secret = KEY
) -> list[tuple[str, str]]:
    made = signature if signature is not None else webhooks.signature(key, message, int(str(seconds)), BODY)
    return [("webhook-id", message), ("webhook-timestamp", str(seconds)), ("webhook-signature", made)]


def refusal(sent: list[tuple[str, str]], raw: bytes = BODY, keys: tuple[webhooks.Secret, ...] = (KEY,)) -> str:
    with pytest.raises(BadInput) as caught:
        webhooks.verified(sent, raw, keys=keys, now=NOW)
    return caught.value.code


def test_a_signed_fresh_delivery_is_accepted_by_its_id() -> None:
    assert webhooks.verified(headers(), BODY, keys=(KEY,), now=NOW) == "msg_1"


GOOD = webhooks.signature(KEY, "msg_1", SECONDS, BODY)


@pytest.mark.parametrize(
    ("sent", "raw"),
    [
        pytest.param(headers(), BODY + b" ", id="15 body"),
        pytest.param(headers(message="msg_2", signature=GOOD), BODY, id="15 id"),
        pytest.param(headers(seconds=SECONDS + 1, signature=GOOD), BODY, id="15 timestamp"),
        pytest.param(headers(seconds=SECONDS - 301), BODY, id="16 301 s old"),
        pytest.param(headers(seconds=SECONDS + 301), BODY, id="16 301 s ahead"),
        pytest.param(headers(signature="v1"), BODY, id="19 no comma"),
        pytest.param(headers(signature="v1,a,b"), BODY, id="19 two commas"),
        pytest.param(headers(signature="v1,abc"), BODY, id="19 no base64"),
        pytest.param(headers(signature=GOOD + "  " + GOOD), BODY, id="19 two spaces"),
        pytest.param(headers(signature=GOOD + " "), BODY, id="19 space at the end"),
        pytest.param(headers(signature="v1,é"), BODY, id="19 not ASCII"),
        pytest.param(headers(signature=""), BODY, id="19 empty"),
        pytest.param(headers(seconds=f"{SECONDS}.9", signature=GOOD), BODY, id="20 fraction"),
        pytest.param(headers(seconds=f"{SECONDS:_}", signature=GOOD), BODY, id="20 underscores"),
        pytest.param(headers(seconds=f" {SECONDS}", signature=GOOD), BODY, id="20 space"),
        pytest.param(headers(seconds="1.76e9", signature=GOOD), BODY, id="20 exponent"),
        pytest.param(
            headers(seconds=str(SECONDS).translate({48 + n: 0x660 + n for n in range(10)}), signature=GOOD),
            BODY,
            id="20 arabic digits",
        ),
        pytest.param(headers(message="a.b", signature=GOOD), BODY, id="id with a dot"),
        pytest.param(headers(message="", signature=GOOD), BODY, id="empty id"),
        pytest.param(headers()[:2], BODY, id="no signature header"),
        pytest.param([*headers(), ("webhook-id", "msg_1")], BODY, id="an id twice"),
        pytest.param(headers(), json.dumps(json.loads(BODY), indent=1).encode(), id="23 written again"),
        pytest.param(headers(key=OTHER_KEY), BODY, id="24 the secret of another source"),
    ],
)
def test_anything_but_the_signed_bytes_is_refused(sent: list[tuple[str, str]], raw: bytes) -> None:
    assert refusal(sent, raw) == "bad_signature"


@pytest.mark.parametrize("drift", [-299, 0, 299])
def test_a_delivery_within_five_minutes_is_fresh(drift: int) -> None:
    sent = headers(seconds=SECONDS + drift)

    assert webhooks.verified(sent, BODY, keys=(KEY,), now=NOW)


def test_too_many_signatures_are_refused_before_any_is_computed() -> None:
    poisoned = (webhooks.Secret(kind="v1", key=None),)  # type: ignore[arg-type]  # computing with it would raise

    assert refusal(headers(signature=" ".join([GOOD] * 9)), keys=poisoned) == "headers_too_large"
    assert refusal(headers(signature="v1," + "A" * 5_000), keys=poisoned) == "headers_too_large"


def test_an_old_secret_counts_during_the_overlap_and_not_after() -> None:
    signed_with_old = headers(key=OTHER_KEY)

    assert webhooks.verified(signed_with_old, BODY, keys=(KEY, OTHER_KEY), now=NOW)
    assert refusal(signed_with_old, keys=(KEY,)) == "bad_signature"


def test_a_sender_in_rotation_may_sign_twice() -> None:
    both = " ".join(headers(key=key)[2][1] for key in (OTHER_KEY, KEY))

    assert webhooks.verified(headers(signature=both), BODY, keys=(KEY,), now=NOW)


def test_a_source_without_secrets_accepts_nothing() -> None:
    assert refusal(headers(), keys=()) == "bad_signature"


def test_an_ed25519_signature_is_verified_with_the_public_key_only() -> None:
    private = Ed25519PrivateKey.generate()
    public = webhooks.secret("whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode())
    signed = base64.b64encode(private.sign(f"msg_1.{SECONDS}.".encode() + BODY)).decode()

    assert webhooks.verified(headers(signature=f"v1a,{signed}"), BODY, keys=(public,), now=NOW)
    assert refusal(headers(signature=f"v1a,{signed}"), BODY + b"x", keys=(public,)) == "bad_signature"
    assert refusal(headers(signature=f"v1,{signed}"), keys=(public,)) == "bad_signature"
    assert refusal(headers(signature="v1a,AAAA"), keys=(public,)) == "bad_signature"


IDS = some.text("abcdefghijklmnopqrstuvwxyzABC0123456789_-", min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(message=IDS, raw=some.text(max_size=200).map(str.encode), drift=some.integers(-200, 200))
def test_what_the_reference_library_signs_is_accepted(message: str, raw: bytes, drift: int) -> None:
    at = NOW + timedelta(seconds=drift)
    signed = Webhook(WRITTEN).sign(msg_id=message, timestamp=at, data=raw.decode())
    sent = [
        ("webhook-id", message),
        ("webhook-timestamp", str(int(at.timestamp()))),
        ("webhook-signature", signed),
    ]

    assert webhooks.verified(sent, raw, keys=(KEY,), now=NOW) == message


def test_what_we_sign_is_accepted_by_the_reference_library() -> None:
    seconds = int(datetime.now(UTC).timestamp())
    signed = webhooks.signature(KEY, "msg_9", seconds, BODY)
    sent = {"webhook-id": "msg_9", "webhook-timestamp": str(seconds), "webhook-signature": signed}

    assert Webhook(WRITTEN).verify(BODY, sent) == json.loads(BODY)


@settings(max_examples=300, deadline=None)
@given(message=some.text(max_size=30), seconds=some.text(max_size=20), signature=some.text(max_size=80))
def test_no_header_makes_anything_but_a_refusal(message: str, seconds: str, signature: str) -> None:
    assert refusal(headers(message=message, seconds=seconds, signature=signature)) in (
        "bad_signature",
        "headers_too_large",
    )


def test_the_first_use_makes_a_private_file_with_one_demo_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "intake-secrets.json"

    made = webhooks.load_secrets(path)

    assert list(made) == ["demo"]
    assert len(made["demo"][0].key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert webhooks.load_secrets(path) == made
    assert os.listdir(path.parent) == ["intake-secrets.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"demo": "x"}',
        '{"demo": []}',
        '{"demo": ["whsec_!!"]}',
        json.dumps({"Demo X": [WRITTEN]}),
        '{"a": [1]}',
    ],
)
def test_a_wrong_secrets_file_is_one_clear_line_without_its_values(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(Problem) as caught:
        webhooks.load_secrets(path)

    assert caught.value.exit_code == MISCONFIGURED
    assert "whsec_!!" not in caught.value.line()


def test_a_secrets_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"demo": [WRITTEN]}))
    path.chmod(0o644)

    with pytest.raises(Problem, match="others may read it"):
        webhooks.load_secrets(path)


def test_a_folder_in_the_place_of_the_secrets_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "s.json").mkdir(mode=0o700)

    with pytest.raises(Problem) as caught:
        webhooks.load_secrets(tmp_path / "s.json")

    assert caught.value.exit_code == CANNOT_WRITE
