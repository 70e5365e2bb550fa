"""How many people must agree, by how wide an act reaches? The limits of domain part 6.4, each from both sides."""

from decimal import Decimal
from typing import Any

import pytest

import rulebook
from escalations.blast import HOUSE, Limit, Limits, tier

BOOK = rulebook.load()


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
    assert tier(**given, limits=BOOK.blast) == expected


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="counts from zero"):
        tier(-1, 1, 1)


def test_the_limits_are_data_and_a_company_may_narrow_them() -> None:
    narrow = Limits(
        tiers=(Limit(items=2, sellers=1), Limit(items=5, sellers=2), Limit(items=9, sellers=3)), funds_usd=1
    )

    assert BOOK.blast == HOUSE
    assert [tier(count, 1, 1, limits=narrow) for count in (2, 3, 6, 10)] == [0, 1, 2, 3]
    assert tier(1, 1, 1, funds_usd=Decimal(2), limits=narrow) == 3
