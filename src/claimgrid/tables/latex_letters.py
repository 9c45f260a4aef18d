r"""Letters and signs become LaTeX that compiles without a package, wherever there is such LaTeX.

Other letters stay as they are: lualatex and xelatex show them with a font that has them. `boxes`
makes pdflatex print a box for each, where it would stop.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources

from pylatexenc.latexencode import (
    RULE_CALLABLE,
    UnicodeToLatexConversionRule,
    UnicodeToLatexEncoder,
)

# The text fonts have these only as bitmaps in many installations, or show another sign.
_NAMES = {"×": "times", "µ": "mu", "±": "pm", "·": "cdot", "≙": "widehat{=}"}
_TEXT = {"|": r"\textbar{}"}
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_T1 = "{\\fontencoding{T1}\\selectfont %s}"
_OPENING = re.compile(r'(?<![^\s(\[{])"(?=\S)')
_BOX = "{{\\fboxsep0pt\\framebox[.8em]{\\rule{0pt}{1.4ex}}}}"


@lru_cache(maxsize=4096)  # names and metrics recur, and the encoder goes letter by letter
def letters(text: str, *, braces: bool = False) -> str:
    """Text as LaTeX, letter by letter; `braces` puts each command in braces, as BibTeX wants it."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    text = _OPENING.sub("“", text).replace('"', "”")
    made: str = _encoder(braces=braces).unicode_to_latex(text)
    return made


def boxes(made: str) -> list[str]:
    """Lines that keep pdflatex from stopping at letters that it does not have."""
    strange = sorted({sign for sign in made if ord(sign) > 127})
    if not strange:
        return []
    return [
        f"% pdflatex prints a box for {' '.join(strange)}: lualatex and xelatex show them.",
        "\\ifdefined\\pdftexversion",
        *map(_unless_known, strange),
        "\\fi",
    ]


def preamble(made: str) -> str:
    """The same for a .bib file."""
    found = [line for line in boxes(made) if not line.startswith("%")]
    return f"@preamble{{{{{' '.join(found)}}}}}\n\n" if found else ""


def _unless_known(sign: str) -> str:
    name = f"\\csname u8:\\detokenize{{{sign}}}\\endcsname"
    return f"\\ifcsname{name[7:]}\\else\\expandafter\\gdef{name}{_BOX}\\fi"


@cache
def _encoder(*, braces: bool) -> UnicodeToLatexEncoder:
    def rule(text: str, at: int) -> tuple[int, str] | None:
        """What stands for one letter; None for those of ASCII that the encoder knows best."""
        sign = text[at]
        made = _TEXT.get(sign) or (None if ord(sign) < 128 else _other(sign))
        if made is None:
            return None
        return 1, f"{{{made}}}" if braces and made[0] == "\\" else made

    return UnicodeToLatexEncoder(
        conversion_rules=[UnicodeToLatexConversionRule(RULE_CALLABLE, rule), "defaults"],
        unknown_char_policy="keep",
        unknown_char_warning=False,
        replacement_latex_protection="braces" if braces else "braces-after-macro",
    )


@cache
def _other(sign: str) -> str:
    if sign in _NAMES:
        return rf"\ensuremath{{\{_NAMES[sign]}}}"
    made = str(_plain().unicode_to_latex(sign))
    base, t1 = _known()
    names = set(_COMMAND.findall(made))
    if made != sign and names <= base:
        return made
    if made != sign and names <= base | t1:
        return _T1 % made
    # `𝒵` is a letter in a fancy script, `⅓` a fraction.
    simple = unicodedata.normalize("NFKC", sign).replace("⁄", "/")
    return simple if simple.isascii() else sign


@cache
def _plain() -> UnicodeToLatexEncoder:
    return UnicodeToLatexEncoder(
        unknown_char_policy="keep",
        unknown_char_warning=False,
        replacement_latex_protection="braces-after-macro",
    )


@cache
def _known() -> tuple[frozenset[str], frozenset[str]]:
    file = resources.files("claimgrid.data") / "latex.toml"
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    return frozenset(str(told["base"]).split()), frozenset(str(told["t1"]).split())
