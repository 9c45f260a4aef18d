"""Reads the text of JATS markup: abstracts of Crossref and of articles, sections kept in order.

Paragraphs are joined by a line end; a section's title goes before its text, as in `Methods: …`.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

_TAG = re.compile(
    r"<(/?)(?:jats:)?(p|sec|title|italic|bold|sub|sup|list|i|b)\b[^<>]*>", re.IGNORECASE
)
_ANY_TAG = re.compile(r"<[^<>]+>")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)(\w+;)?")
_BLOCKS = frozenset({"p", "list-item", "title", "sec", "abstract", "label"})
_SKIPPED = frozenset({"graphic", "math", "mml", "xref-group"})
_NAMESPACES = (
    'xmlns:jats="http://www.ncbi.nlm.nih.gov/JATS1" xmlns:mml="http://www.w3.org/1998/Math/MathML" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
)


def is_markup(text: str) -> bool:
    """Whether a string holds JATS tags."""
    return bool(_TAG.search(text))


def text_of(markup: str) -> str:
    """The text of an abstract in JATS markup."""
    wrapped = f"<abstract {_NAMESPACES}>{_ENTITY.sub(_known_entity, markup)}</abstract>"
    root = _parsed(wrapped)
    if root is None:
        return html.unescape(_ANY_TAG.sub(" ", markup)).strip()
    return abstract_text(root)


def plain_title(title: Any) -> Any:
    """A title without the tags and entities that Crossref has in some."""
    if not isinstance(title, str) or ("<" not in title and "&" not in title):
        return title
    without = _TAG.sub("", title) if is_markup(title) else title
    return html.unescape(without)


def abstract_text(element: Any) -> str:
    """The text of an `abstract` element: a line a paragraph, a section's title before its first."""
    lines: list[str] = []
    heading = ""

    def end(text: str) -> None:
        nonlocal heading
        words = " ".join(text.split())
        if words:
            lines.append(f"{heading}{words}")
            heading = ""

    def walk(node: Any, text: list[str]) -> None:
        nonlocal heading
        for child in node:
            name = _name(child)
            if name in _BLOCKS:
                end("".join(text))
                text.clear()
                inner = [child.text or ""]
                walk(child, inner)
                words = " ".join("".join(inner).split())
                if name in ("title", "label"):
                    heading = "" if words.lower().strip(":.") in ("", "abstract") else f"{words}: "
                    heading = heading.replace(":: ", ": ")
                else:
                    end("".join(inner))
            elif name not in _SKIPPED:
                text.append(child.text or "")
                walk(child, text)
            text.append(child.tail or "")

    rest = [element.text or ""]
    walk(element, rest)
    end("".join(rest))
    return "\n".join(lines)


@cache
def _parser() -> Any:
    from lxml import etree  # not before an abstract has markup: it is slow to load

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)


def _parsed(text: str) -> Any:
    from lxml import etree

    try:
        return etree.fromstring(text, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return None


def _name(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _known_entity(match: re.Match[str]) -> str:
    """HTML's entities are not XML's: each as its character, a lone `&` as `&amp;`."""
    entity = match[0]
    if entity == "&":
        return "&amp;"
    character = html.unescape(entity)
    return html.escape(character) if character != entity else f"&amp;{entity[1:]}"
