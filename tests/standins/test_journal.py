"""Is the journal the truth: on the disk before the answer, readable after a crash?"""

import json
from pathlib import Path

import pytest

from standins import journal
from standins.journal import APPLIED, READ, Journal, Told
from starter.errors import Problem


def _journal(folder: Path) -> Journal:
    return Journal(journal.path_of(folder, "pager"))


def test_a_line_says_who_told_what_about_which_thing(tmp_path: Path) -> None:
    written = _journal(tmp_path)

    written.write(Told(op="put", kind=APPLIED, key="k", subject="s", prev=1, now=2, caller="c", body=b"x"))
    written.close()

    (line,) = journal.read(tmp_path, "pager")
    assert list(line) == ["seq", "t", "op", "key", "subject", "prev", "now", "caller", "body_sha256", "kind", "detail"]
    assert (line["seq"], line["prev"], line["now"]) == (1, 1, 2)
    assert line["body_sha256"] == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_a_torn_last_line_is_left_out_and_written_over(tmp_path: Path) -> None:
    written = _journal(tmp_path)
    written.write(Told(op="put", kind=APPLIED, key="k"))
    written.close()
    with written.path.open("ab") as file:
        file.write(b'{"seq":2,"op":"pu')

    torn = journal.read(tmp_path, "pager")
    again = _journal(tmp_path)
    again.write(Told(op="put", kind=READ))
    again.close()

    assert [line["seq"] for line in torn] == [1]
    assert [line["seq"] for line in journal.read(tmp_path, "pager")] == [1, 2]


def test_a_broken_line_in_the_middle_is_said_and_not_skipped(tmp_path: Path) -> None:
    path = journal.path_of(tmp_path, "pager")
    path.parent.mkdir()
    path.write_bytes(b'{"seq":1}\nnonsense\n{"seq":3}\n')

    with pytest.raises(Problem) as refused:
        journal.read(tmp_path, "pager")

    assert refused.value.code == "journal_damaged"


def test_effects_count_a_batch_once_per_item(tmp_path: Path) -> None:
    written = _journal(tmp_path)
    written.write(Told(op="batch", kind=APPLIED, detail={"keys": ["a", "b"]}))
    written.write(Told(op="ask", kind=READ, key="c"))
    written.close()

    assert journal.effects(tmp_path, "pager") == [("batch", "a", ""), ("batch", "b", "")]


def test_a_system_that_was_told_nothing_has_an_empty_journal(tmp_path: Path) -> None:
    assert journal.read(tmp_path, "chat") == []
    assert json.dumps(journal.effects(tmp_path, "chat")) == "[]"
