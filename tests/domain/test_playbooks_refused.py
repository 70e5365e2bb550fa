"""Is a wrong playbook refused with the line that is wrong, be it its own or one that all playbooks share?"""

import shutil

import pytest

import rulebook
from rulebook import RulebookInvalid
from rulebook.sources import HERE


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "rulebook"
    shutil.copytree(HERE, root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return root


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        pytest.param(
            "playbooks/esg.yaml", "ladder: [monitor,", "ladder: [ponder,",
            r"esg\.yaml:\d+ ladder\[0\]: ponder is no rung", id="no-such-rung",
        ),
        pytest.param(
            "playbooks/esg.yaml", "emergency: [hide]", "emergency: [terminate]",
            r"emergency\[0\]: terminate cannot be undone", id="emergency-cannot-be-undone",
        ),
        pytest.param(
            "playbooks/esg.yaml", "emergency: [hide]", "emergency: [hold_funds]",
            r"hold_funds is not on this playbook's ladder", id="emergency-off-the-ladder",
        ),
        pytest.param(
            "playbooks/esg.yaml", "action: hide", "action: burn", r"the marketplace hand cannot burn", id="no-such-act"
        ),
        pytest.param(
            "playbooks/esg.yaml", "rung: suspend_selling", "rung: hold_funds",
            r"steps\[0\]\.rung: hold_funds is not on", id="step-off-the-ladder",
        ),
        pytest.param(
            "playbooks/lerq.yaml", "monitor, reversible: false", "monitor, reversible: false, before_review: true",
            r"steps\[2\]\.before_review: only what can be undone", id="disclosed-before-review",
        ),
        pytest.param(
            "playbooks/payaml.yaml", "[{ring: tipping_off, viewers: [FIN, LEG]}]", "[{ring: tipping_off}]",
            r"viewers: an open ring names no viewers", id="ring-without-viewers",
        ),
        pytest.param(
            "playbooks/illeg.yaml", ", {ring: open}]", "]", r"the last ring holds for every other", id="no-last-ring"
        ),
        pytest.param(
            "playbooks/illeg.yaml", "notices: [authority_reply", "notices: [authority_answer",
            r"notices\[0\]: nothing is shared as authority_answer", id="nothing-shared",
        ),
        pytest.param(
            "playbooks/illeg.yaml", "gates:\n  containment:", "gates:\n  contanment:",
            r"gates\.contanment: is no question", id="no-such-question",
        ),
        pytest.param(
            "playbooks/priv.yaml", "EU-GDPR-33]", "EU-GDPR-3]", r"no such clock: EU-GDPR-3;", id="no-such-clock"
        ),
        pytest.param(
            "gates.yaml", '"@owner": {}', '"@boss": {}',
            r"gates\.yaml:\d+ gates\.containment\.emergency", id="no-such-chair",
        ),
        pytest.param("gates.yaml", "responses:", "answers:", r"responses: is missing", id="part-missing"),
        pytest.param("ladder.yaml", "partly", "perhaps", r"ladder\.yaml:\d+ ladder\.", id="neither-yes-nor-no"),
        pytest.param(
            "severity.yaml", "{elapsed: PT5M}", "{said: soon}", r"acknowledge.*needs a time", id="target-without-time"
        ),
        pytest.param(
            "severity.yaml", "{elapsed: PT5M}", "{elapsed: PT5M, business: PT5M}", r"not both", id="two-kinds-of-time"
        ),
    ],
)  # fmt: skip
def test_a_wrong_playbook_is_refused_in_one_line(folder, name, old, new, says):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer says {old!r}"
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(RulebookInvalid, match=says) as refused:
        rulebook.load(folder)

    assert "\n" not in str(refused.value)
    assert ";" in str(refused.value)
