"""Does the digest in an answer tell questions apart, and only those that mean something else?"""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities import asked
from escalations import ids
from escalations.model import Facts, Intake, IntakeKind
from escalations.plans import PlanRequest
from starter.sealing import SealedPayloadConverter

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
INTAKE = Intake(
    source="cpsc",
    source_ref="1",
    kind=IntakeKind.RECALL_NOTICE,
    title="a recall",
    received_at=NOON,
    facts=Facts(units_sold=8000),
)
REQUEST = PlanRequest(case_id="ESC-0000-0000-0001", intakes=(INTAKE,), now=NOON)


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, now=NOON + timedelta(microseconds=1)),
        replace(REQUEST, contained=True),
        replace(REQUEST, intakes=(replace(INTAKE, facts=Facts(units_sold=8001)),)),
        replace(REQUEST, intakes=(INTAKE, INTAKE)),
    ],
    ids=["time", "flag", "number-within", "one-more"],
)
def test_another_question_has_another_digest(other: PlanRequest) -> None:
    assert asked.digest(other) != asked.digest(REQUEST)


def test_a_digest_is_short_and_that_of_the_payload() -> None:
    [payload] = SealedPayloadConverter().to_payloads([REQUEST])

    assert asked.digest(REQUEST) == asked.of_json(json.loads(payload.data))
    assert len(asked.digest(REQUEST)) == asked.LENGTH


def test_a_question_that_was_sent_and_read_keeps_its_digest() -> None:
    converter = SealedPayloadConverter()

    [read] = converter.from_payloads(converter.to_payloads([REQUEST]), [PlanRequest])

    assert asked.digest(read) == asked.digest(REQUEST)


# Nothing here is empty, which a digest would leave out; no question holds a fraction.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VALUES = st.recursive(
    TEXTS | st.integers(1, 10**30) | st.just(True),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(TEXTS, inner, min_size=1),
    max_leaves=20,
)


@given(VALUES)
def test_a_digest_is_that_of_the_one_canonical_form(value: object) -> None:
    whole = urlsafe_b64encode(hashlib.sha256(ids.canonical(value)).digest()).decode()

    assert asked.of_json(value) == whole[: asked.LENGTH]


@dataclass(frozen=True)
class Question:
    share: float
    listings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LaterQuestion:
    listings: tuple[str, ...] = ()
    share: float = 0.0
    note: str = ""
    others: tuple[Question, ...] = ()
    due: datetime | None = None


def test_new_empty_fields_and_another_order_of_fields_ask_the_same() -> None:
    assert asked.digest(LaterQuestion(share=2, listings=("L",))) == asked.digest(Question(share=2.0, listings=("L",)))
    assert asked.digest(LaterQuestion(share=2, note="x")) != asked.digest(Question(share=2.0))
