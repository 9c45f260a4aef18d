"""A model's name such as `sim:latency=20,refusal=0.05,seed=1` ─► which paper meets which fault.

A fault is decided by a hash of the paper's number and the seed: the same paper always meets the
same fault, however often and in whatever order papers are asked about. At one seed the papers that
a lower rate touches are among those that a higher rate does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PREFIX = "sim:"
_NEVER = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, in words for the docs, and after how many tries it goes right (None: never).

    `wire` faults are trouble that a client should meet by sending the same request again.
    """

    what: str
    wire: bool
    clears: int | None


def _wire(what: str, clears: int | None = 2) -> Fault:
    return Fault(what, True, clears)


def _reply(what: str, clears: int | None = 1) -> Fault:
    return Fault(what, False, clears)


FAULTS: Mapping[str, Fault] = {
    "rate_limit": _wire("429 with `Retry-After: 1`", 1),
    "rate_limit_bare": _wire("429 without `Retry-After`"),
    "rate_limit_hour": _wire("429 with `Retry-After: 3600`", None),
    "clock_behind": _wire("429; `Date` in 2001, `Retry-After` one second later", 1),
    "clock_ahead": _wire("429; `Date` in 2099, `Retry-After` one second later", 1),
    "http_500": _wire("500 with a JSON error"),
    "http_502": _wire("502 with an HTML page"),
    "http_503": _wire("503 with an empty body"),
    "dropped": _wire("connection reset before any byte"),
    "cut_off": _wire("connection reset in the middle of the body"),
    "stalled": _wire("no byte ever, connection kept open", 1),
    "stalled_midway": _wire("half of the body, then silence", 1),
    "slow": _wire("a first byte that is late, within the time-out", None),
    "cut_length": _reply("JSON cut short, `finish_reason: length`", None),
    "cut_stop": _reply("JSON cut short, `finish_reason: stop`"),
    "prose": _reply("prose instead of JSON"),
    "wrong_shape": _reply("valid JSON of another shape"),
    "one_bad_item": _reply("one malformed item among good ones", None),
    "altered": _reply("well-formed, but digits of the values altered", None),
    "refusal": _reply("a refusal", None),
    "content_filter": _reply("no text, `finish_reason: content_filter`", None),
    "empty_choices": _reply("`choices: []`"),
    "empty_content": _reply("`content: null`, `finish_reason: stop`"),
    "html": _reply("200 with an HTML page"),
    "mislabelled": _reply("a good reply labelled `text/plain`", None),
    "error_in_200": _reply("200 with an error object"),
    "huge": _reply("a good reply padded with 12 MB of blanks", None),
    "wrong_usage": _reply("a good reply with nonsense in `usage`", None),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a simulated model does. Times are in milliseconds, `rates` are shares of the papers.

    `first_byte` is the wait of the fault `slow`; `clears` overrides after how many tries faults go
    right; `style` is the shape of a good reply.
    """

    latency: float = 0.0
    first_byte: float = 500.0
    seed: int = 0
    clears: int | None = None
    style: Literal["claims", "langextract"] = "claims"
    rates: Mapping[str, float] = field(default_factory=dict)

    def touching(self, number: int) -> str | None:
        """The fault that the paper with this number meets at its first try, if any."""
        digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
        drawn = int.from_bytes(digest[:8], "big") / 2**64
        for name, rate in self.rates.items():
            if drawn < rate:
                return name
            drawn -= rate
        return None

    def at(self, number: int, attempt: int) -> str | None:
        """The fault at an attempt (0, 1 …), if it has not cleared by then."""
        name = self.touching(number)
        if name is None:
            return None
        clears = FAULTS[name].clears if self.clears is None else self.clears
        return name if clears is None or attempt < clears else None


def parse(model: str) -> Plan:
    """The plan that a model's name spells; a name without `sim:` is a faultless model.

    `clears=never` makes every fault last. Raises ValueError at an unknown word or a bad number.
    """
    if not model.startswith(PREFIX):
        return Plan()
    given = dict(_setting(part) for part in model.removeprefix(PREFIX).split(",") if part)
    rates = {name: float(text) for name, text in given.items() if name in FAULTS}
    unknown = set(given) - set(rates) - {"latency", "first_byte", "seed", "clears", "style"}
    if unknown:
        raise ValueError(f"{model}: unknown {', '.join(sorted(unknown))}")
    if any(rate < 0 for rate in rates.values()) or sum(rates.values()) > 1:
        raise ValueError(f"{model}: rates are shares of the papers, 1 at most in all")
    style = given.get("style", "claims")
    clears = given.get("clears")
    return Plan(
        latency=float(given.get("latency", 0)),
        first_byte=float(given.get("first_byte", 500)),
        seed=int(given.get("seed", 0)),
        clears=None if clears is None else _NEVER if clears == "never" else int(clears),
        style="langextract" if style == "langextract" else "claims",
        rates=rates,
    )


def _setting(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals:
        raise ValueError(f"{part!r} is not of the form name=value")
    return name.strip(), value.strip()
