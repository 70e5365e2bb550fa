"""Which few facts of a case can be searched in Temporal? Plain text for every operator, so never personal data."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate, TypedSearchAttributes

from escalations.model import Domain, Stage

STAGE = SearchAttributeKey.for_keyword("SeawallStage")
DOMAIN = SearchAttributeKey.for_keyword("SeawallDomain")
OWNER = SearchAttributeKey.for_keyword("SeawallOwner")
PRIORITY = SearchAttributeKey.for_int("SeawallPriority")
NEXT_DUE = SearchAttributeKey.for_datetime("SeawallNextDue")
WAITING_FOR = SearchAttributeKey.for_keyword_list("SeawallWaitingFor")
KEYS: tuple[SearchAttributeKey[Any], ...] = (STAGE, DOMAIN, OWNER, PRIORITY, NEXT_DUE, WAITING_FOR)


Shown = dict[str, Any]

_BY_NAME: dict[str, SearchAttributeKey[Any]] = {
    "stage": STAGE,
    "domain": DOMAIN,
    "owner": OWNER,
    "priority": PRIORITY,
    "due": NEXT_DUE,
    "waiting_for": WAITING_FOR,
}


def of(
    *,
    stage: Stage,
    domain: Domain | None,
    owner: str,
    priority: int | None,
    due: datetime | None,
    waiting_for: Sequence[str],
) -> Shown:
    """Say what a case would show; None means not known. `owner` and `waiting_for` are roles, never persons."""
    return {
        "stage": stage.value,
        "domain": domain.value if domain else None,
        "owner": owner or None,
        "priority": priority,
        "due": due,
        "waiting_for": list(waiting_for) or None,
    }


def shown(held: TypedSearchAttributes) -> Shown:
    """Read what a run shows already: the door set it, or the run before."""
    return {name: held.get(key) for name, key in _BY_NAME.items()}


def changes(before: Shown, now: Shown) -> list[SearchAttributeUpdate[Any]]:
    """Make the one write that turns what is shown into what is so."""
    changed = [(key, now[name]) for name, key in _BY_NAME.items() if now[name] != before.get(name)]
    return [key.value_unset() if value is None else key.value_set(value) for key, value in changed]
