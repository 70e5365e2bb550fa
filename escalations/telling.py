"""Who must be told what, once the act is done or found unnecessary? Notices drafted from the rulebook and the case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from escalations import attaching, situation, zones
from escalations.clocks import OPEN, Clock
from escalations.conditions import Situation
from escalations.manifests import EXACT
from escalations.model import AuthorityOrder, Intake, IntakeKind, Product
from escalations.notices import Notice, Reasons, reason_fields
from escalations.plans import NoticesRequest, PeopleStep
from escalations.playbooks import NoticeRule, Playbook
from escalations.rulebook import EU, Rulebook

LONGEST = 1500
LONGEST_BASIS = 500
UNKNOWN = "not known"
WHY: Mapping[IntakeKind, str] = {
    IntakeKind.RECALL_NOTICE: "The product is recalled; the recall was published.",
    IntakeKind.AUTHORITY_ORDER: "An authority ordered that the offers be removed.",
    IntakeKind.NOTICE: "A notice says that the offers are illegal.",
    IntakeKind.INCIDENT_REPORT: "Reports say that the product has harmed people or can harm them.",
    IntakeKind.COMPLAINT: "A complaint says that the offers are illegal or harmful.",
    IntakeKind.COUNTER_NOTICE: "The notice was contested; the matter was examined again.",
    IntakeKind.REQUEST: "A person or body entitled to ask requested that the content be taken down.",
    IntakeKind.INQUIRY: "The matter was examined after a question from outside.",
    IntakeKind.ALERT: "A check found signs that the offers are illegal or harmful.",
}
Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What every wording may draw on. `intake` and `order` are those a letter answers, where it answers one."""

    book: Rulebook
    playbook: Playbook
    request: NoticesRequest
    intakes: tuple[Intake, ...]
    intake: Intake
    order: AuthorityOrder | None = None


def voluntary(request: NoticesRequest) -> bool:
    """Ask whether listings were hidden that no order covers; they need full reasons (DSA art. 17(5), a contrario).

    An order covers the listings it names, and identical content where it says so or names no listing.
    """
    orders = [intake.order for intake in request.intakes if intake.order]
    if not orders:
        return request.restricted > 0
    covers = {"listing_id"} if any(order.listings for order in orders) else set(EXACT)
    if any(order.identical_content for order in orders):
        covers = set(EXACT)
    ordered = sum(count for tier, count in request.manifest.by_tier if tier in covers)
    return request.restricted > ordered


def seen(book: Rulebook, request: NoticesRequest, told: Situation) -> Situation:
    """Describe the case after the act to the conditions of notices; `told` is what its reports say."""
    return situation.described(
        book,
        told,
        request.plan.domain,
        markets=request.manifest.markets,
        contained=request.contained_at is not None,
        restricted=request.restricted > 0,
        voluntary=voluntary(request),
    )


def drafted(book: Rulebook, request: NoticesRequest, clocks: tuple[Clock, ...], after: Situation) -> tuple[Notice, ...]:
    """Draft the notices owed for the reports of this round, each with the clocks it stops. `after` is `seen`."""
    playbook = book.playbook(request.plan.domain)
    notices: list[Notice] = []
    for rule in playbook.notices:
        if not rule.when.holds(after):
            continue
        for told in _tellings(book, playbook, rule, request):
            notices.append(_notice(rule, told, clocks))
    return tuple(notices)


def told_by_people(playbook: Playbook, clocks: tuple[Clock, ...], after: Situation) -> tuple[PeopleStep, ...]:
    """List the answers owed that no wording of ours fits. Where a clock asks for one, that clock is the task."""
    running = {attaching.base(clock.rule) for clock in clocks if clock.status in OPEN}
    return tuple(
        PeopleStep(key=rule.key, owner=rule.owner, title=rule.title)
        for rule in playbook.responses
        if not running & set(rule.stops) and rule.when.holds(after)
    )


def _tellings(book: Rulebook, playbook: Playbook, rule: NoticeRule, request: NoticesRequest) -> tuple[Telling, ...]:
    orders = {intake.order.reference.strip().casefold(): intake for intake in request.intakes if intake.order}
    first = next((intake for intake in request.intakes if intake.order), request.intakes[0])
    answered = tuple(orders.values()) if rule.per_order else (first,)
    return tuple(
        Telling(
            book=book, playbook=playbook, request=request, intakes=request.intakes, intake=intake, order=intake.order
        )
        for intake in answered
    )


def _notice(rule: NoticeRule, told: Telling, clocks: tuple[Clock, ...]) -> Notice:
    reference = told.order.reference.strip().casefold() if told.order else ""
    stopped = tuple(
        clock.rule
        for clock in clocks
        if attaching.base(clock.rule) in rule.stops
        and clock.status in OPEN
        and (not rule.per_order or clock.subject.casefold() == reference)
    )
    return Notice(
        recipient=rule.recipient,
        template=rule.template,
        meets=rule.meets,
        duty=rule.duty,
        fields=WORDINGS[rule.template](told),
        mandatory=rule.mandatory,
        reply_to=told.order.reply_to if rule.per_order and told.order else "",
        clocks=stopped,
    )


def _authority_reply(told: Telling) -> Fields:
    order = told.order
    if order is None:
        raise ValueError("an authority is answered about its order, and this report brings none")
    return (
        ("authority", order.authority or UNKNOWN),
        ("reference", order.reference or UNKNOWN),
        ("legal_basis", order.legal_basis or UNKNOWN),
        ("received_at", _minute(told.intake.received_at)),
        ("product", _product_name(told)),
        ("effect", _effect(told)),
        ("effect_at", _minute(told.request.contained_at or told.request.now)),
        ("offers", str(told.request.restricted)),
        ("territory", ", ".join(_markets(told)) or "all markets of the marketplace"),
        ("contact", told.book.platform.contact),
    )


