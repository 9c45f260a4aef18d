"""Reads the dates that bibliographies write: `2024/05/09/`, `May 3, 2024`, `3 May 2024`, `2024-05`."""

from __future__ import annotations

import calendar
import re
from typing import Any

from claimgrid.sources.paper_fields import date_of_parts, iso_date

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_NUMBERS = re.compile(r"([12][0-9]{3})(?:[/.-]([0-9]{1,2}))?(?:[/.-]([0-9]{1,2}))?(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])([12][0-9]{3})(?![0-9])")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*", re.IGNORECASE)
_DAY = re.compile(r"(?<![0-9])([0-9]{1,2})(?:st|nd|rd|th)?(?![0-9])")


def loose_date(value: Any) -> str | None:
    """An ISO 8601 date, as precise as the text says; None where it has no year.

    Of a range the beginning counts. `05/04/2024` gives the year alone: nobody knows which is the
    month.
    """
    if not isinstance(value, str):
        return iso_date(value)
    text = value.strip()
    if match := _NUMBERS.match(text):
        return date_of_parts([part for part in match.groups() if part]) or match[1]
    year = _YEAR.search(text)
    if year is None:
        return None
    month = _MONTH.search(text)
    if month is None:
        return year[1]
    day = _DAY.search(text)
    number = _MONTHS[month[1][:3].lower()]
    parts = [year[1], number, int(day[1])] if day else [year[1], number]
    return date_of_parts(parts) or date_of_parts(parts[:2])


def month_number(text: str) -> int | None:
    """The number of a month: `may`, `May`, `5`, `05`."""
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.get(text.strip()[:3].lower())
