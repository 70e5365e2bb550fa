"""What does the DSA Transparency Database accept as a statement of reasons, and how is one written?

Names and limits are those of the database's interface v1 in its state of 2026-06-24 (checked 2026-11-22). Where its
documentation and its code differ, what is written here satisfies both. Article 24(5) DSA: no personal data.
"""

import re
from datetime import date
from hashlib import sha256
from typing import Final

from escalations.notices import (
    DECISIONS,
    DETECTIONS,
    GROUNDS,
    RESTRICTIONS,
    SOURCES,
    NoticeUnfit,
    Reasons,
)

BATCH: Final = 100
LONGEST_PUID: Final = 500
LONGEST_GROUND: Final = 500
LONGEST_EXPLANATION: Final = 2000
LONGEST_FACTS: Final = 5000
FIRST_CONTENT_DAY: Final = date(2000, 1, 1)
FIRST_APPLICATION_DAY: Final = date(2020, 1, 1)
LAST_DAY: Final = date(2038, 1, 1)

_CATEGORIES: Final = """
    ANIMAL_WELFARE CONSUMER_INFORMATION CYBER_VIOLENCE CYBER_VIOLENCE_AGAINST_WOMEN
    DATA_PROTECTION_AND_PRIVACY_VIOLATIONS ILLEGAL_OR_HARMFUL_SPEECH INTELLECTUAL_PROPERTY_INFRINGEMENTS
    NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS NOT_SPECIFIED_NOTICE OTHER_VIOLATION_TC PROTECTION_OF_MINORS
    RISK_FOR_PUBLIC_SECURITY SCAMS_AND_FRAUD SELF_HARM UNSAFE_AND_PROHIBITED_PRODUCTS VIOLENCE
    """
CATEGORIES: Final = frozenset(_CATEGORIES.split())
_KEYWORDS: Final = """
    ADULT_SEXUAL_MATERIAL AGE_SPECIFIC_RESTRICTIONS AGE_SPECIFIC_RESTRICTIONS_MINORS ANIMAL_HARM BIOMETRIC_DATA_BREACH
    BULLYING_AGAINST_GIRLS CHILD_SEXUAL_ABUSE_MATERIAL CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE
    CONTENT_PROMOTING_EATING_DISORDERS COORDINATED_HARM COPYRIGHT_INFRINGEMENT CYBER_BULLYING_INTIMIDATION
    CYBER_HARASSMENT CYBER_HARASSMENT_AGAINST_WOMEN CYBER_INCITEMENT CYBER_STALKING CYBER_STALKING_AGAINST_WOMEN
    DATA_FALSIFICATION DEFAMATION DESIGN_INFRINGEMENT DISCRIMINATION FEMALE_GENDERED_DISINFORMATION
    GEOGRAPHIC_INDICATIONS_INFRINGEMENT GEOGRAPHICAL_REQUIREMENTS GOODS_SERVICES_NOT_PERMITTED
    GROOMING_SEXUAL_ENTICEMENT_MINORS HATE_SPEECH HIDDEN_ADVERTISEMENT HUMAN_EXPLOITATION HUMAN_TRAFFICKING
    ILLEGAL_ORGANIZATIONS IMPERSONATION_ACCOUNT_HIJACKING INAUTHENTIC_ACCOUNTS INAUTHENTIC_LISTINGS
    INAUTHENTIC_USER_REVIEWS INCITEMENT_AGAINST_WOMEN INCITEMENT_VIOLENCE_HATRED INSUFFICIENT_INFORMATION_ON_TRADERS
    LANGUAGE_REQUIREMENTS MISINFORMATION_DISINFORMATION MISLEADING_INFO_CONSUMER_RIGHTS MISLEADING_INFO_GOODS_SERVICES
    MISSING_PROCESSING_GROUND NONCOMPLIANCE_PRICING NON_CONSENSUAL_IMAGE_SHARING
    NON_CONSENSUAL_IMAGE_SHARING_AGAINST_WOMEN NON_CONSENSUAL_MATERIAL_DEEPFAKE
    NON_CONSENSUAL_MATERIAL_DEEPFAKE_AGAINST_WOMEN NUDITY OTHER PATENT_INFRINGEMENT PHISHING PROHIBITED_PRODUCTS
    PYRAMID_SCHEMES RIGHT_TO_BE_FORGOTTEN RISK_ENVIRONMENTAL_DAMAGE RISK_PUBLIC_HEALTH SELF_MUTILATION STALKING SUICIDE
    TERRORIST_CONTENT TRADEMARK_INFRINGEMENT TRADE_SECRET_INFRINGEMENT TRAFFICKING_WOMEN_GIRLS UNLAWFUL_SALE_ANIMALS
    UNSAFE_CHALLENGES UNSAFE_PRODUCTS VIOLATION_EU_LAW VIOLATION_NATIONAL_LAW
    """
KEYWORDS: Final = frozenset(_KEYWORDS.split())
_EU: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU: Final = tuple(_EU.split())
EEA: Final = tuple(sorted((*EU, "IS", "LI", "NO")))

PUID_SAFE: Final = re.compile(r"[A-Za-z0-9_-]{1,400}")
PERSONAL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}|\+[0-9][0-9 ()/-]{7,}[0-9]", re.IGNORECASE)


