"""What does a door say when it must refuse? One line with the next step, and a documented exit code."""

BAD_INPUT = 2
CHECK_FAILED = 1
UNKNOWN_CASE = 4
REFUSED = 5
UNAVAILABLE = 69
CANNOT_WRITE = 73
BUSY = 75
NOT_PERMITTED = 77
MISCONFIGURED = 78


class Problem(Exception):
    """A refusal that a person can act on.

    `code` is a stable word for programs (`not_json`, `unknown_case`), `text` says what was found and expected and
    never echoes untrusted values, `next_step` says what to do; `exit_code` is one of the constants above
    (sysexits.h where it has a word for it).
    """

    def __init__(self, code: str, text: str, *, next_step: str = "", exit_code: int = BAD_INPUT) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.next_step = next_step
        self.exit_code = exit_code

    def line(self) -> str:
        """Write the whole refusal on one line."""
        return f"{self.text} {self.next_step}".strip()


def unknown_case() -> Problem:
    """Refuse a case that does not exist, in the same words wherever that is noticed."""
    return Problem(
        "unknown_case", "There is no such case.", next_step="List cases with `seawall list`.", exit_code=UNKNOWN_CASE
    )
