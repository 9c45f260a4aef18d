"""A number with its noun."""

from __future__ import annotations

import pytest

from claimgrid.text.counted import counted


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 papers"), (1, "1 paper"), (2, "2 papers"), (1204, "1,204 papers")],
)
def test_the_noun_is_plural_unless_the_number_is_one(number: int, told: str) -> None:
    assert counted(number, "paper") == told


def test_an_irregular_plural_is_given() -> None:
    assert counted(2, "reply", "replies") == "2 replies"
