"""Improvement factors: what is written is what is computed, whichever way it is put."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from claimgrid.quantities.lexer import lex
from claimgrid.quantities.ratios import Change, ratio

GAINS = st.floats(1.01, 1000).map(lambda x: float(f"{x:.6g}"))
LOSSES = st.floats(0.01, 0.99).map(lambda x: float(f"{x:.6g}"))


def written(factor: float, style: str) -> tuple[str, Change]:
    """A factor by which a measured quantity grows, as papers write it."""
    percent = 100 * (factor - 1)
    match style:
        case "times":
            return f"{factor:.15g}x", "up" if factor >= 1 else "of"
        case "latex":
            return f"${factor:.15g}\\times$", "of"
        case "percent":
            return f"{abs(percent):.12g}%", "up" if percent > 0 else "down"
        case "escaped":
            return f"{abs(percent):.12g}\\%", "up" if percent > 0 else "down"
        case _:
            return f"{100 * factor:.12g} percent", "of"


def parsed(text: str) -> tuple[float, str]:
    (quantity,) = lex(text)
    assert quantity.low is not None
    return quantity.low, quantity.unit


@pytest.mark.parametrize("style", ["times", "latex", "percent", "escaped", "share"])
@given(factor=GAINS | LOSSES, more_is_good=st.booleans())
def test_a_formatted_factor_is_read_back(style: str, factor: float, more_is_good: bool) -> None:
    text, change = written(factor, style)
    number, unit = parsed(text)
    better = (factor > 1) == more_is_good
    low, high = ratio((number,), unit, change, better=better) or (math.nan, math.nan)
    assert low == high == pytest.approx(factor if more_is_good else 1 / factor, rel=1e-9)


@given(first=GAINS, second=GAINS)
def test_a_formatted_range_is_read_back(first: float, second: float) -> None:
    (quantity,) = lex(f"{first:.15g}x-{second:.15g}x")
    assert quantity.low is not None
    assert quantity.high is not None
    found = ratio((quantity.low, quantity.high), quantity.unit, "up", better=True)
    assert found == pytest.approx((min(first, second), max(first, second)))


@given(before=GAINS, after=GAINS)
def test_a_formatted_change_is_read_back(before: float, after: float) -> None:
    assume(before != after)
    (quantity,) = lex(f"It rises from {before:.15g} ms to {after:.15g} ms.")
    ends = tuple(part.value for part in quantity.parts if part.value is not None)
    low, high = ratio(ends, quantity.unit, "from_to", better=after > before) or (0.0, 0.0)
    assert low == high == pytest.approx(after / before, rel=1e-9)


@given(st.floats(0, 1e6), st.sampled_from(["x", "%", ""]), st.booleans())
def test_a_factor_is_finite_and_on_the_side_that_is_told(
    number: float, unit: str, better: bool
) -> None:
    for change in ("up", "down", "of"):
        found = ratio((number,), unit, change, better=better)
        assert found is None or all(0 < end < math.inf for end in found)
        assert found is None or (found[0] >= 1 if better else found[0] <= 1)
