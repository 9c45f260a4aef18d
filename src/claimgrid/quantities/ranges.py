"""Joins numerals into quantities: ranges, changes, plus-minus, shares, shared units."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from claimgrid.quantities.durations import compound
from claimgrid.quantities.lexicon import FACTORS, lexicon
from claimgrid.quantities.money import CURRENCIES
from claimgrid.quantities.non_quantities import YEAR, is_context_length
from claimgrid.quantities.quantity import Quantity, QuantityForm
from claimgrid.quantities.rates import divisors_at

_DASHES = frozenset(["-", " - ", "~", " ~ ", " ~", "−", "- ", "-to-", "- to "])
_TO = re.compile(
    r" (?:(?:down|up|all the way) )?to (?:(?:about|around|nearly|roughly|over|a|approximately|only"
    r"|just|as (?:low|high|much|little) as) )?[~≈]?\Z"
)
_UP_TO = re.compile(r",? up to \Z")
_FAR_TO = re.compile(
    r"(?: \(?[A-Za-z-]+\)?){1,4} (?:(?:down|up) )?to (?:(?:about|only|just|nearly|over) )?[~≈]?\Z"
)
_SPOKEN = frozenset([" and ", " to "])
_MAY_BE_SPOKEN = re.compile(r"[→>]| to(?: |\Z)")
_ARROW = re.compile(r" ?(?:→|->|=>|-->) ?\Z")
_PLUS_MINUS = re.compile(
    r"[ _^(]{0,3}(?:±|\+/-|\+-|\\pm|plus/minus|plus or minus|plus-minus|plus-or-minus) ?\Z"
)

_OUT_OF = re.compile(r" (?:out )?of (?:the )?\Z")
_LIST = re.compile(r"(?:,? (?:and|or|vs\.?|versus|to) |, |/| / )[~≈]?\Z")
_LAST_OF_LIST = re.compile(r"(?:,? (?:and|or) |/| / )[~≈]?\Z")
_FROM = re.compile(
    r"(?<![A-Za-z])from (?:(?:about|around|nearly|roughly|over|a|approximately|an?) )?[~≈]?\Z", re.I
)
_BETWEEN = re.compile(r"(?<![A-Za-z])between (?:about |roughly )?[~≈]?\Z", re.I)
_NOT_CHANGE = re.compile(
    r"(?<![A-Za-z])(?:by|of|between|with|for|at|in|than|about|around|≈|~) ?"
    r"(?:about |up to |over |nearly )?[~≈]?\Z",
    re.I,
)
_GAINS = re.compile(
    r" (?:[a-z-]+ ){0,2}(?:gain|improvement|increase|boost|reduction|saving|decrease|drop"
    r"|speed-?up|overhead)s?(?![a-z])"
)
"""`brings 0.5% to 3.4% accuracy gains`: how large the gains are, and no change from one to one."""
_RANGING = re.compile(r"(?:rang|vary|vari|span)[a-z]{0,4} (?:anywhere )?from ?[~≈]?\Z", re.I)
_CLAUSE = re.compile(r"[.;:!?](?= )")
_CLAUSE_WINDOW = 140
_LISTED = {
    "name": ("/",),
    "version": ("/",),
    "year": ("/", "-", " and ", " to ", ", ", " or "),
    "section": ("-", " and ", ", ", ", and ", " to ", " or "),
}
"""How a list of names, years or sections continues."""
_FACTOR = re.compile(
    r"(?<![A-Za-z])(?:an?|by|of|the)(?: [a-z]{2,12})? (?P<words>factors?(?: of)?)"
    r"(?: (?:up to|about|around|over|more than|nearly|at least|approximately|roughly|almost))?"
    r" ?[~≈]?\Z"
)
_SPARSE = re.compile(r"spars|N:M|structured|pattern", re.I)


def join(text: str, atoms: list[Quantity]) -> list[Quantity]:
    """Quantities of plain text from its atoms, in order; every atom ends up in exactly one."""
    merged: list[Quantity] = []
    index = 0
    while index < len(atoms):
        atom = atoms[index]
        index += 1
        while index < len(atoms):
            both = _pair(text, merged, atom, atoms, index)
            if both is None:
                break
            atom = both
            index += 1
        merged.append(atom)
    _share_reasons(text, merged)
    _share_units(text, merged)
    return [
        _in_context(text, quantity) if quantity.reason is None else quantity for quantity in merged
    ]


def _in_context(text: str, quantity: Quantity) -> Quantity:
    """What the words around a bare number make of it: `a factor of 3`, a context length."""
    if is_context_length(text, quantity):
        return replace(quantity, reason="context_length")
    if quantity.unit:
        return quantity
    factor = _FACTOR.search(text, max(0, quantity.start - 48), quantity.start)
    return replace(quantity, unit="x", unit_span=factor.span("words")) if factor else quantity


def _pair(
    text: str, before: list[Quantity], left: Quantity, atoms: list[Quantity], index: int
) -> Quantity | None:
    """Left and the next atom as one quantity, if what stands between them joins them."""
    right = atoms[index]
    gap = text[left.end : right.start]
    if len(gap) > 60 or right.form != "single":
        return None
    if left.reason is not None or right.reason is not None or len(right.parts) != 1:
        return None
    if _PLUS_MINUS.match(gap) and len(left.parts) == 1:
        return _merged(left, right, left.low, left.low, "single")
    if left.low is None or right.low is None:
        return None
    lasting = compound(left, right, gap)
    if lasting is not None:
        return _merged(left, right, lasting, lasting, "single")
    if len(left.parts) != 1:
        return None
    if gap in _DASHES or (gap == "—" and left.unit and left.unit == right.unit):
        return _dashed(text, before, left, atoms, index)
    if gap == ":":
        return _ratio(text, left, right)
    if gap == "/" or _OUT_OF.match(gap):
        return _share(text, left, right, gap)
    following = atoms[index + 1].start if index + 1 < len(atoms) else 0
    if following and text[right.end : following] == "-":
        return None  # "9.1x to 1.8-3.9x": the second is a range of its own
    return _spoken(text, left, right, gap)


def _dashed(
    text: str, before: list[Quantity], left: Quantity, atoms: list[Quantity], index: int
) -> Quantity | None:
    """`3-5 ms`, unless the dash continues a chain (`1-2-3`) or parts two measures."""
    right = atoms[index]
    gap = text[left.end : right.start]
    if left.unit and not right.unit and left.unit not in CURRENCIES:
        return None  # "86.2%-81.7": two measures
    chained = index + 1 < len(atoms) and text[right.end : atoms[index + 1].start] == gap == "-"
    if chained or (before and text[before[-1].end : left.start] == gap == "-"):
        return None
    return _range(text, left, right, "range")


def _spoken(text: str, left: Quantity, right: Quantity, gap: str) -> Quantity | None:
    """`from 3 to 5`, `between 2x and 4x`, `40 GB → 16 GB`."""
    if gap not in _SPOKEN and not _MAY_BE_SPOKEN.search(gap):
        return None
    if _ARROW.match(gap):
        return _range(text, left, right, "from_to")
    head = text[max(0, left.start - 40) : left.start]
    if gap in (" and ", " to ") and _BETWEEN.search(head):
        return _range(text, left, right, "range")
    started = _FROM.search(head) is not None
    if _UP_TO.match(gap) and left.unit == right.unit and left.unit:
        return _range(text, left, right, "from_to" if started and _changes(text, left) else "range")
    if _TO.match(gap):
        form: QuantityForm = "range"
        told = started or not (
            right.unit == "x" or _NOT_CHANGE.search(head) or _GAINS.match(text, right.end)
        )
        if told and not _RANGING.search(head) and _changes(text, left):
            form = "from_to"
        return _range(text, left, right, form)
    if started and _FAR_TO.match(gap) and (left.unit == right.unit or not left.unit):
        return _range(text, left, right, "from_to" if _changes(text, left) else "range")
    return None


def _range(text: str, left: Quantity, right: Quantity, form: QuantityForm) -> Quantity | None:
    """Both ends as one quantity, if they can have the same unit."""
    differ = left.unit != right.unit and left.unit and right.unit
    if differ and not right.unit.startswith((left.unit + "/", "/")):
        return None  # but "$1-2M/yr" and "9 KB → 5 KB per call" have one unit
    scaled = left.parts[0].magnitude and not right.parts[-1].magnitude
    if scaled and not left.unit and right.unit in ("x", "%"):
        return None  # "3B to 2x": a size, then what became of it
    low, high = left.low, right.low
    if low is None or high is None:
        return None
    orders = right.unit_span is not None and text.startswith("order", right.unit_span[0])
    if orders and not left.unit and abs(low) < 100:  # "one to two orders of magnitude"
        low = 10.0**low
    elif left.unit == "" or left.unit in CURRENCIES:
        low *= _shared_factor(left, right)
    if left.unit in CURRENCIES and not right.unit:
        rate = divisors_at(text, right.end)
        if rate is not None:
            right = replace(right, unit=rate.name, end=rate.end)
    return _merged(left, right, low, high, form)


def _shared_factor(left: Quantity, right: Quantity) -> float:
    """`20 to 50 million`: the first number has the second's magnitude; `300 to 1.2k` does not."""
    factor = FACTORS[right.parts[-1].magnitude]
    if left.parts[-1].magnitude or left.low is None or right.low is None:
        return 1.0
    return factor if left.low < 1000 and left.low <= 1.5 * (right.low / factor) else 1.0


