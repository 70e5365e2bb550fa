"""How does intake say no? A stable code, the place in the document, and never a value of the sender's.

Codes and statuses follow one table so that HTTP, the command line and quarantine speak alike.
"""

from dataclasses import dataclass

from starter.errors import BAD_INPUT, BUSY, UNAVAILABLE, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a code means: HTTP status, one sentence, and the next step for the sender."""

    status: int
    text: str
    next_step: str = ""
    exit_code: int = BAD_INPUT


REFUSALS: dict[str, Refusal] = {
    "body_too_large": Refusal(
        status=413, text="The document is larger than this door takes.", next_step="Send at most 256 KB per report."
    ),
    "content_type": Refusal(
        status=415,
        text="The content type is not application/json in UTF-8.",
        next_step="Send 'content-type: application/json'.",
    ),
    "encoding_not_supported": Refusal(
        status=415, text="The document is compressed or encoded.", next_step="Send it as plain JSON."
    ),
    "bad_framing": Refusal(
        status=400,
        text="The request's length headers do not agree.",
        next_step="Send one content-length, or chunks, not both.",
    ),
    "bad_signature": Refusal(
        status=401,
        text="The webhook's signature could not be verified.",
        next_step=(
            "Sign '{webhook-id}.{webhook-timestamp}.{body}' with a current secret of this source, "
            "and a timestamp within 300 s of now."
        ),
    ),
    "headers_too_large": Refusal(
        status=431, text="The webhook headers are too large.", next_step="Send at most 8 signatures."
    ),
    "not_utf8": Refusal(
        status=400,
        text="The document is not UTF-8 text (no byte order mark, no UTF-16, no lone surrogates).",
        next_step="Encode it as UTF-8.",
    ),
    "not_json": Refusal(
        status=400,
        text="The document is not JSON, or is empty.",
        next_step="Give a report ('seawall schema report') or the CPSC recall API's answer with format=json.",
    ),
    "not_one_json_object": Refusal(
        status=400,
        text="The document is not exactly one JSON object.",
        next_step="Send one object, without comments or trailing text.",
    ),
    "not_one_list": Refusal(
        status=400,
        text="The document begins a list and is not exactly one whole JSON list; it may have been cut.",
        next_step="Get the file again; it ends with a closing bracket.",
    ),
    "too_deep": Refusal(
        status=400,
        text="The document nests deeper than 32 levels.",
        next_step="Flatten it; see 'seawall schema report'.",
    ),
    "too_many_keys": Refusal(
        status=400, text="The document has more than 1,000 fields.", next_step="Split it into several reports."
    ),
    "duplicate_key": Refusal(
        status=400, text="An object names the same field twice.", next_step="Name every field once."
    ),
    "huge_number": Refusal(
        status=400,
        text="A number has more digits than any field takes.",
        next_step="Send whole numbers between 0 and 1,000,000,000.",
    ),
    "not_finite": Refusal(
        status=422, text="A number is not finite.", next_step="Send a whole number, or leave the field out."
    ),
    "number_out_of_range": Refusal(
        status=422, text="A number is outside its range.", next_step="See its bounds in 'seawall schema report'."
    ),
    "wrong_type": Refusal(
        status=422, text="A field has the wrong JSON type.", next_step="See its type in 'seawall schema report'."
    ),
    "missing_field": Refusal(
        status=422, text="A required field is missing.", next_step="See 'required' in 'seawall schema report'."
    ),
    "unknown_field": Refusal(
        status=422,
        text="An object has a field that the schema does not know.",
        next_step="See 'seawall schema report' for the fields.",
    ),
    "unknown_value": Refusal(
        status=422,
        text="A field has a value outside its list.",
        next_step="See the list in 'seawall schema report'; letter case counts.",
    ),
    "unsupported_version": Refusal(
        status=422, text="This schema version is not supported.", next_step="Send 'schema_version': 1."
    ),
    "timezone_required": Refusal(
        status=422, text="A time has no offset from UTC.", next_step="Write it as 2026-11-22T09:30:00Z or with +01:00."
    ),
    "bad_datetime": Refusal(
        status=422, text="A time is not an RFC 3339 date-time.", next_step="Write it as 2026-11-22T09:30:00Z."
    ),
    "date_out_of_range": Refusal(
        status=422,
        text="A time is before the year 2000 or more than ten years ahead.",
        next_step="Check the year and the offset.",
    ),
    "aware_in_future": Refusal(
        status=422, text="The time of first awareness lies in the future.", next_step="Check the clock and the offset."
    ),
    "control_character": Refusal(
        status=422,
        text="A text holds a control character.",
        next_step="Remove it; line breaks and tabs are allowed in texts only.",
    ),
    "bad_id": Refusal(
        status=422,
        text="An identifier has a character or length that identifiers may not have.",
        next_step="Use ASCII letters, digits, '-' and '_' within the length of 'seawall schema report'.",
    ),
    "bad_gtin": Refusal(
        status=422,
        text="A GTIN has a wrong length or check digit.",
        next_step="Send 8, 12, 13 or 14 digits as printed under the bar code.",
    ),
    "bad_address": Refusal(
        status=422, text="A mail address is not of the form name@host.", next_step="Send one plain mail address."
    ),
    "bad_url": Refusal(
        status=422, text="A web address is not plain http or https.", next_step="Send an absolute http(s) address."
    ),
    "blank": Refusal(status=422, text="A required text is empty.", next_step="Write at least one visible character."),
    "too_long": Refusal(
        status=422, text="A text is too long.", next_step="Shorten it to the length in 'seawall schema report'."
    ),
    "too_many_items": Refusal(
        status=422, text="A list has more than its allowed number of items.", next_step="Split it into several reports."
    ),
    "inconsistent": Refusal(
        status=422,
        text="Two fields contradict each other.",
        next_step="An authority order needs 'order', a recall needs 'product', and 'source' must be the door's own.",
    ),
    "cycle": Refusal(status=422, text="The report is about itself.", next_step="Leave 'about' out."),
    "unknown_format": Refusal(
        status=422,
        text="The file is neither a Seawall report nor a recall feed in a known shape.",
        next_step="Give a report ('seawall schema report') or the CPSC recall API's answer with format=json.",
    ),
    "conflict": Refusal(
        status=409,
        text="This source already sent another report under the same reference or webhook-id.",
        next_step="Send a correction under a new 'source_ref' and webhook-id, with 'about' naming the case.",
        exit_code=5,
    ),
    "unknown_case": Refusal(
        status=404,
        text="The case this report is about is unknown.",
        next_step="Check 'about', or leave it out to open a new case.",
        exit_code=4,
    ),
    "report_refused": Refusal(
        status=409,
        text="The case did not take this report.",
        next_step="Look at the case, or leave 'about' out to open a new one.",
        exit_code=5,
    ),
    "busy": Refusal(
        status=429, text="Too many reports at once.", next_step="Wait a moment and send it again.", exit_code=BUSY
    ),
    "unavailable": Refusal(
        status=503,
        text="This door is not ready.",
        next_step="Nothing was taken; send it again later.",
        exit_code=UNAVAILABLE,
    ),
    "not_durable": Refusal(
        status=503,
        text="The report could not be stored.",
        next_step="Nothing was taken; send it again later.",
        exit_code=UNAVAILABLE,
    ),
}


class BadInput(Exception):
    """A document from outside that intake refuses.

    `code` is a key of `REFUSALS`, `field` a JSON pointer into the document ("" is the whole document), `hint` adds
    what the schema itself allows; none of them ever holds a value of the sender's.
    """

    def __init__(self, code: str, field: str = "", *, hint: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return (_again, (self.code, self.field, self.hint))

    @property
    def status(self) -> int:
        """Say which HTTP status belongs to the code."""
        return REFUSALS[self.code].status

    @property
    def text(self) -> str:
        """Say what was found, without any value."""
        return f"{REFUSALS[self.code].text} {self.hint}".strip()

    def problem(self) -> Problem:
        """Say the same on the command line."""
        refusal = REFUSALS[self.code]
        place = f" (at {self.field})" if self.field else ""
        return Problem(self.code, f"{self.text}{place}", next_step=refusal.next_step, exit_code=refusal.exit_code)


def _again(code: str, field: str, hint: str) -> BadInput:
    return BadInput(code, field, hint=hint)
