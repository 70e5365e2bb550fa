"""What is told to whom, with which words and which proof?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from escalations.model import Milestone


class Recipient(StrEnum):
    """Whom a notice is for; each has its own channel."""

    AUTHORITY = "authority"
    SELLERS = "sellers"
    TRANSPARENCY_DATABASE = "transparency_database"
    BUYERS = "buyers"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One duty to tell somebody something; `template` names the wording, `fields` fill it, `meets` stops its clock.

    No personal data in `fields`: addresses are looked up by the activity that sends. `fields` are exactly
    `Template.owed` of the template; for a template that states reasons they are `reason_fields(Reasons(...))`.
    `clocks` names the clocks that the notice stops, by their `rule`; empty means all of its milestone.
    """

    recipient: Recipient
    template: str
    meets: Milestone
    duty: str
    fields: tuple[tuple[str, str], ...] = ()
    mandatory: bool = True
    reply_to: str = ""
    clocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOrder:
    """Send one notice. `number` is the n-th notice of the case, `decision` the number of the decision it reports.

    `manifest` is the digest of the targets it is about; `restrict_to`, unless empty, keeps only these listings of it;
    those in `spare` were restored and are left out.
    `aware_at` is when we learned of the harm, from which the buyers to be told are counted back; by default `at`.
    """

    case_id: str
    number: int
    notice: Notice
    at: datetime
    decision: int = 1
    manifest: str = ""
    restrict_to: tuple[str, ...] = ()
    aware_at: datetime | None = None
    spare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Proof that a notice went out, or why it did not.

    `count` is how many messages or records were accepted. `problem` is empty when nobody who had to be told was left
    out; it may be set beside a count above zero.
    """

    recipient: Recipient
    proof: str
    at: datetime
    count: int = 1
    problem: str = ""


class NoticeUnfit(ValueError):
    """A notice breaks a rule of form; the message names the field and says what to correct, never its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The six elements of a statement of reasons (DSA Art 17(3)(a)-(f), checked 2026-11-22), as codes and plain facts.

    Codes are those of the Transparency Database without their common beginning: `restriction` of
    `DECISION_VISIBILITY_`, `source` of `SOURCE_`, `decision` of `AUTOMATED_DECISION_`, `ground` of `DECISION_GROUND_`,
    `category` of `STATEMENT_CATEGORY_`, `keywords` of `KEYWORD_`. `territory` holds country codes; `until` None means
    without end; `basis` is the legal act, or the clause of the terms. No personal data in any text.
    """

    product: str
    restriction: str
    territory: tuple[str, ...]
    restricted_on: date
    facts: str
    source: str
    ground: str
    basis: str
    explanation: str
    redress: str
    category: str
    keywords: tuple[str, ...] = ()
    detection: str = "No"
    decision: str = "NOT_AUTOMATED"
    until: date | None = None
    listed_on: date | None = None


RESTRICTIONS: Final = {
    "CONTENT_REMOVED": "The offer was removed.",
    "CONTENT_DISABLED": "The offer can no longer be seen or bought.",
    "CONTENT_DEMOTED": "The offer is shown less prominently.",
    "CONTENT_AGE_RESTRICTED": "The offer is shown to adults only.",
    "CONTENT_INTERACTION_RESTRICTED": "The offer can be seen but not bought.",
    "CONTENT_LABELLED": "The offer carries a warning.",
}
SOURCES: Final = {
    "ARTICLE_16": "a notice that we received under Article 16 of Regulation (EU) 2022/2065",
    "TRUSTED_FLAGGER": "a notice of a trusted flagger",
    "TYPE_OTHER_NOTIFICATION": "information that we received from others",
    "VOLUNTARY": "an investigation on our own initiative",
}
DECISIONS: Final = {
    "FULLY": "It was decided by automated means.",
    "PARTIALLY": "It was decided by a person with the help of automated means.",
    "NOT_AUTOMATED": "It was decided by a person.",
}
DETECTIONS: Final = {"Yes": "The offer was found by automated means.", "No": "The offer was found by a person."}
GROUNDS: Final = {
    "ILLEGAL_CONTENT": "The offer is considered illegal",
    "INCOMPATIBLE_CONTENT": "The offer is incompatible with our terms and conditions",
}


def reason_fields(reasons: Reasons) -> tuple[tuple[str, str], ...]:
    """Write reasons as the fields of a notice; `reasons` reads them back."""
    return tuple((field.name, _written(getattr(reasons, field.name))) for field in fields(Reasons))


def reasons(given: tuple[tuple[str, str], ...]) -> Reasons:
    """Read the fields of a notice as reasons; raises `NoticeUnfit` for a missing, unknown or malformed field."""
    values = dict(given)
    _same_names(values, {field.name for field in fields(Reasons)}, "a statement of reasons")
    read: dict[str, str | date | tuple[str, ...] | None] = dict(values)
    for name in ("territory", "keywords"):
        read[name] = tuple(values[name].split())
    for name in ("restricted_on", "until", "listed_on"):
        read[name] = _day(name, values[name]) if values[name] or name == "restricted_on" else None
    return Reasons(**read)  # type: ignore[arg-type]  # each value was read for its own field just above


def reason_words(reasons: Reasons) -> dict[str, str]:
    """Say the six elements in words that a seller understands, keyed by placeholder."""
    return {
        "product": reasons.product,
        "restriction": _word(RESTRICTIONS, reasons.restriction, "restriction"),
        "territory": ", ".join(reasons.territory),
        "duration": f"until {reasons.until.isoformat()}" if reasons.until else "without an end date",
        "restricted_on": reasons.restricted_on.isoformat(),
        "facts": reasons.facts,
        "source": _word(SOURCES, reasons.source, "source"),
        "automation": f"{_word(DETECTIONS, reasons.detection, 'detection')} "
        f"{_word(DECISIONS, reasons.decision, 'decision')}",
        "ground": f"{_word(GROUNDS, reasons.ground, 'ground')}: {reasons.basis}",
        "explanation": reasons.explanation,
        "redress": reasons.redress,
    }


PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
LONGEST_SUBJECT: Final = 200
SENDERS: Final = frozenset({"case_id", "listings", "trader"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The wording of one kind of notice, and the rules of form that its articles set.

    `states_reasons`: filled from `Reasons`. `repeatable`: a second copy does no harm, so an uncertain message may be
    sent again. `forbidden`: beginnings of words that may not appear in the letter. `months`: only people who bought in
    so many months before we became aware are told; 0 means everybody.
    """

    name: str
    subject: str
    body: str
    articles: str
    checked: date
    states_reasons: bool = False
    repeatable: bool = False
    forbidden: tuple[str, ...] = ()
    months: int = 0

    @property
    def placeholders(self) -> frozenset[str]:
        """Every field that subject or body names."""
        return frozenset(PLACEHOLDER.findall(self.subject + self.body))

    @property
    def owed(self) -> frozenset[str]:
        """The fields a notice must bring; the others (`SENDERS`) are known only where it is sent."""
        return self.placeholders - SENDERS