def _buyer_recall(told: Telling) -> Fields:
    hazard = _first(told, lambda intake: intake.hazard)
    remedy = _first(told, lambda intake: intake.remedy)
    forbidden = next((one.forbidden for one in told.book.templates if one.name == "buyer_recall"), ())
    return (
        ("product", _product_name(told)),
        ("identification", _identification(told)),
        ("sold", f"on {told.book.platform.name}"),
        ("hazard", plain_danger(hazard, forbidden) or "The product can cause injury."),
        ("action", "Keep it away from others, do not sell it or give it away, and ask for your remedy."),
        ("remedy", plain_danger(remedy, forbidden) or "Repair, replacement or refund; ask the contact below."),
        ("contact", told.book.platform.contact),
    )


def _buyer_illegal(told: Telling) -> Fields:
    statement = told.playbook.containment
    return (
        ("product", _product_name(told)),
        ("illegality", f"{_basis(told)}. {statement.explanation}"),
        ("redress", told.book.platform.redress),
        ("contact", told.book.platform.contact),
    )


def _operator_notice(told: Telling) -> Fields:
    product = _product(told)
    return (
        ("operator", (product.brand if product else "") or "the economic operator responsible for the product"),
        ("product", _product_name(told)),
        ("identification", _identification(told)),
        ("reason", _facts(told)),
        ("effect", _effect(told)),
        ("effect_at", _minute(told.request.contained_at or told.request.now)),
        ("offers", str(told.request.restricted)),
        ("contact", told.book.platform.contact),
    )


def _reasons(told: Telling) -> Fields:
    containment, request = told.playbook.containment, told.request
    home = told.book.country(told.book.platform.establishment)
    acted = (request.contained_at or request.now).astimezone(zones.zone(home.zone if home else "UTC"))
    ordered = told.order is not None and not voluntary(request)
    return reason_fields(
        Reasons(
            product=_product_name(told),
            restriction=containment.restriction,
            territory=_territory(told),
            restricted_on=acted.date(),
            facts=_facts(told),
            source=_source(told),
            ground=containment.ground,
            basis=_basis(told),
            explanation=containment.explanation,
            redress=told.book.platform.redress,
            category=containment.category,
            keywords=containment.keywords,
            detection="No" if ordered else "Yes",
            decision="PARTIALLY",
        )
    )


WORDINGS: Mapping[str, Callable[[Telling], Fields]] = {
    "authority_reply": _authority_reply,
    "statement_of_reasons": _reasons,
    "seller_statement": _reasons,
    "buyer_recall": _buyer_recall,
    "buyer_illegal": _buyer_illegal,
    "operator_notice": _operator_notice,
}


def plain_danger(text: str, forbidden: tuple[str, ...]) -> str:
    """Leave out the sentences that play a risk down (GPSR art. 36(2)(c)), and what is longer than a letter bears."""
    sentences = [part.strip() for part in text.replace("\n", " ").split(". ")]
    kept = [one for one in sentences if one and not any(word.casefold() in one.casefold() for word in forbidden)]
    return ". ".join(kept)[:LONGEST].strip()


def _effect(told: Telling) -> str:
    request = told.request
    if request.restricted:
        return "Yes. The offers found are hidden and cannot be bought."
    if not request.manifest.count:
        return "No offer of the product was found. The search is repeated."
    return "No. We have not restricted the offers; the reasons can be had from the contact below."


def _facts(told: Telling) -> str:
    """Say why, without personal data: only what authorities published or ordered is quoted."""
    kinds = {intake.kind for intake in told.intakes}
    sentences = [sentence for kind, sentence in WHY.items() if kind in kinds]
    public = (IntakeKind.RECALL_NOTICE, IntakeKind.AUTHORITY_ORDER)
    hazard = next((intake.hazard for intake in told.intakes if intake.hazard and intake.kind in public), "")
    return " ".join((*sentences, *((f"Hazard: {hazard[:LONGEST]}",) if hazard else ())))


def _source(told: Telling) -> str:
    kinds = {intake.kind for intake in told.intakes}
    if IntakeKind.NOTICE in kinds:
        return "ARTICLE_16"
    return "VOLUNTARY" if kinds == {IntakeKind.INCIDENT_REPORT} else "TYPE_OTHER_NOTIFICATION"


def _basis(told: Telling) -> str:
    order = told.order
    if order is None:
        return told.playbook.containment.basis
    return f"{order.legal_basis or 'an order'} ({order.authority}, {order.reference})"[:LONGEST_BASIS]


def _territory(told: Telling) -> tuple[str, ...]:
    states, markets = told.book.eu_states(), _markets(told)
    return tuple(code for code in states if code in markets) or markets or states


def _markets(told: Telling) -> tuple[str, ...]:
    codes = situation.jurisdictions(told.book, told.request.manifest.markets)
    return tuple(code for code in codes if code != EU or len(codes) == 1)


def _product(told: Telling) -> Product | None:
    return next((intake.product for intake in (told.intake, *told.intakes) if intake.product), None)


def _product_name(told: Telling) -> str:
    product = _product(told)
    return (product.name if product else told.intake.title)[:LONGEST] or UNKNOWN


def _identification(told: Telling) -> str:
    product = _product(told)
    if product is None:
        return UNKNOWN
    named = {"brand": (product.brand,), "model": product.models, "GTIN": product.gtins, "batch": product.batches}
    said = [f"{name} {', '.join(values)}" for name, values in named.items() if any(values)]
    return "; ".join(said)[:LONGEST] or UNKNOWN


def _first(told: Telling, what: Callable[[Intake], str]) -> str:
    return next((what(intake) for intake in told.intakes if what(intake)), "")


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}"
