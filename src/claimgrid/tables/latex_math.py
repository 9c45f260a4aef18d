r"""Finds the plain math of an abstract that a LaTeX table can typeset as it stands.

Everything else of the words is read by `text.latex`, and escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SIGNS = {
    "times": "×", "approx": "≈", "sim": "~", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥",
    "pm": "±", "cdot": "·", "to": "→", "rightarrow": "→", "infty": "∞", "alpha": "α", "beta": "β",
    "gamma": "γ", "delta": "δ", "Delta": "Δ", "epsilon": "ε", "eta": "η", "lambda": "λ",
    "mu": "µ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ", "omega": "ω",
}  # fmt: skip
_SIGN = rf"\\(?:{'|'.join(_SIGNS)})(?![A-Za-z])"
_SCRIPT = r"(?:[0-9A-Za-z]|\{[0-9A-Za-z+.,-]+\})"
# Numbers, signs and short names, each with at most one exponent and one index. It is also what
# LaTeX typesets without an error whatever comes before and after it.
_ATOM = (
    rf"(?:{_SIGN}|\\[%,]|[0-9.,+\-/<>=()\ ]|(?![A-Za-z]{{3}})[A-Za-z])"
    rf"(?:_{_SCRIPT}(?:\^{_SCRIPT})?|\^{_SCRIPT}(?:_{_SCRIPT})?)?"
)
# A dollar before a digit opens the next number, and one beside a space is a price.
_MATH = re.compile(rf"(?<![\\$])\$(?![\s$])((?:{_ATOM}){{1,80}})(?<!\s)\$(?![0-9$])")
_FONT = re.compile(r"\\(?:text(?:bf|it|tt|sc|rm|sf)|emph|math(?:bf|rm|it|sf|tt))\{([^{}$]*)\}")
_ESCAPED = re.compile(r"\\([%$#&_])")
_SIGN_ALONE = re.compile(rf"{_SIGN}\s?(?=[0-9])|{_SIGN}")
_BRACES = re.compile(r"(?<=[_^])\{([^{}]*)\}")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a text, each with whether it is plain math (then with its dollars).

    Font commands around words are gone; a part that is no math may hold any other markup.
    """
    text = _FONT.sub(r"\1", text)
    done = 0
    for match in _MATH.finditer(text):
        if done < match.start():
            yield text[done : match.start()], False
        yield match[0], True
        done = match.end()
    if done < len(text):
        yield text[done:], False


def read_words(part: str) -> str:
    r"""A part that is no math, as it is read: `6\times` is `6×`, `40\%` is `40%`."""
    return _ESCAPED.sub(r"\1", _SIGN_ALONE.sub(_sign, part))


def _sign(match: re.Match[str]) -> str:
    return _SIGNS[match[0].strip()[1:]]
