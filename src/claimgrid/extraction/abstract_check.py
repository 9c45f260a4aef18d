"""Tells texts that are no abstract, so that no model is paid for reading them."""

from __future__ import annotations

import re

# What databases and exports write where an abstract is missing.
_LACKS = r"(?: (?:is |was )?(?:available|provided|found|given|yet|supplied|present))?"
_RECORD = r"(?:article|paper|document|item|record|entry|work)"
_PLACEHOLDERS = re.compile(
    "|".join(
        (
            r"n ?/ ?[ad]|na|nan|none|null|nil|undefined|tba|tbd|todo|unknown|abstract|summary",
            r"not (?:available|provided|applicable|found|given)",
            rf"(?:the |this {_RECORD} has |there is |sorry,? )?(?:no|without(?: an)?|missing)"
            rf" abstract{_LACKS}(?: (?:for|in) this {_RECORD})?",
            r"(?:the )?abstract (?:is |was )?(?:unavailable|missing|pending|to follow"
            r"|to be (?:added|announced)|not (?:yet )?(?:available|provided|found|given|supplied)"
            r"(?: by the (?:publisher|authors?))?)",
            "kein abstract(?: verfügbar)?|(?:pas de )?résumé non disponible",
            "pas de résumé(?: disponible)?|resumen no disponible|sin resumen",
            "无摘要|暂无摘要|摘要不可用|なし",
        )
    ),
    re.I,
)
# The beginnings of files that are no plain abstract.
_FORMATS = (
    (re.compile(r"\s*(?:%[^\n]*\n\s*)*@[A-Za-z]+\s*[{(]\s*[^,\s{}]*\s*,"), "a BibTeX entry"),
    (re.compile(r"\s*TY {1,2}- ?[A-Z]+\s*$", re.M), "a RIS record"),
    (re.compile(r"\s*PMID ?- ?\d+"), "a PubMed record"),
    (re.compile(r"\s*%0 [A-Z]"), "an EndNote record"),
    (re.compile(r"\s*FN (?:Clarivate|Thomson|ISI)|\s*PT [A-Z]\nAU "), "a Web of Science record"),
    (re.compile(r"\s*%PDF-\d"), "a PDF file"),
    (re.compile(r"\s*<(?:!doctype html|html)\b", re.I), "an HTML page"),
    (re.compile(r"\s*<\?xml\b", re.I), "an XML file"),
    (re.compile(r"\s*\\documentclass\b"), "a LaTeX file"),
    (
        re.compile(r"\s*(?:https?://\S+|doi:\s*\S+|10\.\d{4,}/\S+)\s*$", re.I),
        "an address and no text",
    ),
)
# Signs around a placeholder that do not make it an abstract.
_EDGES = " \t\r\n.,:;!?-\u2013\u2014\u2026_*#\"'()[]{}<>\ufeff\u200b\u00a0"


def why_no_abstract(text: str) -> str | None:
    """What a text is instead of an abstract; None where it may be one.

    >>> why_no_abstract("[No abstract available]")
    'a placeholder for an abstract'
    """
    plain = " ".join(text.split()).strip(_EDGES)
    if not any(sign.isalpha() for sign in plain):
        return "an empty abstract" if not plain else "an abstract without a word"
    if _PLACEHOLDERS.fullmatch(plain):
        return "a placeholder for an abstract"
    for form, what in _FORMATS:
        if (form.search if what == "a RIS record" else form.match)(text[:2000]):
            return what
    return None
