"""Is a manifest the same bytes for the same targets, and are its sums right?"""

from itertools import permutations

import pytest

from escalations import ids
from escalations.enforcement import Manifest
from escalations.manifests import Target, read, span, summary, written


def target(listing: str, tier: str = "gtin", seller: str = "s1", markets: tuple[str, ...] = ("DE",)) -> Target:
    return Target(listing=listing, seller=seller, tier=tier, matched_on="x", markets=markets)


FOUR = (
    target("L-3", "listing_id"),
    target("L-1", seller="s2", markets=("US", "DE")),
    target("L-2"),
    target("L-4", "title", seller="s3", markets=()),
)


def test_a_manifest_is_the_same_bytes_in_whatever_order_targets_were_found() -> None:
    assert {written(order) for order in permutations(FOUR)} == {written(FOUR)}


def test_a_manifest_has_one_canonical_line_a_target_surest_first() -> None:
    assert written((target("L-2", "title"), target("L-9"))) == (
        b'{"listing":"L-9","markets":["DE"],"matched_on":"x","seller":"s1","tier":"gtin"}\n'
        b'{"listing":"L-2","markets":["DE"],"matched_on":"x","seller":"s1","tier":"title"}\n'
    )


def test_a_listing_found_twice_is_one_target_of_its_surest_tier() -> None:
    assert read(written((target("L-1", "title"), target("L-1", "listing_id"), target("L-1")))) == (
        target("L-1", "listing_id"),
    )


def test_what_was_written_is_read_back_unchanged() -> None:
    odd = Target(listing="L–ü \n\r\u2028", seller='"', tier="model", matched_on="\\", markets=("DE", "FR"))

    assert read(written((odd, *FOUR))) == (FOUR[0], FOUR[1], FOUR[2], odd, FOUR[3])


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b"\xff\n",
        written(FOUR)[:-1],
        written(FOUR) + b"\n",
        written(FOUR).replace(b'"gtin"', b'"gtin" '),
        written(FOUR[:1]) * 2,
        b"".join(reversed(written(FOUR).splitlines(keepends=True))),
        written(FOUR).replace(b'"L-1"', b"1"),
        written(FOUR).replace(b'"L-1"', b'""'),
        written(FOUR).replace(b'["DE"]', b'"DE"'),
        written(FOUR).replace(b'{"listing"', b'{"extra":1,"listing"'),
    ],
)
def test_anything_else_is_not_a_manifest(content: bytes) -> None:
    with pytest.raises(ValueError, match="build it again"):
        read(content)


def test_a_summary_counts_targets_sellers_markets_and_tiers() -> None:
    assert summary(FOUR) == Manifest(
        digest=ids.digest(written(FOUR)),
        count=4,
        sellers=3,
        markets=("DE", "US"),
        by_tier=(("listing_id", 1), ("gtin", 2), ("title", 1)),
        sample=("L-3", "L-1", "L-4", "L-2"),
    )


def test_nothing_found_is_an_empty_manifest() -> None:
    assert written(()) == b""
    assert read(b"") == ()
    assert summary(()) == Manifest(digest=ids.digest(b""), count=0, sellers=0)


def test_the_sample_looks_at_every_tier_and_has_at_most_ten() -> None:
    many = [target(f"G-{number:02}") for number in range(30)] + [target("T-1", "title"), target("M-1", "model")]

    sample = summary(many).sample

    assert len(sample) == 10
    assert {"T-1", "M-1"} <= set(sample)


def test_spans_cover_a_manifest_without_gap_or_overlap() -> None:
    whole = read(written(FOUR))

    assert span(whole, 0, 3) + span(whole, 3, 9) == whole
    assert span(whole, 2, 2) == ()


def test_a_restricted_span_keeps_the_positions_of_the_whole() -> None:
    whole = read(written(FOUR))
    last = whole[-1].listing

    assert span(whole, 0, 2, restrict_to=(last,)) == ()
    assert span(whole, 2, 4, restrict_to=(last, "unknown")) == (whole[-1],)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2)])
def test_a_span_that_runs_backwards_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="runs forward"):
        span(FOUR, start, stop)
