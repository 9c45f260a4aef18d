r"""Turns words of an abstract into words as a person reads them: the plain text of `text.latex`.

`$1.96\times$` is read as `1.96×`, `40.4\%` as `40.4%`. A price of `$5` stays as it is written.
"""

from __future__ import annotations

import re

from claimgrid.text.latex import plain_text

_MARKED = re.compile(r"[\\${}&<~]|--")
# TeX swallows the space after a command; a person who writes `2\times speedup` means it.
_SPACE_MEANT = re.compile(r"(\\[A-Za-z]+) (?=[A-Za-z]{2})")


def readable(text: str) -> str:
    """Text without the LaTeX and HTML markup in it; the same text where it has none."""
    if not _MARKED.search(text):
        return text
    return plain_text(_SPACE_MEANT.sub(r"\1{} ", text), signs=False).text