def _merged(
    left: Quantity, right: Quantity, low: float | None, high: float | None, form: QuantityForm
) -> Quantity:
    if low is not None and high is not None and low > high:
        low, high = high, low
    unit, span = (left.unit, left.unit_span) if left.unit else (right.unit, right.unit_span)
    if left.unit and "/" in right.unit and "/" not in left.unit:
        unit = left.unit + right.unit[right.unit.index("/") :]
    return replace(
        left,
        end=right.end,
        parts=left.parts + right.parts,
        low=low,
        high=high,
        unit=unit,
        unit_span=span,
        form=form,
    )


def _ratio(text: str, left: Quantity, right: Quantity) -> Quantity | None:
    """`2:4` sparsity, or a ratio `3:1`, whose value is the first number."""
    if left.unit or right.unit:
        return None
    ends = text[left.start : right.end]
    near = text[max(0, left.start - 40) : right.end + 40]
    if re.fullmatch(r"[0-9]{1,2}:[0-9]{1,2}", ends) and (ends == "2:4" or _SPARSE.search(near)):
        return replace(_merged(left, right, None, None, "single"), reason="sparsity_pattern")
    return _merged(left, right, left.low, left.low, "single")


def _share(text: str, left: Quantity, right: Quantity, gap: str) -> Quantity | None:
    """`1/3`, `2/3 of` are fractions; `9 of 12`, `65/75` count the first of the second."""
    if left.unit or right.unit or left.low is None or right.low is None:
        return None
    first, second = left.low, right.low
    if gap != "/":
        if first > second or first != int(first):
            return None
        return _merged(left, right, first, first, "single")
    if not 0 <= first < second:
        return None
    fraction = first == 1 or (second <= 12 and text.startswith((" of ", " the "), right.end))
    if fraction and first == int(first) and second == int(second):
        share = first / second
        return _merged(left, right, share, share, "single")
    doubled = (int(second) & int(second) - 1) == 0 and second > 2
    whole = first == int(first) and second == int(second) and not doubled
    if whole or (second in (5.0, 10.0, 100.0)):
        return _merged(left, right, first, first, "single")
    return None


