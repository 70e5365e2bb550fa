"""What does a recall notice's prose say about harm, size and identity? Only what can be read safely.

Rule: doubt goes up for harm (a count is "at least", an unqualified burn is serious, silence about the hazard is a
serious hazard) and down for identity (a model or brand that is not certain is left out: it would hide the wrong
listing). A person can correct both; nothing here is evidence.
"""

import re
from decimal import Decimal

from escalations.model import Facts

COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
NUMBERS = {word: number for number, word in enumerate(COUNTED.split())} | {
    **{"a": 1, "an": 1, "another": 1, "dozen": 12},
    **{"thirty": 30, "forty": 40, "fifty": 50, "hundreds": 200},
}
NUMBER = re.compile(
    rf"(?<![\w.,$#-])(?:(\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}}|\d{{1,4}}\.\d{{1,3}}(?=\s+million))(?:\s+(million))?|"
    rf"({'|'.join(NUMBERS)}))(?![\w-]|[.,]\d)"
    r"(?!\s*(?:%|percent|degrees?\b|years?\b|months?\b|inch|feet|volt|watt|stit?ches|sutures|staples))",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.;!?])\s+(?=[A-Z0-9\"“])|;\s+")
HARMS = r"(?:injur\w*|incidents?|deaths?|fatalit\w+|reported|reports?|complaints?|illness\w*|medical \w+)"
# Words that may stand between "no" and what did not happen. A number ends it: "no damage and two deaths".
UNCOUNTED = rf"(?:(?!\d|(?:{'|'.join(NUMBERS)})\b)[^.;\s]+\s+)"
NOTHING = re.compile(
    rf"\b(?:none|no|not|never|nor|without|neither)\b(?!\s+longer)\s+{UNCOUNTED}{{0,10}}?{HARMS}\b"
    rf"(?:,?\s+{UNCOUNTED}{{0,4}}?{HARMS}\b)*|^\s*none\b[^.;]*",
    re.IGNORECASE,
)
PRECAUTION = re.compile(r"prevent the possibility|conducted to prevent", re.IGNORECASE)
DEATH = re.compile(r"\b(?:deaths?|died|dies|fatal(?:ly|it\w+)?|killed|kills?|drowned)\b", re.IGNORECASE)
SERIOUS = re.compile(
    r"\b(?:serious\w*|sever(?:e|ely)|hospital\w*|emergency room|surg(?:ery|eries|ical\w*)|amputat\w*|fractur\w*|"
    r"broken (?:\w+ )?(?:bones?|arms?|legs?|wrists?|fingers?|thumbs?|nose|hands?|ankles?|foot|ribs?|neck|hips?|teeth|"
    r"jaw|clavicle|collar ?bone)|concuss\w*|skull|brain|(?:second|third|2nd|3rd)[- ]degree|unconscious\w*|paraly\w*|"
    r"coma|permanent\w*|scar(?:s|ring)|disfigur\w*|blind(?:ed|ness)|loss of (?:sight|vision|hearing|consciousness)|"
    r"strangl?\w*|asphyxia\w*|suffocat\w*|electrocut\w*|poison\w*|stit?ches|sutures|staples|crush\w*|dislocat\w*|"
    r"perforat\w*|burns?|burned|burnt|chok(?:ed|ing)|(?:near[- ])?drown\w*|quadripleg\w*|seizures?)\b",
    re.IGNORECASE,
)
MILD = re.compile(
    r"\b(?:burns?|burned|bruis\w*|contusions?|scratch\w*|abrasions?|irritat\w*|rash\w*|redness|sore\w*|cuts?|lacerat\w*|"
    r"pinch\w*|bumps?|numb\w*|welts?|swelling|strain\w*|sprain\w*|shocks?|shocked|injur\w*|hurt|illness\w*|"
    r"medical (?:attention|treatment))\b",
    re.IGNORECASE,
)
SOFTENED = re.compile(r"\b(?:minor|slight|small|superficial|first[- ]degree)\s+(?:[\w-]+\s+){0,3}$", re.IGNORECASE)
CHILD = re.compile(
    r"\b(?:child(?:ren)?(?:'s)?|infants?|bab(?:y|ies)|toddlers?|boys?|girls?|newborns?|minors|teen\w*|"
    r"(?:\d|1[0-7]|two|three|four|five|six|seven|eight|nine|ten)[- ](?:year|yr)s?[- ]old|\d+[- ]months?[- ]old)\b",
    re.IGNORECASE,
)
FOR_CHILDREN = re.compile(
    r"\b(?:child(?:ren)?|infants?|bab(?:y|ies)|toddlers?|cribs?|strollers?|nursery|bassinets?|pacifiers?|teethers?|toys?|"
    r"youth|kids?|high ?chairs?|elderly|seniors?|bed rails?|playground|pajamas|nightgowns?)\b",
    re.IGNORECASE,
)
GRAVE = re.compile(
    r"\b(?:death|die|fatal\w*|fires?|burns?|ignit\w*|explo\w*|electrocut\w*|shock|strang\w*|suffocat\w*|asphyxia\w*|"
    r"chok\w*|ingest\w*|swallow\w*|entrap\w*|drown\w*|carbon monoxide|poison\w*|toxic\w*|lead|amputat\w*|crush\w*|"
    r"tip[- ]?over|serious|severe|impale\w*|skull|head injur\w*|flammab\w*|magnets?|crash\w*|projectile)\b",
    re.IGNORECASE,
)
GENTLE = re.compile(
    r"\b(?:lacerat\w*|fall\w*|pinch\w*|irritat\w*|rash|cuts?|trip\w*|abrasi\w*|puncture)\b", re.IGNORECASE
)
REPORTS = re.compile(r"\b(?:reports?|incidents?|complaints?|claims?|instances?)\b", re.IGNORECASE)
ABROAD = re.compile(r"[^\d]{0,60}?\b(?:Canada|Mexico)\b", re.IGNORECASE)
REACH = 70
MOST_UNITS = 1_000_000_000


def harm(*, injuries: str, hazard: str, about: str) -> Facts:
    """Read what an authority's notice says happened: `about` is its title and the names of its products.

    Counts are the largest number said of each kind, never a sum over sentences (the same people are named twice).
    """
    deaths = serious = mild = 0
    child = False
    reports = 1
    for sentence in SENTENCE.split(injuries):
        reports = max(reports, _most(REPORTS, sentence, otherwise=1))
        told = NOTHING.sub(" ", sentence)
        if PRECAUTION.search(told):
            continue
        dead, badly, little = _most(DEATH, told), _most(SERIOUS, told, softened=True), _most(MILD, told)
        child = child or bool((dead or badly or little) and CHILD.search(told))
        deaths, serious, mild = max(deaths, dead), max(serious, badly), max(mild, little)
    stated = f"{hazard} {about}"
    return Facts(
        deaths=deaths,
        serious_injuries=serious,
        minor_injuries=max(0, mild - serious - deaths),
        child_injured=child,
        serious_hazard=bool(GRAVE.search(stated)) or not GENTLE.search(stated),
        independent_reports=reports,
        confirmed=True,
        vulnerable_users=bool(FOR_CHILDREN.search(stated)),
    )


def _most(kind: re.Pattern[str], sentence: str, *, otherwise: int = 1, softened: bool = False) -> int:
    """Return the largest number that stands before a word of this kind; `otherwise` for a word without one."""
    numbers = list(NUMBER.finditer(sentence))
    found = 0
    for match in kind.finditer(sentence):
        nearest = max(0, match.start() - REACH)
        if softened and SOFTENED.search(sentence[nearest : match.start()]):
            continue
        before = [number for number in numbers if nearest <= number.start() and number.end() <= match.start()]
        found = max(found, _value(before[-1]) if before else otherwise)
    return found


def _value(match: re.Match[str]) -> int:
    digits, million, word = match.groups()
    if word:
        return NUMBERS[word.lower()]
    return int(Decimal(digits.replace(",", "")) * (1_000_000 if million else 1))


def units(text: str) -> int | None:
    """Count the units of one product: the first number, and those said to be sold in Canada or Mexico besides.

    `About 21,250 (In addition, about 500 were sold in Canada)` is 21,750. None when no number is said.
    """
    numbers = [match for match in NUMBER.finditer(text) if not match[3]]
    if not numbers:
        return None
    abroad = [_value(match) for match in numbers[1:] if ABROAD.match(text, match.end())]
    return min(MOST_UNITS, _value(numbers[0]) + sum(abroad))


MODEL_WORD = re.compile(r"\bmodels?\b(?!\s+(?:year|name)s?\b)(?:\s*(?:numbers?|nos?\.?|#s?|codes?))?", re.IGNORECASE)
LEADING = re.compile(r"(?:[\s:,#(]|\b(?:is|are|include[sd]?|including|of|the|following|either)\b)*", re.IGNORECASE)
JOINT = re.compile(r"(?:\s*\([a-z][a-z /,]*\))?(?:\s*[,;/&]\s*|\s+)(?:(?:and|or|and/or|&)\s+)?", re.IGNORECASE)
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/+-]*(?:\.[A-Za-z0-9]+)*")
MEASURE = re.compile(
    r"(?:19|20)\d\d|\d+(?:st|nd|rd|th|v|w|kw|hp|in|cm|mm|ft|oz|lb|lbs|mah|btu|psi|gallon|qt)?", re.IGNORECASE
)
DATED = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}|(?:19|20)\d\d[/-](?:19|20)?\d\d")
MOST_MODELS = 50


