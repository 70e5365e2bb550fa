"""How is a condition written in a rule file? One mapping, `subject: what is asked of it`, checked as it is read."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from escalations.conditions import FLAG_TESTS, NUMBER_TESTS, SUBJECTS, WORD_TESTS, Condition, Kind, Test

SUITS = {Kind.NUMBER: NUMBER_TESTS, Kind.FLAG: FLAG_TESTS, Kind.WORDS: WORD_TESTS}
TAKES = {
    Kind.NUMBER: "one of {is: 1}, {at_least: 1}, {at_most: 1}",
    Kind.FLAG: "true or false",
    Kind.WORDS: "a list, {none_of: […]} or {contains: […]}",
}
Word = Annotated[str, Field(min_length=1, max_length=80)]
Words = Annotated[list[Word], Field(min_length=1)]


class Comparison(BaseModel):
    """A test of a subject, exactly one of its fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    is_: int | None = Field(default=None, alias="is")
    at_least: int | None = None
    at_most: int | None = None
    none_of: Words | None = None
    contains: Words | None = None


Asked = bool | Words | Comparison


def condition(subject: str, asked: Asked) -> Condition:
    """Build one condition. Raises ValueError for an unknown subject, or a test that does not suit it."""
    kind = SUBJECTS.get(subject)
    if kind is None:
        raise ValueError(f"{subject} is no subject of a condition; use one of {', '.join(SUBJECTS)}")
    found = _condition(subject, asked)
    if found is None or found.test not in SUITS[kind] or (isinstance(asked, bool) is not (kind is Kind.FLAG)):
        raise ValueError(f"{subject} is a {kind.value} and takes {TAKES[kind]}")
    return found


def group(row: dict[str, Asked]) -> tuple[Condition, ...]:
    """Build conditions of which all must hold."""
    return tuple(condition(subject, asked) for subject, asked in row.items())


def _condition(subject: str, asked: Asked) -> Condition | None:
    if isinstance(asked, bool):
        return Condition(subject=subject, test=Test.IS, number=int(asked))
    if isinstance(asked, list):
        return Condition(subject=subject, test=Test.ANY_OF, words=tuple(asked))
    given = [(name, value) for name, value in asked if value is not None]
    if len(given) != 1:
        return None
    name, value = given[0]
    test = Test(name.rstrip("_"))
    if isinstance(value, int):
        return Condition(subject=subject, test=test, number=value)
    return Condition(subject=subject, test=test, words=tuple(value))


Group = Annotated[dict[str, Asked], Field(min_length=1), AfterValidator(group)]
"""In the model, and after reading, a tuple of conditions: the checker turns the mapping into it."""
