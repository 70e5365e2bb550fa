"""What does a learned fact change? Facts are told as text, judged once, and only ever replace a value."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from escalations.model import Domain, Event, Facts, Intake

TIMES = ("aware_at", "order_due_at")
FLAGS = ("order_withdrawn",)
LEVELS = ("media", "velocity")
COUNTS = (
    "deaths",
    "serious_injuries",
    "minor_injuries",
    "units_sold",
    "independent_reports",
    "people_affected",
    "sellers_wronged",
    "media",
    "velocity",
)
MARKS = (
    "csam",
    "minor_depicted",
    "terrorist_content",
    "live",
    "imminent_threat",
    "crime_suspected",
    "intimate_image",
    "impersonation",
    "sensitive_data",
    "personal_data_breach",
    "high_risk_breach",
    "outside_intrusion",
    "sanctions_match",
    "money_laundering",
    "identity_fraud",
    "trader_data_wrong",
    "copyright",
    "trademark",
    "counterfeit",
    "recalled",
    "repeat_infringement",
    "criminal_liability",
    "executive_commitment",
    "gag_order",
    "public_emergency",
    "forced_labour",
    "urgent_request",
    "emergency_request",
    "high_volume_seller",
    "disclosing_seller",
    "manufacturer_role",
    "own_role",
    "health_vulnerable",
    "minors_targeted",
    "leak_closed",
    "large_loss",
    "age_doubt",
    "trusted_flagger",
    "processor_role",
    "request_extended",
    "preservation_order",
    "significant_incident",
    "major_incident",
    "exploited_vulnerability",
    "reportability_unclear",
    "child_enticement",
    "suspect_unknown",
    "child_bullied",
    "adult_abused",
    "specified_grievance",
    "election_period",
    "complex_dispute",
    "deceptive_high_volume",
)
EVENTS = (
    "breach_assessed",
    "contract_ended",
    "counter_notice_received",
    "qualified_high_volume",
    "information_received",
    "missing_information_notified",
    "suspicion_detected",
    "property_blocked",
    "recall_decided",
    "recall_action_taken",
    "complaint_received",
    "restriction_informed",
    "investigation_opened",
    "non_infringement_stated",
    "data_obtained",
    "content_preserved",
    "account_reported",
    "dispute_received",
    "termination_decided",
    "remedy_lapsed",
    "compliance_impossible",
    "order_unclear",
    "order_annulled",
    "fix_available",
    "bank_data_requested",
    "false_disclosure_notified",
    "transaction_rejected",
    "poster_asked",
    "awareness_claimed",
    "complaint_upheld",
    "termination_reasons_given",
)
COMPLEX = ("marks", "subjects", "events")
NAMES = (
    *(field.name for field in fields(Facts) if field.name not in COMPLEX),
    *(*TIMES, *FLAGS, "domain", *MARKS, *EVENTS),
)
Value = int | bool | datetime | Domain
MOST = 10_000_000_000
HIGHEST_LEVEL = 4
YEARS = range(2000, 2091)  # holidays are known to 2100, and no period is longer than some years


class BadFact(ValueError):
    """A fact that is not known, or a value that cannot be one. The message says what is allowed."""


def parsed(fact: str, value: str) -> int | bool | datetime | Domain:
    """Read a fact's value: a whole number from 0 to 10^10 (levels: to 4), `true`/`false`, or a time with its offset.

    An order is withdrawn or it is not known to be: `order_withdrawn` takes `true` only. Raises BadFact.
    """
    if fact not in NAMES:
        raise BadFact(f"unknown fact; use one of {', '.join(NAMES)}")
    if fact == "domain":
        return _domain(value)
    if fact in TIMES or fact in EVENTS:
        return _time(value)
    if fact in COUNTS:
        most = HIGHEST_LEVEL if fact in LEVELS else MOST
        if not (value.isascii() and value.isdigit()) or len(value) > len(str(MOST)) or int(value) > most:
            raise BadFact(f"{fact} takes a whole number from 0 to {most}")
        return int(value)
    if fact in FLAGS and value != "true":
        raise BadFact(f"{fact} takes true; an order that holds after all is reported again")
    if value not in ("true", "false"):
        raise BadFact(f"{fact} takes true or false")
    return value == "true"


def _domain(value: str) -> Domain:
    try:
        return Domain(value)
    except ValueError:
        raise BadFact(f"domain takes one of {', '.join(Domain)}") from None


def _time(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise BadFact("a time is written like 2026-12-24T15:40:00+01:00") from None
    if at.tzinfo is None:
        raise BadFact("a time needs its offset, like 2026-12-24T15:40:00+01:00")
    if at.year not in YEARS:
        raise BadFact(f"a time lies in the years {YEARS.start} to {YEARS.stop - 1}")
    return at


def lowers(intake: Intake, fact: str, value: Value) -> bool:
    """Would this make the case look less bad? Lowering needs a second person (domain part 2.2)."""
    if fact in TIMES or fact in FLAGS or fact in EVENTS or fact == "domain":
        return False
    if fact in MARKS:
        return value is False and fact in intake.facts.marks
    before = getattr(intake.facts, fact)
    return before is not None and isinstance(value, int) and value < before


def with_fact(intake: Intake, fact: str, value: Value, place: str = "") -> Intake:
    """Return the intake with one fact replaced. An order's date on an intake without an order changes nothing.

    An event is told once for each place; told again, its time replaces the one before.
    """
    if isinstance(value, Domain):
        return replace(intake, domain=value)
    if fact in EVENTS and isinstance(value, datetime):
        others = tuple(one for one in intake.facts.events if (one.kind, one.place) != (fact, place))
        event = Event(kind=fact, at=value, place=place)
        return replace(intake, facts=replace(intake.facts, events=(*others, event)))
    if fact in MARKS:
        marks = set(intake.facts.marks) | {fact} if value else set(intake.facts.marks) - {fact}
        return replace(intake, facts=replace(intake.facts, marks=tuple(sorted(marks))))
    if fact == "aware_at" and isinstance(value, datetime):
        return replace(intake, aware_at=value)
    if fact == "order_due_at" and isinstance(value, datetime):
        return replace(intake, order=replace(intake.order, due_at=value)) if intake.order else intake
    if fact in FLAGS:
        return intake
    changed: dict[str, Any] = {fact: value}
    return replace(intake, facts=replace(intake.facts, **changed))
