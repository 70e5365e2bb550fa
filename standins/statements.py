"""Which statements of reasons does the DSA Transparency Database take? Its validation, as its code behaves.

Source: protocol facts of the database's public code (snapshot 69e80a0b, 2026-06-24), checked 2026-11-22. Where its
documentation and its code differ, this follows the code: end dates are not compared with the application date,
`territorial_scope` may be absent, `content_date` is required, a nullable choice also takes the text "null".
"""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Statement = dict[str, Any]
Errors = dict[str, list[str]]

CHOICES: dict[str, list[str]] = json.loads((Path(__file__).parent / "dsa_enums.json").read_text(encoding="utf-8"))
ENDS = ("visibility", "monetary", "service", "account")
DECISIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
ONE_OF = {  # field: required?
    "decision_monetary": False,
    "decision_provision": False,
    "decision_account": False,
    "account_type": False,
    "decision_ground": True,
    "incompatible_content_illegal": False,
    "category": True,
    "content_language": False,
    "source_type": True,
    "automated_detection": True,
    "automated_decision": True,
}
SEVERAL_OF = {  # field: (required?, the choices it takes)
    "decision_visibility": (False, "decision_visibility"),
    "category_addition": (False, "category"),
    "category_specification": (False, "category_specification"),
    "content_type": (True, "content_type"),
    "territorial_scope": (False, "territorial_scope"),
}
TEXTS = {  # field: longest
    "puid": 500,
    "decision_visibility_other": 500,
    "decision_monetary_other": 500,
    "decision_ground_reference_url": 500,
    "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2000,
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2000,
    "content_type_other": 500,
    "category_specification_other": 500,
    "decision_facts": 5000,
    "source_identity": 500,
}
DATES = {  # field: (required?, earliest)
    "content_date": (True, date(2000, 1, 1)),
    "application_date": (True, date(2020, 1, 1)),
    **{f"end_date_{end}_restriction": (False, date(2000, 1, 1)) for end in ENDS},
}
LATEST = date(2038, 1, 1)
PUID = re.compile(r"[a-zA-Z0-9_-]+")


def cleaned(value: Any) -> Any:
    """Trim every text and turn an empty one into null, as the framework does before anything is looked at."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        return {name: cleaned(each) for name, each in value.items()}
    return [cleaned(each) for each in value] if isinstance(value, list) else value


def errors_of(given: Statement) -> Errors:
    """List everything wrong with a cleaned statement, by field; empty when it would be stored."""
    found: Errors = {}
    for name in _required(given):
        if given.get(name) in (None, []):
            found[name] = [f"The {_label(name)} field is required."]
    if all(given.get(name) in (None, []) for name in DECISIONS):
        for name in DECISIONS:
            others = " / ".join(_label(other) for other in DECISIONS if other != name)
            found[name] = [f"The {_label(name)} field is required when none of {others} are present."]
    for name, value in given.items():
        if value is not None and name not in found and (wrong := _wrong(name, value)):
            found[name] = [wrong]
    return found


def stored(given: Statement) -> Statement:
    """Give a valid statement the form in which the database keeps it: conditional fields dropped, lists in order."""
    kept = {name: given.get(name) for name in (*TEXTS, *ONE_OF, *SEVERAL_OF, *DATES, "content_id")}
    for name in ONE_OF:
        kept[name] = None if kept[name] == "null" else kept[name]
    for name, holder, other in (
        ("decision_visibility_other", "decision_visibility", "DECISION_VISIBILITY_OTHER"),
        ("decision_monetary_other", "decision_monetary", "DECISION_MONETARY_OTHER"),
        ("content_type_other", "content_type", "CONTENT_TYPE_OTHER"),
        ("category_specification_other", "category_specification", "KEYWORD_OTHER"),
        ("illegal_content_legal_ground", "decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT"),
        ("illegal_content_explanation", "decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT"),
        ("incompatible_content_ground", "decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT"),
        ("incompatible_content_explanation", "decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT"),
        ("incompatible_content_illegal", "decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT"),
    ):
        if other not in _several(kept[holder]):
            kept[name] = None
    if kept["source_type"] == "SOURCE_VOLUNTARY":
        kept["source_identity"] = None
    kept["category_addition"] = [each for each in kept["category_addition"] or [] if each != kept["category"]]
    kept["territorial_scope"] = sorted(set(kept["territorial_scope"] or []))
    return kept


def _required(given: Statement) -> list[str]:
    needed = ["puid", "decision_facts"]
    needed += [name for name, required in ONE_OF.items() if required]
    needed += [name for name, (required, _) in {**SEVERAL_OF, **DATES}.items() if required]
    if "DECISION_VISIBILITY_OTHER" in _several(given.get("decision_visibility")):
        needed.append("decision_visibility_other")
    if given.get("decision_monetary") == "DECISION_MONETARY_OTHER":
        needed.append("decision_monetary_other")
    if "CONTENT_TYPE_OTHER" in _several(given.get("content_type")):
        needed.append("content_type_other")
    if given.get("decision_ground") == "DECISION_GROUND_ILLEGAL_CONTENT":
        needed += ["illegal_content_legal_ground", "illegal_content_explanation"]
    if given.get("decision_ground") == "DECISION_GROUND_INCOMPATIBLE_CONTENT":
        needed += ["incompatible_content_ground", "incompatible_content_explanation"]
    return needed


def _wrong(name: str, value: Any) -> str:
    label = _label(name)
    if name in TEXTS:
        return _wrong_text(name, value, label)
    if name in ONE_OF:
        null_too = not ONE_OF[name] and value == "null"
        return "" if null_too or value in CHOICES[name] else f"The selected {label} is invalid."
    if name in SEVERAL_OF:
        if not isinstance(value, list):
            return f"The {label} field must be an array."
        good = all(isinstance(each, str) and each in CHOICES[SEVERAL_OF[name][1]] for each in value)
        return "" if good else f"The selected {label} is invalid."
    if name in DATES:
        return _wrong_date(value, label, DATES[name][1])
    if name == "content_id":
        return _wrong_content_id(value)
    return ""


def _wrong_text(name: str, value: Any, label: str) -> str:
    if not isinstance(value, str):
        return f"The {label} field must be a string."
    if len(value) > TEXTS[name]:
        return f"The {label} field must not be greater than {TEXTS[name]} characters."
    if name == "puid" and not PUID.fullmatch(value):
        return f"The {label} field format is invalid."
    if name == "decision_ground_reference_url" and not (urlsplit(value).scheme and urlsplit(value).netloc):
        return f"The {label} field must be a valid URL."
    return ""


def _wrong_date(value: Any, label: str, earliest: date) -> str:
    try:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        return f"The {label} field must match the format Y-m-d."
    if day < earliest:
        return f"The {label} field must be a date after or equal to {earliest}."
    return f"The {label} field must be a date before or equal to {LATEST}." if day > LATEST else ""


def _wrong_content_id(value: Any) -> str:
    if not isinstance(value, dict):
        return "The content id field must be an array."
    if set(value) - {"EAN-13"}:
        return "The content id field must only contain the key EAN-13."
    return "" if re.fullmatch(r"[0-9]{13}", str(value.get("EAN-13"))) else "The EAN-13 must be 13 digits."


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _label(name: str) -> str:
    return name.replace("_", " ")
