"""How many people must agree, by how wide an act reaches? The limits of domain part 6.4, each from both sides."""

from decimal import Decimal
from typing import Any

import pytest

from escalations.blast import tier


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param(0, {"count": 0, "sellers": 0, "countries": 0}, id="nothing"),
        pytest.param(0, {"count": 10, "sellers": 10, "countries": 5}, id="B0: 10 items"),
        pytest.param(0, {"count": 5000, "sellers": 1, "countries": 1}, id="B0: one seller"),
        pytest.param(1, {"count": 11, "sellers": 2, "countries": 1}, id="B1: above 10 items"),
        pytest.param(1, {"count": 500, "sellers": 20, "countries": 27}, id="B1: 500 items of 20 sellers"),
        pytest.param(2, {"count": 501, "sellers": 20, "countries": 1}, id="B2: above 500 items"),
        pytest.param(2, {"count": 500, "sellers": 21, "countries": 1}, id="B2: above 20 sellers"),
        pytest.param(2, {"count": 10_000, "sellers": 500, "countries": 1}, id="B2: 10,000 items of 500 sellers"),
        pytest.param(3, {"count": 10_001, "sellers": 500, "countries": 1}, id="B3: above 10,000 items"),
        pytest.param(3, {"count": 10_000, "sellers": 501, "countries": 1}, id="B3: above 500 sellers"),
        pytest.param(2, {"count": 1, "sellers": 1, "countries": 1, "whole_country": True}, id="B2: a whole country"),
        pytest.param(3, {"count": 1, "sellers": 1, "countries": 2, "whole_country": True}, id="B3: two countries"),
        pytest.param(3, {"count": 1, "sellers": 1, "countries": 1, "category_gate": True}, id="B3: a category"),
        pytest.param(
            0, {"count": 1, "sellers": 1, "countries": 1, "funds_usd": Decimal(1_000_000)}, id="one million USD"
        ),
        pytest.param(
            3, {"count": 1, "sellers": 1, "countries": 1, "funds_usd": Decimal("1000000.01")}, id="B3: above a million"
        ),
    ],
)
def test_the_widest_limit_that_is_crossed_decides(expected: int, given: dict[str, Any]) -> None:
    assert tier(**given) == expected


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="counts from zero"):
        tier(-1, 1, 1)
