"""Reads LaTeX accents and braces in the titles and names that bibliographies write."""

from __future__ import annotations

import logging
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text

_MARKUP = re.compile(r"[\\{}]")
_COMMENT = re.compile(r"(?<!\\)%")  # in a title it is a percent sign, and no comment


def without_latex(text: Any) -> Any:
    r"""The text as it is read; what is no text, or has no LaTeX in it, as it is.

    >>> without_latex(r'{KiteServe}: Fast Serving by Bal\'azs')
    'KiteServe: Fast Serving by Balázs'
    """
    if not isinstance(text, str) or not _MARKUP.search(text):
        return text
    return _read(text)


@lru_cache(maxsize=4096)  # authors recur, and a name takes a millisecond
def _read(text: str) -> str:
    try:
        read = _reader().latex_to_text(_COMMENT.sub(r"\\%", text))
    except Exception:  # noqa: BLE001 pylatexenc raises whatever its tables raise on odd input
        return text
    return " ".join(read.split())


@cache
def _reader() -> LatexNodes2Text:
    from pylatexenc.latex2text import LatexNodes2Text

    logging.getLogger("pylatexenc").setLevel(logging.ERROR)
    return LatexNodes2Text(math_mode="verbatim", keep_comments=True)
