"""Do our words say what the articles ask for, exactly, and nothing that a sender smuggled in?"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from escalations import notices as wording
from escalations.model import Milestone
from escalations.notices import Notice, NoticeUnfit, Reasons, Recipient, Template, reason_fields, render
from rulebook import notices

GOLDEN = Path(__file__).parent / "test_notices_golden"
TEMPLATES = notices.load()
REASONS = Reasons(
    product="Ohmberry Peak 20K power bank",
    restriction="CONTENT_DISABLED",
    territory=("DE", "FR"),
    restricted_on=date(2026, 11, 22),
    facts="The power bank can overheat and catch fire.",
    source="TYPE_OTHER_NOTIFICATION",
    ground="ILLEGAL_CONTENT",
    basis="Regulation (EU) 2023/988, Article 5",
    explanation="A product that can catch fire in normal use is not safe.",
    redress="Object within six months at https://shop.example/complaints.",
    category="UNSAFE_AND_PROHIBITED_PRODUCTS",
    keywords=("UNSAFE_PRODUCTS",),
    until=date(2027, 5, 22),
)
FIELDS = {
    "action": "Unplug it and keep it away from anything that burns.",
    "authority": "Bundesnetzagentur",
    "contact": "https://shop.example/recalls, free of charge",
    "effect": "The offers can no longer be seen or bought.",
    "effect_at": "2026-11-22 10:00 UTC",
    "hazard": "The battery can overheat and catch fire.",
    "identification": "model OB-PK20, batches 2601 to 2604",
    "illegality": "It bears no CE marking (Directive 2014/30/EU, Article 7).",
    "legal_basis": "Regulation (EU) 2023/988, Article 22(4)",
    "offers": "3",
    "operator": "Ohmberry GmbH",
    "product": "Ohmberry Peak 20K power bank",
    "reason": "It was recalled on 2026-11-20.",
    "received_at": "2026-11-20 09:00 UTC",
    "redress": "Return it to the trader for a refund.",
    "reference": "BNetzA-2026-17",
    "remedy": "A refund or a replacement, as you choose.",
    "sold": "from January 2026, on our marketplace",
    "territory": "DE, FR",
}
SENDERS: dict[str, str | tuple[str, ...]] = {
    "case_id": "ESC-7Q2M-0ABC-XYZ1",
    "listings": ("L-00001", "L-00002"),
    "trader": "Volt Corner Ltd",
}


def notice(template: Template) -> Notice:
    given = reason_fields(REASONS) if template.states_reasons else tuple((name, FIELDS[name]) for name in template.owed)
    return Notice(
        recipient=Recipient.SELLERS,
        template=template.name,
        meets=Milestone.SELLERS_INFORMED,
        duty="tell them",
        fields=given,
    )


def test_the_rulebook_holds_a_template_for_every_kind_of_notice() -> None:
    assert set(TEMPLATES) == {
        "authority_reply",
        "buyer_illegal",
        "buyer_recall",
        "operator_notice",
        "seller_statement",
        "statement_of_reasons",
    }


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_each_template_reads_as_it_was_approved(name: str) -> None:
    subject, body = wording.letter(TEMPLATES[name], notice(TEMPLATES[name]), SENDERS)

    assert f"Subject: {subject}\n\n{body}" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        pytest.param(
            "seller_statement",
            {"restriction", "territory", "duration", "facts", "source", "automation", "ground", "redress"},
            id="DSA Art 17(3)(a)-(f)",
        ),
        pytest.param(
            "buyer_recall",
            {"product", "identification", "sold", "hazard", "action", "remedy", "contact"},
            id="GPSR Art 36(2)(a)-(e)",
        ),
        pytest.param("buyer_illegal", {"illegality", "trader", "redress"}, id="DSA Art 32(1)(a)-(c)"),
        pytest.param("authority_reply", {"reference", "effect", "effect_at"}, id="DSA Art 9(1)"),
    ],
)
def test_a_template_asks_for_everything_that_its_article_lists(name: str, needed: set[str]) -> None:
    assert needed <= TEMPLATES[name].placeholders


def test_a_recall_is_headed_as_the_regulation_says_and_never_played_down() -> None:
    recall = TEMPLATES["buyer_recall"]

    assert recall.subject.startswith("Product safety recall")
    assert not [word for word in recall.forbidden if word in recall.body.lower()]


@pytest.mark.parametrize("word", ["voluntary", "Voluntarily", "PRECAUTIONARY", "in rare situations", "no injuries"])
def test_a_field_that_plays_the_risk_down_is_refused_by_name(word: str) -> None:
    recall = TEMPLATES["buyer_recall"]
    told = replace(
        notice(recall), fields=tuple((name, (FIELDS | {"hazard": f"A {word} step"})[name]) for name in recall.owed)
    )

    with pytest.raises(NoticeUnfit, match="'hazard'"):
        wording.letter(recall, told, SENDERS)


def test_reasons_are_written_as_fields_and_read_back_unchanged() -> None:
    assert wording.reasons(reason_fields(REASONS)) == REASONS
    assert wording.reasons(reason_fields(replace(REASONS, until=None, keywords=()))).until is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"facts": None}, "lacks facts"),
        ({"surprise": "x"}, "does not know surprise"),
        ({"restricted_on": "22.11.2026"}, "'restricted_on' is not a date"),
        ({"restricted_on": ""}, "'restricted_on' is not a date"),
    ],
)
def test_reasons_that_are_incomplete_or_malformed_name_the_field(change: dict[str, str | None], says: str) -> None:
    given = dict(reason_fields(REASONS)) | change
    kept = tuple((name, value) for name, value in given.items() if value is not None)

    with pytest.raises(NoticeUnfit, match=says):
        wording.reasons(kept)


@pytest.mark.parametrize("name", ["restriction", "source", "decision", "detection", "ground"])
def test_a_code_that_nobody_knows_is_refused_with_the_codes_that_are_known(name: str) -> None:
    wrong = replace(REASONS, **cast("dict[str, Any]", {name: "MAYBE"}))

    with pytest.raises(NoticeUnfit, match=f"'{name}' is not one of"):
        wording.reason_words(wrong)


def test_a_missing_an_unknown_and_an_empty_field_are_errors() -> None:
    with pytest.raises(NoticeUnfit, match="lacks b and does not know c"):
        render("{a} {b}", {"a": "1", "c": "2"})
    with pytest.raises(NoticeUnfit, match="'a' is empty"):
        render("{a}", {"a": " \r\n\t"})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("one\r\nBcc: two", "one Bcc: two"),
        ("a\x00b\x1b[31mc\x85d\u2028e", "a b [31mc d e"),
        ("right\u202eleft\u2066x\u200f", "right left x"),
        ("  {b}  {a} ", "{b} {a}"),
        ("{{7*7}} ${x} %s", "{{7*7}} ${x} %s"),
        ("Größe\ud800", "Größe"),
    ],
)
def test_a_value_stays_one_plain_line_and_is_never_a_placeholder(value: str, shown: str) -> None:
    assert render("{a}|{b}", {"a": value, "b": "B"}) == f"{shown}|B"


def test_a_list_is_shown_one_line_an_item() -> None:
    assert render("{a}", {"a": ("x\ny", "z")}) == "- x y\n- z"


def test_a_long_subject_is_cut() -> None:
    template = TEMPLATES["operator_notice"]
    long = tuple((name, "x" * 1000 if name == "product" else FIELDS[name]) for name in template.owed)

    subject, body = wording.letter(template, replace(notice(template), fields=long), SENDERS)

    assert len(subject) == 200
    assert "x" * 1000 in body


HEAD = "# articles: A\n# checked: 2026-11-22\n# says: B\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("Subject: x\n\nbody\n", "lacks", id="no header"),
        pytest.param(HEAD + "# mood: kind\nSubject: x\n\nbody\n", "unknown", id="unknown header"),
        pytest.param(HEAD + "# says: again\nSubject: x\n\nbody\n", "not one", id="header twice"),
        pytest.param(HEAD + "# nothing\nSubject: x\n\nbody\n", "not one", id="header without value"),
        pytest.param(HEAD + "body\n", "Subject", id="no subject"),
        pytest.param(HEAD + "Subject: x\nbody\n\n", "Subject", id="no empty line"),
        pytest.param(HEAD + "# repeatable: maybe\nSubject: x\n\nbody\n", "yes or no", id="not yes or no"),
        pytest.param(HEAD + "Subject: x\n\n{Name}\n", "brace", id="misspelt field"),
        pytest.param(HEAD + "Subject: {a\n\nbody\n", "brace", id="open brace"),
        pytest.param(HEAD.replace("2026-11-22", "soon") + "Subject: x\n\nbody\n", "soon", id="no date"),
    ],
)
def test_a_template_file_with_a_fault_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        notices.template("letter", text)
