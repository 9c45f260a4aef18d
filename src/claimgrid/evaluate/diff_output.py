"""Writes what differs between two runs as JSON, Markdown or HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from claimgrid.evaluate.run_diff import ClaimChange, RunDiff, What
from claimgrid.text.readable import readable

_SIGNS: dict[What, str] = {"added": "+", "removed": "−", "changed": "~"}
_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d4d4d8, #3f3f46); --dim: light-dark(#52525b, #a1a1aa);
  --added: light-dark(#15803d, #4ade80); --removed: light-dark(#b91c1c, #f87171); --changed: light-dark(#a16207, #facc15); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 2rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; } td, th { padding: .2rem .9rem .2rem 0; text-align: right; }
td:first-child, th:first-child { text-align: left; } td { border-top: 1px solid var(--line); } th { color: var(--dim); font-weight: 500; }
.claim { border-top: 1px solid var(--line); padding: .5rem 0; overflow-wrap: anywhere; } .dim { color: var(--dim); }
.added b { color: var(--added); } .removed b { color: var(--removed); } .changed b { color: var(--changed); }
del { color: var(--removed); } ins { color: var(--added); text-decoration: none; }
"""  # noqa: E501


def as_json(found: RunDiff) -> dict[str, Any]:
    """The whole difference as plain data."""
    return {
        "same": found.same,
        "change_rate": round(found.change_rate, 4),
        "quoted_otherwise": found.quoted_otherwise,
        "by_kind": found.counts(),
        "papers": [asdict(paper) for paper in found.papers],
        "changes": [asdict(change) for change in found.changes],
    }


def headline(found: RunDiff) -> str:
    """One sentence: how many claims are the same, added, removed, changed."""
    counts = {what: sum(c[what] for c in found.counts().values()) for what in _SIGNS}
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    same = "1 claim is the same" if found.same == 1 else f"{found.same} claims are the same"
    alone = (
        f" ({found.quoted_otherwise} in the quoted words alone)" if found.quoted_otherwise else ""
    )
    return f"{same}; {told}{alone}"


def shown(value: Any) -> str:
    """A field's value for people, without markup."""
    return readable(_words(value))


def _words(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, Mapping):
        if "text" in value:
            return f"{value['text']} ({_ends(value)} {value.get('unit', '')})".replace(" )", ")")
        return _ends(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _ends(value: Mapping[str, Any]) -> str:
    low, high = value.get("low"), value.get("high")
    if low is None or high is None:
        return "no number"
    return f"{low:.4g}" if low == high else f"{low:.4g}–{high:.4g}"


def as_markdown(found: RunDiff, before: str, after: str) -> str:
    """A report for a pull request."""
    lines = [f"## Claims: {before} → {after}", "", headline(found) + ".", ""]
    lines += ["| kind | added | removed | changed |", "| --- | ---: | ---: | ---: |"]
    for kind, counts in found.counts().items():
        numbers = " | ".join(str(counts[what]) for what in ("added", "removed", "changed"))
        lines.append(f"| {kind} | {numbers} |")
    for paper in found.papers:
        lines += ["", f"- **{paper.paper_id}**: {paper.before or '–'} → {paper.after or '–'}"]
    for paper_id, changes in _by_paper(found).items():
        lines += ["", f"### {_escaped(paper_id)}", ""]
        for change in changes:
            told = (
                f"- `{_SIGNS[change.what]}` {change.what} {change.kind}: “{_escaped(change.quote)}”"
            )
            lines.append(told)
            for field in change.fields:
                old, new = _escaped(shown(field.before)), _escaped(shown(field.after))
                lines.append(f"  - {field.field}: {old} → {new}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>|$#~" else char for char in text)


def as_html(found: RunDiff, before: str, after: str) -> str:
    """One page that needs no network."""
    head = f"Claims: {html.escape(before)} → {html.escape(after)}"
    rows = "".join(
        f"<tr><td>{kind.replace('_', ' ')}</td>"
        + "".join(f"<td>{counts[what]}</td>" for what in _SIGNS)
        + "</tr>"
        for kind, counts in found.counts().items()
    )
    names = "".join(f"<th>{what}</th>" for what in _SIGNS)
    papers = "".join(
        f"<li>{html.escape(p.paper_id)}: {p.before or '–'} → {p.after or '–'}</li>"
        for p in found.papers
    )
    claims = "".join(
        f"<h2>{html.escape(paper_id)}</h2>" + "".join(map(_html, changes))
        for paper_id, changes in _by_paper(found).items()
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{head}</title>\n<style>{_STYLE}</style>\n<body>\n<h1>{head}</h1>\n"
        f"<p>{headline(found)}.</p>\n"
        f"<table><thead><tr><th>kind</th>{names}</tr></thead><tbody>{rows}</tbody></table>\n"
        + (f"<ul>{papers}</ul>\n" if papers else "")
        + f"{claims}\n</body>\n</html>\n"
    )


def _html(change: ClaimChange) -> str:
    fields = "".join(
        f"<br><span class='dim'>{field.field.replace('_', ' ')}</span> "
        f"<del>{html.escape(shown(field.before))}</del>"
        f" <ins>{html.escape(shown(field.after))}</ins>"
        for field in change.fields
    )
    return (
        f'<div class="claim {change.what}"><b>{_SIGNS[change.what]} {change.what}</b> '
        f"{change.kind.replace('_', ' ')}: {html.escape(readable(change.quote))}<br>"
        f'<span class="dim">{html.escape(readable(change.key))}</span>'
        f"{fields}</div>\n"
    )


def _by_paper(found: RunDiff) -> dict[str, list[ClaimChange]]:
    grouped: dict[str, list[ClaimChange]] = {}
    for change in found.changes:
        grouped.setdefault(change.paper_id, []).append(change)
    return grouped
