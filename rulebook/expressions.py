"""How is a condition written in a rule file? As one CEL expression; every name in it is checked as it is read.

CEL (Common Expression Language, cel.dev) cannot loop, call out or change anything, so a cell of the rulebook is data
that a lawyer can read and never code.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

import cel

from escalations.conditions import SUBJECTS, Condition, Kind, RuleFailed, Situation
from escalations.facts import MARKS

LONGEST = 1000
MOST_REMEMBERED = 1000
FUNCTIONS = frozenset(
    {
        "!_", "-_", "@in", "_&&_", "_||_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_?_:_", "_+_", "_-_",
        "@not_strictly_false", "contains", "startsWith", "endsWith", "matches", "size",
    }
)  # fmt: skip
KINDS: Mapping[str, Kind] = {**SUBJECTS, **dict.fromkeys(MARKS, Kind.FLAG)}
NOTHING: Mapping[Kind, Any] = {
    Kind.NUMBER: None,
    Kind.COUNT: 0,
    Kind.FLAG: False,
    Kind.WORD: "",
    Kind.WORDS: (),
}
SOMETHING: Mapping[Kind, Any] = {
    Kind.NUMBER: 1,
    Kind.COUNT: 1,
    Kind.FLAG: True,
    Kind.WORD: "word",
    Kind.WORDS: ("word",),
}
PROBES = (NOTHING, SOMETHING, {**NOTHING, Kind.FLAG: True}, {**SOMETHING, Kind.NUMBER: None, Kind.FLAG: False})


def condition(text: str, terms: tuple[str, ...] = ()) -> Condition:
    """Compile an expression. Raises ValueError that says what is wrong and what may be used instead."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("write a CEL expression, such as \"'EU' in jurisdictions && deaths >= 1\"")
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters; give a part of it a name under `terms`")
    program = _compiled(text)
    used = program.references()
    local = _bound(text)
    unknown = sorted(set(used["variables"]) - set(KINDS) - set(terms) - local)
    if unknown:
        raise ValueError(f"{unknown[0]} is not known; {_nearest(unknown[0], (*KINDS, *terms))}")
    strange = sorted(set(used["functions"]) - FUNCTIONS)
    if strange:
        raise ValueError(f"{strange[0]} is no function; use contains, startsWith, matches, size, exists, all")
    _probed(text, terms)
    return Condition(text, _remembering(text, program, tuple(sorted(set(used["variables"]) - local))))


def _remembering(text: str, program: Any, names: tuple[str, ...]) -> Callable[[Situation], bool]:
    """Judge an expression once for each set of values that it asks for: cases differ in few of them."""
    known: dict[Any, bool] = {}
    values: Callable[[Situation], Any] = itemgetter(*names) if names else lambda _situation: ()

    def holds(situation: Situation) -> bool:
        try:
            return known[values(situation)]
        except KeyError:
            answer = _judged(text, program, {name: _plain(situation[name]) for name in names if name in situation})
        if all(name in situation for name in names):
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known[values(situation)] = answer
        return answer

    return holds


def _judged(text: str, program: Any, told: Mapping[str, Any]) -> bool:
    """Judge an expression by the values that it names: to prepare all of a situation takes far longer than to judge."""
    try:
        answer = program.execute(told)
    except (TypeError, ValueError, RuntimeError) as wrong:
        raise RuleFailed(f"`{text}` cannot be judged: {str(wrong).splitlines()[0][:200]}; correct it") from None
    return answer is True


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Any:
    try:
        return cel.compile(text)
    except ValueError as wrong:
        lines = str(wrong).splitlines()
        detail = lines[0].partition("ERROR: ")[2] or lines[0]
        raise ValueError(f"is not CEL ({detail[:160]}); correct it") from None


@lru_cache(maxsize=4096)
def _bound(text: str) -> set[str]:
    """Name the variables that exists, all, map and filter bind in an expression."""
    return set(re.findall(r"\.(?:exists|exists_one|all|map|filter)\(\s*([A-Za-z_]\w*)\s*,", text))


@lru_cache(maxsize=4096)
def _probed(text: str, terms: tuple[str, ...]) -> None:
    """Ask about cases nothing is known of, and others: what compares a word with a number fails here, not at night."""
    program = _compiled(text)
    for probe in _probes(terms):
        try:
            answer = program.execute(probe)
        except (TypeError, ValueError, RuntimeError):
            unknown = [name for name in program.references()["variables"] if KINDS.get(name) is Kind.NUMBER]
            hint = f"write `{unknown[0]} != null && …`, it may be unknown" if unknown else "compare like with like"
            raise ValueError(f"`{text}` cannot be judged for every case; {hint}") from None
        if not isinstance(answer, bool):
            raise ValueError(f"`{text}` is no yes or no; compare it with something")


@lru_cache(maxsize=16)
def _probes(terms: tuple[str, ...]) -> tuple[Any, ...]:
    """Prepare the cases to ask about."""
    return tuple(
        cel.Context(
            {name: _plain(probe[kind]) for name, kind in KINDS.items()} | dict.fromkeys(terms, bool(probe[Kind.FLAG]))
        )
        for probe in PROBES
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _nearest(name: str, known: tuple[str, ...]) -> str:
    found = difflib.get_close_matches(name, known, 1)
    return f"did you mean {found[0]}?" if found else f"use one of {', '.join(sorted(known))}"