def _changes(text: str, left: Quantity) -> bool:
    """Whether a verb of change stands before the quantity in its clause."""
    low = max(0, left.start - _CLAUSE_WINDOW)
    clause = text[low : left.start]
    return _verbs().search(_CLAUSE.split(clause)[-1].lower()) is not None


@cache
def _verbs() -> re.Pattern[str]:
    stems = sorted(lexicon().change, key=lambda stem: (-len(stem), stem))
    endings = "|".join(lexicon().change_endings)
    first = "".join(sorted({stem[0] for stem in stems}))
    return re.compile(rf"(?=[{first}])(?<![a-z])(?:{'|'.join(stems)})(?:{endings})?(?![a-z])")


def _share_reasons(text: str, found: list[Quantity]) -> None:
    """`RTX 3090/4090`, `Sections 3 and 4`, `2019-2021`: what a list starts as it continues as."""
    for index in range(1, len(found)):
        left, right = found[index - 1], found[index]
        if left.reason not in _LISTED or right.reason is not None or right.unit:
            continue
        gap = text[left.end : right.start]
        if gap not in _LISTED[left.reason] or right.parts[0].magnitude:
            continue
        if left.reason != "year" or YEAR.fullmatch(text, right.start, right.end):
            found[index] = replace(right, low=None, high=None, form="single", reason=left.reason)


def _share_units(text: str, found: list[Quantity]) -> None:
    """`3.2 and 4.1 ms`, `5.8/3.7x`, `10, 20 and 30%`: bare numbers take the unit of the last."""
    opened = False  # whether the list was seen to end with "and", "or" or a slash
    for index in range(len(found) - 2, -1, -1):
        left, right = found[index], found[index + 1]
        gap = text[left.end : right.start]
        if len(gap) > 8 or left.reason is not None or right.reason is not None or left.unit:
            opened = False
            continue
        last = _LAST_OF_LIST.match(gap) is not None
        if not (last or (opened and _LIST.match(gap))) or not right.unit:
            opened = False
            continue
        if right.unit_span is None or right.unit_span[0] < right.parts[0].start:
            opened = False  # a currency sign, or a factor before its number
            continue
        opened = True
        low, high = left.low, left.high
        last_part = right.parts[-1]
        spelled = text[last_part.end - 2 : last_part.end].isalpha()  # "million", not "M"
        if spelled and low is not None and high is not None:
            factor = _shared_factor(left, right)
            low, high = low * factor, high * factor
        found[index] = replace(left, low=low, high=high, unit=right.unit, unit_span=right.unit_span)