def models(text: str) -> tuple[str, ...]:
    """List the model numbers that a description names as such, in its order; at most 50, each at most 40 characters.

    A model has a digit and at least four characters, and is no year, measure or date. Serial numbers, ranges told in
    words and tables without the word "model" are not read.
    """
    found: dict[str, None] = {}
    for said in MODEL_WORD.finditer(text):
        lead = LEADING.match(text, said.end())
        place = lead.end() if lead else said.end()
        while token := MODEL.match(text, place):
            if not _is_model(token[0]):
                break
            found[token[0]] = None
            joint = JOINT.match(text, token.end())
            if joint is None:
                break
            place = joint.end()
    return tuple(found)[:MOST_MODELS]


def _is_model(token: str) -> bool:
    if not 4 <= len(token) <= 40 or not any(sign.isdigit() for sign in token) or DATED.fullmatch(token):
        return False
    if token.isdigit():
        return len(token) >= 5
    return not MEASURE.fullmatch(token) and (any(sign.isupper() for sign in token) or "-" in token)


QUOTED = re.compile(r"[\"“]([A-Z][^\"”]{1,40})[\"”]")
BRANDED = re.compile(r"\b([A-Z][\w&’'-]*(?: [A-Z][\w&’'-]*)?)[®™]?[- ]brand(?:ed)?\b")
BRAND_NAME = re.compile(r"\bbrand names?,? (?:is |are )?[\"“]?([A-Z][\w&’'-]*)")
FIRM = re.compile(r"^([A-Z0-9][\w&’'. -]{1,40}?)[®™]? Recalls? ")


def brand(*, name: str, title: str, description: str) -> str:
    """Find the brand that begins the product's name and that the notice also quotes, calls a brand, or calls the firm.

    Empty when no word of the notice says so.
    """
    product = _bare(name)
    said = [
        match[1]
        for pattern, text in ((BRAND_NAME, description), (BRANDED, description), (QUOTED, description), (FIRM, title))
        for match in pattern.finditer(text)
    ]
    for candidate in sorted(set(said), key=lambda text: (-len(text), text)):
        bare = _bare(candidate).removesuffix("-branded").strip(" .,-")
        if bare and re.match(rf"{re.escape(bare.casefold())}(?![\w])", product.casefold()) and bare != product:
            return bare
    return ""


def _bare(text: str) -> str:
    return re.sub(r"[®™©℠]", "", text).replace("’", "'").strip()
