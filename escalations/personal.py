"""Which words of a case may leave the house? Only those named here; every other text counts as personal.

`CODES` are fields that hold one word of a program or of the rulebook: an id, a role, a country, a digest. `PROSE` are
sentences of ours, which may quote what somebody outside wrote. Whatever is not named, and what holds more than a code
where a code is expected, is replaced when a history is exported for other eyes. Enums, numbers and times are kept.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from escalations import facts
from escalations.model import Domain

# One word without spaces: no address (@), no sentence, no name of a person with its first name.
CODE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/#+~-]{0,127}")
ROLE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,11}|seawall")
PLACE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
SHORT_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{6,64}")
PROOF: Final = "asked"
TRUTH: Final = re.compile(r"true|false|\d{1,11}")


class Kind(StrEnum):
    """How a text is dealt with: kept if it is a code, a role or a place; our own sentence; or replaced whole.

    A fingerprint is a digest of a message, and becomes that of the replaced message; a proof is the digest of what an
    activity was asked (`activities.asked`), whatever type its answer has.
    """

    CODE = "code"
    ROLE = "role"
    PLACE = "place"
    FACT = "fact"
    FINGERPRINT = "fingerprint"
    PROOF = "proof"
    PROSE = "prose"
    PERSONAL = "personal"


_CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "Opening": ("case_id",),
    "Intake": ("source", "source_ref", "raw_digest"),
    "AuthorityOrder": ("reference",),
    "Product": ("gtins", "category"),
    "Facts": ("marks", "subjects"),
    "Event": ("kind",),
    "CaseFile": ("case_id", "merged", "rung", "ruling"),
    "Plan": ("rulebook", "playbook", "evidence", "action", "reason_code", "called", "ring"),
    "Severity": ("score",),
    "Clock": ("rule", "confidence", "pinned", "subject"),
    "Sought": ("case_id", "gtins", "beyond"),
    "PeopleStep": ("key",),
    "Gate": ("id", "recommended", "default", "digest", "rulebook"),
    "Option": ("key",),
    "Vote": ("gate", "option", "door"),
    "Outcome": ("gate", "option", "how"),
    "Said": ("door",),
    "Task": ("id",),
    "Manifest": ("digest", "by_tier"),
    "SweepOrder": ("case_id", "action", "reason_code", "mode"),
    "Notice": ("template", "clocks"),
    "RootCause": ("factors", "digest"),
    "Action": ("id", "strength"),
    "Receipt": ("code",),
    "Closed": ("case_id", "ruling"),
    "Decide": ("gate", "digest", "option"),
    "Exempt": ("clock",),
    "ReportFinding": ("factors",),
    "Hold": ("clock",),
    "Release": ("clock",),
    "Merge": ("other",),
    "Split": ("other",),
    "TaskDone": ("task",),
    "PreventionOrder": ("case_id",),
    "Batch": ("case_id",),
    "Entry": ("kind",),
    "Card": ("case_id", "score", "rulebook", "playbook", "source", "source_ref"),
    "Telling": ("case_id",),
    "ChatPost": ("case_id",),
    "Gather": ("case_id", "kinds"),
    "Gathered": ("digests",),
    "NoticeOrder": ("case_id", "manifest"),
    "Page": ("case_id", "component"),
    "GateRequest": ("case_id", "digest"),
    "NoticesRequest": ("case_id",),
    "NoticePlan": ("rulebook",),
    "PlanRequest": ("case_id", "rulebook"),
    "Reasons": (
        *("restriction", "restricted_on", "source", "ground", "category", "keywords", "detection", "decision"),
        *("until", "listed_on"),
    ),
}
_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "CaseFile": ("owner",),
    "Plan": ("owner",),
    "Clock": ("owner",),
    "PeopleStep": ("owner",),
    "Seat": ("role",),
    "Vote": ("role",),
    "Delegate": ("to", "role"),
    "Assign": ("to",),
    "Decide": ("role",),
    "Said": ("person",),
    "Task": ("owner", "done_by"),
    "Finding": ("by",),
    "Action": ("owner", "verifier_role"),
    "Entry": ("actor",),
    "Card": ("owner",),
    "Wait": ("owner",),
}
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "Intake": ("jurisdictions", "markets"),
    "AuthorityOrder": ("country",),
    "Event": ("place",),
    "Learn": ("place",),
    "Manifest": ("markets",),
    "Card": ("jurisdictions",),
    "Reasons": ("territory",),
}
_PROSE: Final[Mapping[str, tuple[str, ...]]] = {
    "CaseFile": ("downgrades",),
    "Plan": ("reasons", "channel"),
    "Severity": ("steps",),
    "Clock": ("duty", "instrument", "recipient", "derivation", "origin"),
    "PeopleStep": ("title",),
    "Gate": ("question", "steps"),
    "Option": ("label",),
    "Notice": ("duty",),
    "Receipt": ("text",),
    "Card": ("reasons", "open_items"),
    "Wait": ("reason", "then"),
    "ChatPost": ("channel",),
}
_FINGERPRINTS: Final[Mapping[str, tuple[str, ...]]] = {"Receipt": ("data",)}
# People choose these words; only those that our code knows may stay. (Evidence is named by digests, which always may.)
_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Learn": ("fact", "value"),
    "Finding": ("kind",),
    "ReportFinding": ("kind",),
}
_FINDINGS: Final = frozenset({"root_cause", "resweep_found", "resweep_failed"})
# Pairs and mappings whose first halves are names of ours; elsewhere they may be persons.
NAMED: Final = frozenset(
    {("Notice", "fields"), ("Entry", "data"), ("Page", "details"), ("CaseFile", "downgrades"), ("Receipt", "data")}
)
TABLE: Final[Mapping[tuple[str, str], Kind]] = {
    (name, field): kind
    for kind, table in (
        (Kind.CODE, _CODES),
        (Kind.ROLE, _ROLES),
        (Kind.PLACE, _PLACES),
        (Kind.PROSE, _PROSE),
        (Kind.FACT, _FACTS),
        (Kind.FINGERPRINT, _FINGERPRINTS),
    )
    for name, names in table.items()
    for field in names
}


def kind_of(type_name: str, field: str) -> Kind:
    """Say how the texts of a field are dealt with; of pairs such as `Notice.fields`, see `pair`."""
    if field == PROOF:
        return Kind.PROOF
    return TABLE.get((type_name, field), Kind.PERSONAL)


def pair(type_name: str, field: str, name: str) -> Kind:
    """Say how the second half of a pair is dealt with, by what the first half names."""
    if (type_name, field) == ("Notice", "fields"):
        return kind_of("Reasons", name)
    return kind_of(type_name, field)


def kept(kind: Kind, text: str) -> bool:
    """Ask whether a text may stay as it is. Digests and times always may, and what is empty."""
    if not text or DIGEST.fullmatch(text) or MOMENT.fullmatch(text):
        return True
    match kind:
        case Kind.CODE | Kind.FINGERPRINT:
            return CODE.fullmatch(text) is not None
        case Kind.PROOF:
            return SHORT_DIGEST.fullmatch(text) is not None
        case Kind.ROLE:
            return ROLE.fullmatch(text) is not None
        case Kind.PLACE:
            return all(PLACE.fullmatch(word) for word in text.split(" "))
        case Kind.FACT:
            return (
                text in facts.NAMES
                or text in _FINDINGS
                or text in Domain.__members__
                or TRUTH.fullmatch(text) is not None
            )
        case _:
            return False
