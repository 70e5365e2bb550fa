"""Does the guide to the rulebook say what the rulebook says today?"""

import rulebook
from rulebook import guide


def test_the_guide_is_not_stale() -> None:
    written = guide.TARGET.read_text(encoding="utf-8")

    assert written == guide.guide(rulebook.load()), "run `python -m rulebook.guide` and commit docs/rulebook.md"


def test_every_rule_playbook_and_role_is_in_the_guide() -> None:
    text = guide.guide(book := rulebook.load())

    assert all(f"| {rule.id} v{rule.version} |" in text for rule in book.clocks)
    assert all(f"### {playbook.domain.value}: " in text for playbook in book.playbooks)
    assert all(person.id in text for person in book.roster.persons)
