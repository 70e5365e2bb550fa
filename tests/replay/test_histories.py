"""Do the recorded cases live the same way with today's code?"""

from pathlib import Path

import pytest

from replay import histories, reading, states
from replay.check import Verdict, check
from starter.sealing import data_converter
from tests.replay import corpus

FILES = histories.files([corpus.HISTORIES]) if corpus.HISTORIES.is_dir() else []


def test_there_are_recorded_cases() -> None:
    assert FILES, "record them with `make record`"


@pytest.mark.parametrize("path", FILES, ids=[path.name.split(".")[0] for path in FILES])
async def test_a_recorded_case_is_lived_the_same_way(path: Path) -> None:
    run = states.with_states(histories.of_file(path), path)
    converter = data_converter(corpus.ring(), corpus.NAMESPACE)

    [checked] = [each async for each in check([run], workflows=reading.workflows(), converter=converter)]

    assert checked.verdict == Verdict.SAME, [checked.detail, *(each.line() for each in checked.differences)]
    assert checked.states, "its states are kept beside it and were compared"
    assert checked.words == ()
