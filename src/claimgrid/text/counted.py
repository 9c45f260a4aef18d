"""Writes a number with its noun: `1 paper`, `2 papers`, `1,204 claims`."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number and the noun, which is plural unless the number is one.

    Args:
        plural: where it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