def render(template_text: str, values: Mapping[str, str | tuple[str, ...]]) -> str:
    """Fill a wording: exactly its placeholders, each value on one line, a tuple as one `- ` line an item.

    Control characters, line breaks and direction marks in values become one space, and a value is never searched for
    placeholders, so nothing that a sender wrote can add a header, a line or a field. Raises `NoticeUnfit`.
    """
    _same_names(values, set(PLACEHOLDER.findall(template_text)), "the wording")
    shown = {name: _plain(name, value) for name, value in values.items()}
    return PLACEHOLDER.sub(lambda found: shown[found.group(1)], template_text)


def letter(template: Template, notice: Notice, senders: Mapping[str, str | tuple[str, ...]]) -> tuple[str, str]:
    """Write subject and body of a notice. Of `senders`, only what the template names is used. Raises `NoticeUnfit`."""
    values: dict[str, str | tuple[str, ...]] = {}
    if template.states_reasons:
        words = reason_words(reasons(notice.fields))
        values |= {name: words[name] for name in words if name in template.placeholders}
    else:
        values |= dict(notice.fields)
    _same_names(values, template.owed, f"the notice '{template.name}'")
    values |= {name: value for name, value in senders.items() if name in template.placeholders & SENDERS}
    in_subject = set(PLACEHOLDER.findall(template.subject))
    in_body = set(PLACEHOLDER.findall(template.body))
    subject = render(template.subject, {name: value for name, value in values.items() if name in in_subject})
    body = render(template.body, {name: value for name, value in values.items() if name in in_body})
    _check_words(template, values)
    return subject if len(subject) <= LONGEST_SUBJECT else subject[: LONGEST_SUBJECT - 1] + "…", body


def _check_words(template: Template, values: Mapping[str, str | tuple[str, ...]]) -> None:
    for name, value in values.items():
        text = value if isinstance(value, str) else " ".join(value)
        for word in template.forbidden:
            if re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE):
                raise NoticeUnfit(
                    f"field '{name}' of '{template.name}' says '{word}', which plays the risk down "
                    f"({template.articles}); reword the field"
                )


def _same_names(values: Mapping[str, object], wanted: set[str] | frozenset[str], what: str) -> None:
    missing, unknown = sorted(wanted - set(values)), sorted(set(values) - wanted)
    if missing or unknown:
        raise NoticeUnfit(
            f"{what} lacks {', '.join(missing) or 'nothing'} and does not know {', '.join(unknown) or 'nothing'}; "
            f"it takes exactly {', '.join(sorted(wanted))}"
        )


def _plain(name: str, value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return "\n".join(f"- {_plain(name, item)}" for item in value)
    text = " ".join(UNPRINTABLE.sub(" ", value).split())
    if not text:
        raise NoticeUnfit(f"field '{name}' is empty; say it, or say that it is not known")
    return text


def _word(table: Mapping[str, str], code: str, name: str) -> str:
    if code not in table:
        raise NoticeUnfit(f"field '{name}' is not one of {', '.join(table)}; use one of them")
    return table[code]


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoticeUnfit(f"field '{name}' is not a date such as 2026-11-22; correct it") from None


def _written(value: str | date | tuple[str, ...] | None) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else str(value)
