"""Are the states beside a history what was put there, and is what is none refused?"""

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replay import frames, histories, reading, states
from replay.check import Checked, Verdict, check
from replay.histories import Recorded
from starter.errors import Problem
from starter.keyring import KeyRing, fresh
from starter.sealing import data_converter
from tests.replay import corpus

NAME = "ordinary-sweep-1-watch.json.gz"
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from(["card", "file"]), PLAIN), max_size=6))
def test_states_come_back_as_they_were_kept(held: list[dict[str, Any]]) -> None:
    kept = states.kept(enumerate(held, 3))

    back = list(kept.each())

    assert json.dumps([state for _, state in back], sort_keys=True) == json.dumps(held, sort_keys=True)
    assert [event_id for event_id, _ in back] == list(range(3, 3 + len(held)))


def test_what_did_not_change_costs_nothing() -> None:
    state = {"file": {"intakes": [{"title": "t" * 500}], "stage": "triage"}}

    kept = states.kept([(3, state), (9, state), (15, {"file": {**state["file"], "stage": "closed"}})])

    assert len(json.dumps(kept.changes[1:])) < 100


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A history with its states, in a folder of its own."""
    (tmp_path / states.FOLDER).mkdir()
    shutil.copy(corpus.HISTORIES / NAME, tmp_path)
    shutil.copy(corpus.STATES / NAME, tmp_path / states.FOLDER)
    return tmp_path / NAME


async def checked(path: Path, ring: KeyRing) -> Checked:
    run = states.with_states(histories.of_file(path), path)
    [found] = [each async for each in check([run], workflows=reading.workflows(), converter=data_converter(ring))]
    return found


async def test_the_states_of_another_run_are_no_judgement(beside: Path) -> None:
    shutil.copy(corpus.STATES / "order-sweep-1-watch.json.gz", states.beside(beside))

    found = await checked(beside, corpus.ring())

    assert found.verdict is Verdict.UNREADABLE
    assert found.detail == "the states beside it do not open with this key ring; export it again"


async def test_the_states_of_an_earlier_run_of_the_same_case_are_no_judgement(beside: Path) -> None:
    run, converter = histories.of_file(beside), data_converter(corpus.ring())
    film = await frames.of_run(run, workflows=reading.workflows(), converter=converter)
    earlier = replace(run, run_id="earlier")
    await states.write(states.kept(states.of_film(film)), earlier, beside, converter, corpus.NAMESPACE)

    found = await checked(beside, corpus.ring())

    assert (found.verdict, found.detail) == (
        Verdict.UNREADABLE,
        "the states beside it are of another run; export it again",
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"not json", gzip.compress(b"[]"), gzip.compress(b'{"states": "!"}')],
    ids=["empty", "not-packed", "not-json", "a-list", "not-base64"],
)
def test_a_file_that_holds_no_states_is_refused_by_its_name(beside: Path, content: bytes) -> None:
    states.beside(beside).write_bytes(content)

    with pytest.raises(Problem) as refused:
        states.with_states(histories.of_file(beside), beside)

    assert (refused.value.code, refused.value.exit_code) == ("not_a_history", 2)
    assert f"states/{NAME}" in refused.value.text


async def test_states_are_sealed_like_the_history(beside: Path) -> None:
    run = states.with_states(histories.of_file(beside), beside)

    with pytest.raises(states.Unreadable):
        await states.opened(run, data_converter(fresh()), corpus.NAMESPACE)

    assert b"sw1" in run.states.SerializeToString() if run.states else False


@pytest.mark.parametrize("events", [10, 12, 16])
async def test_a_run_that_ends_earlier_is_compared_as_far_as_it_goes(beside: Path, events: int) -> None:
    whole = states.with_states(histories.of_file(beside), beside)
    run: Recorded = replace(whole, events=whole.events[:events])
    converter = data_converter(corpus.ring())

    [found] = [each async for each in check([run], workflows=reading.workflows(), converter=converter)]

    assert found.verdict is Verdict.SAME