def puid(case_id: str, listing: str, decision: int) -> str:
    """Name the statement about one listing: `<case>-<listing>-<decision>`, the same for every retry and run.

    A listing id with signs that the database refuses (it takes ASCII letters, digits, `-`, `_`) or above 400 signs is
    replaced by `h_` and 32 hex digits of its SHA-256, so that ids which are merely similar stay apart.
    """
    safe = listing if PUID_SAFE.fullmatch(listing) else f"h_{sha256(listing.encode()).hexdigest()[:32]}"
    return f"{case_id}-{safe}-{decision}"


def statement(reasons: Reasons, *, puid: str, facts: str, gtin: str = "") -> dict[str, object]:
    """Write one statement of reasons about a product offer as the database takes it.

    `facts` is the wording of `decision_facts`. Countries outside the EEA are left out, since the database knows none;
    `EU` and `EEA` stand for their members. Raises `NoticeUnfit` naming the field that breaks a rule, so that nothing is
    sent which the database would refuse.
    """
    _check(reasons, puid, facts)
    legal = reasons.ground == "ILLEGAL_CONTENT"
    grounds = ("illegal_content_legal_ground", "illegal_content_explanation")
    terms = ("incompatible_content_ground", "incompatible_content_explanation")
    ground, explanation = grounds if legal else terms
    record: dict[str, object] = {
        "puid": puid,
        "decision_visibility": [f"DECISION_VISIBILITY_{reasons.restriction}"],
        "decision_ground": f"DECISION_GROUND_{reasons.ground}",
        ground: reasons.basis,
        explanation: reasons.explanation,
        "content_type": ["CONTENT_TYPE_PRODUCT"],
        "category": f"STATEMENT_CATEGORY_{reasons.category}",
        "territorial_scope": list(territory(reasons.territory)),
        "content_date": (reasons.listed_on or reasons.restricted_on).isoformat(),
        "application_date": reasons.restricted_on.isoformat(),
        "decision_facts": facts,
        "source_type": f"SOURCE_{reasons.source}",
        "automated_detection": reasons.detection,
        "automated_decision": f"AUTOMATED_DECISION_{reasons.decision}",
    }
    if reasons.keywords:
        record["category_specification"] = [f"KEYWORD_{word}" for word in reasons.keywords]
    if reasons.until:
        record["end_date_visibility_restriction"] = reasons.until.isoformat()
    ean = gtin[1:] if len(gtin) == 14 and gtin.startswith("0") else gtin
    if re.fullmatch(r"[0-9]{13}", ean, re.ASCII):
        record["content_id"] = {"EAN-13": ean}
    return record


def territory(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Spell out the EEA countries among `codes`, sorted, each once."""
    groups = {"EU": EU, "EEA": EEA, "EL": ("GR",)}
    spelled = {country for code in codes for country in groups.get(code, (code,))}
    return tuple(sorted(spelled & set(EEA)))


def _check(reasons: Reasons, puid: str, facts: str) -> None:
    """Apply every rule of form; the first one broken is raised."""
    _known("restriction", reasons.restriction, RESTRICTIONS)
    _known("ground", reasons.ground, GROUNDS)
    _known("source", reasons.source, SOURCES)
    _known("detection", reasons.detection, DETECTIONS)
    _known("decision", reasons.decision, DECISIONS)
    _known("category", reasons.category, CATEGORIES)
    for word in reasons.keywords:
        _known("keywords", word, KEYWORDS)
    if len(puid) > LONGEST_PUID or not re.fullmatch(r"[A-Za-z0-9_-]+", puid):
        raise NoticeUnfit(f"the puid is not 1 to {LONGEST_PUID} of A-Z a-z 0-9 _ -; make it with transparency.puid")
    _text("basis", reasons.basis, LONGEST_GROUND)
    _text("explanation", reasons.explanation, LONGEST_EXPLANATION)
    _text("facts", facts, LONGEST_FACTS)
    if not territory(reasons.territory):
        raise NoticeUnfit("field 'territory' names no EEA country; the database takes statements about the EEA only")
    _within("restricted_on", reasons.restricted_on, FIRST_APPLICATION_DAY)
    _within("listed_on", reasons.listed_on or reasons.restricted_on, FIRST_CONTENT_DAY)
    _within("until", reasons.until or LAST_DAY, reasons.restricted_on)


def _known(name: str, code: str, table: frozenset[str] | dict[str, str]) -> None:
    if code not in table:
        raise NoticeUnfit(f"field '{name}' is not a code of the database; use one of {', '.join(sorted(table))}")


def _text(name: str, text: str, longest: int) -> None:
    if not text.strip() or len(text) > longest:
        raise NoticeUnfit(f"field '{name}' has {len(text)} characters; it takes 1 to {longest}")
    if PERSONAL.search(text):
        raise NoticeUnfit(f"field '{name}' seems to hold an e-mail address or telephone number; take it out")


def _within(name: str, day: date, first: date) -> None:
    if not first <= day <= LAST_DAY:
        raise NoticeUnfit(f"field '{name}' is not between {first} and {LAST_DAY}; correct the date")
