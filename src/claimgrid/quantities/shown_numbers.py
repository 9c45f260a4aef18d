"""Numbers are shown with the digits that the text writes, and units as people write them.

`55.0` is not 55: the digits say how exact a number is. `sql/macros.sql` does the same for the
views, and a test holds the two together.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from claimgrid.types.claim import Value

_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_PARTS = re.compile(r"[^/_]+|[/_]")
_MONEY = "usd"  # written before the number


@cache
def unit_spellings() -> dict[str, str]:
    """How people write a canonical unit, where that differs from it: `gb` is GB."""
    file = resources.files("claimgrid.data") / "units.toml"
    told: dict[str, str] = tomllib.loads(file.read_text(encoding="utf-8"))["shown"]
    return told


def unit_words(unit: str) -> str:
    """A unit for people: `gpu_hours/month` is GPU hours/month."""
    spelled = unit_spellings() | {"_": " "}
    return "".join(spelled.get(part, part) for part in _PARTS.findall(unit))


def shown_end(number: float, written: str | None) -> str:
    """One number: with the decimals of the text where they are the same, else as short as it is."""
    if written and "." in written and float(written.replace(",", "")) == number:
        return written
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:.6g}"


def shown_value(value: Value) -> str:
    """A number with its unit: `55.0`, `$0.013/query`, `1.5–2.0×`; a vague one as written."""
    if value.low is None or value.high is None:
        return value.text
    found = _NUMBER.findall(value.text)
    number = shown_end(value.low, found[0] if found else None)
    if value.low != value.high:
        number += f"–{shown_end(value.high, found[-1] if found else None)}"
    return with_unit(number, value.unit)


def with_unit(number: str, unit: str) -> str:
    """A number and its unit, in the order in which people write them."""
    if unit == _MONEY or unit.startswith(f"{_MONEY}/"):
        return f"${number}{unit_words(unit.removeprefix(_MONEY))}"
    close = {"score": "", "%": "%", "x": "×"}
    return number + (close[unit] if unit in close else f" {unit_words(unit)}")
