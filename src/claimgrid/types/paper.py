"""Paper: one title and abstract, as a source gives it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class Origin(BaseModel):
    """Where a paper was read: the file as the user named it and the 1-based line."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int


class Paper(BaseModel):
    """A title and an abstract, with what else the source says.

    `abstract` is kept as read: every offset in a claim counts Unicode code points of this string.
    `date` is an ISO 8601 date as precise as the source gives it (`2025-04-10`, `2025-04`, `2025`),
    or `--05-09` (ISO 8601 without a year) where the source leaves the year out. `citation_key` is
    the key of a bibliography entry, `doi` is bare (`10.1145/…`), `arxiv_id` is without its version.
    """

    model_config = ConfigDict(frozen=True)

    paper_id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    date: str | None = None
    citation_key: str | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    arxiv_version: int | None = None
    venue: str | None = None
    year: int | None = None
    url: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    origin: Origin | None = None
    warnings: tuple[str, ...] = ()

    @property
    def abstract_sha256(self) -> str:
        """SHA-256 of the abstract's UTF-8 bytes, in hexadecimal."""
        return _sha256(self.abstract)


@lru_cache(maxsize=64)
def _sha256(text: str) -> str:
    # Each claim's id needs its abstract's hash; a cached property would survive `model_copy`.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def slug(title: str, *, longest: int = 60) -> str:
    """An id for a paper without one: ASCII words of its title, joined by `-`.

    >>> slug("A Tale of Two Caches: Fast & Small")
    'a-tale-of-two-caches-fast-small'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = _NOT_SLUG.sub("-", plain).strip("-")
    if len(words) > longest:
        words = words[:longest].rsplit("-", 1)[0]
    if words:
        return words
    return "paper-" + hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:12]
