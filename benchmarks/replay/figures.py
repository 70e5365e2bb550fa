"""How is a figure judged and shown? The same way for every part."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure beside its control, 0 where there is none. `most` and `least` are claims, None where there is none."""

    name: str
    seawall: float
    control: float = 0.0
    most: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        """Say whether the claim holds."""
        return (self.most is None or self.seawall <= self.most) and (self.least is None or self.seawall >= self.least)

    @property
    def claim(self) -> str:
        """Write the claim."""
        said = [f"≤ {self.most:g}"] if self.most is not None else []
        return " ".join([*said, f"≥ {self.least:g}"] if self.least is not None else said) or "-"


def table(figures: Sequence[Figure]) -> str:
    """Lay figures out for people."""
    head = f"{'':52}{'seawall':>10}{'control':>10}{'claim':>10}"
    rows = [
        f"{one.name:52}{one.seawall:10.2f}{one.control:10.2f}{one.claim:>10}  {'' if one.kept else 'BROKEN'}".rstrip()
        for one in figures
    ]
    return "\n".join((head, *rows))


def as_json(figures: Sequence[Figure]) -> dict[str, Any]:
    """Lay figures out for programs."""
    return {
        "kept": all(one.kept for one in figures),
        "figures": [asdict(one) | {"kept": one.kept} for one in figures],
    }
