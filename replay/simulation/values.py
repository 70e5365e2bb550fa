"""How do values enter and leave a simulated workflow? By reference; what was recorded is read from its JSON once.

Nothing crosses a wire in a simulation, so nothing is written as JSON: a payload made here only names a value that is
kept beside it. What a workflow sends away is immutable (design rule 2), so handing it over whole changes nothing.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import PayloadConverter

BY_REFERENCE = b"seawall/by-reference/"
_MADE = count()


class Values(PayloadConverter):
    """The values of one simulation. `recorded` reads payloads that come from a history.

    A recorded value is read once for each type it is wanted as, except for those in `mutable`, of which everybody
    gets a copy of their own.
    """

    def __init__(self, recorded: PayloadConverter, mutable: frozenset[type] = frozenset()) -> None:
        self._recorded = recorded
        self._mutable = mutable
        self._own = BY_REFERENCE + str(next(_MADE)).encode()
        self._held: list[Any] = []
        self._read: dict[tuple[bytes, Any], Any] = {}

    def payload(self, value: Any) -> Payload:
        """Name one value."""
        if isinstance(value, RawValue):
            return value.payload
        self._held.append(value)
        return Payload(metadata={"encoding": self._own}, data=(len(self._held) - 1).to_bytes(8, "big"))

    def value(self, payload: Payload, wanted: Any = None) -> Any:
        """Find a value. Raises what the recorded conversion raises for a payload that does not suit."""
        if wanted is RawValue:
            return RawValue(payload)
        if payload.metadata.get("encoding") == self._own:
            return self._held[int.from_bytes(payload.data, "big")]
        if wanted in self._mutable:
            return self._recorded.from_payloads([payload], [wanted])[0]
        key = (payload.data, wanted)
        if key not in self._read:
            self._read[key] = self._recorded.from_payloads([payload], None if wanted is None else [wanted])[0]
        return self._read[key]

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """See the base class."""
        return [self.payload(value) for value in values]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """See the base class."""
        hints: Sequence[Any] = type_hints or ()
        return [
            self.value(payload, hints[place] if place < len(hints) else None) for place, payload in enumerate(payloads)
        ]
