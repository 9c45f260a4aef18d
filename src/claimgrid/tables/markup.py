"""Grids are written as Markdown and HTML. Everything in a cell is text and is escaped as such."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from claimgrid.tables.grid import MARKS, Grid

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|$~&])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SOURCE = ("location", "claim_id")  # small, below the words
_STYLED = ("written", "differs", "conflict", MARKS)
_STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem; }
h2 { font-size: 1.1rem; font-weight: 600; }
table { border-collapse: collapse; border-block: 1.5px solid; margin-block: 1rem; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
thead th { border-bottom: 1px solid; font-weight: 600; white-space: nowrap; }
th[scope=rowgroup] { padding-top: .9rem; font-style: italic; font-weight: 400; }
tbody + tbody { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.quote { min-width: 20rem; }
small { display: block; font: 11px/1.5 ui-monospace, monospace; opacity: .75; }
td.differs, td.marks { color: light-dark(#8a5300, #f0b429); }
td.conflict { color: light-dark(#b00020, #ff8a80); font-weight: 600; }
td.written { overflow-wrap: anywhere; }
div { overflow-x: auto; }
p.note { font-size: 13px; max-width: 60rem; margin: .2rem 0; }
"""


def markdown(grids: Sequence[Grid]) -> str:
    """GitHub-flavoured tables, a heading row in bold where the table is split."""
    return "\n".join(_markdown(grid) for grid in grids)


def html_page(grids: Sequence[Grid]) -> str:
    """A page of its own, without script."""
    title = html.escape(grids[0].title)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n" + "".join(_html(grid) for grid in grids) + "</html>\n"
    )


def visible(text: str) -> str:
    """Text without control characters: an abstract must not steer a terminal."""
    return _CONTROL.sub("�", text)


def one_line(text: str) -> str:
    """Visible text with every run of whitespace as one space."""
    return visible(" ".join(text.split()))


# Markdown ────────────────────────────────────────────────────────────────────────────────────────


def _markdown(grid: Grid) -> str:
    lines = [f"**{markdown_text(grid.title)}**", ""]
    lines.append(_line(markdown_text(grid.label(name)) for name in grid.columns))
    lines.append(_line("---:" if name in grid.numeric else "---" for name in grid.columns))
    for section in grid.sections:
        if section.heading is not None:
            blank = [""] * (len(grid.columns) - 1)
            lines.append(_line([f"**{markdown_text(section.heading)}**", *blank]))
        lines += [_line(map(markdown_text, row)) for row in section.rows]
    lines += [line for note in grid.notes for line in ("", markdown_text(note))]
    return "\n".join(lines) + "\n"


def _line(cells: object) -> str:
    return f"| {' | '.join(cells)} |"  # type: ignore[arg-type]


def markdown_text(text: str) -> str:
    """Text as one line of Markdown that shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))


# HTML ────────────────────────────────────────────────────────────────────────────────────────────


def _html(grid: Grid) -> str:
    columns = [name for name in grid.columns if name not in _below_the_words(grid)]
    head = "".join(f'<th scope="col">{html.escape(grid.label(name))}</th>' for name in columns)
    out = [f"<h2>{html.escape(grid.title)}</h2>\n<div><table>\n<thead><tr>{head}</tr></thead>\n"]
    for section in grid.sections:
        out.append("<tbody>\n")
        if section.heading is not None:
            span = f'<th scope="rowgroup" colspan="{len(columns)}">'
            out.append(f"<tr>{span}{html.escape(visible(section.heading))}</th></tr>\n")
        for row in section.rows:
            cells = dict(zip(grid.columns, row, strict=True))
            made = "".join(_html_cell(grid, name, cells) for name in columns)
            out.append(f"<tr>{made}</tr>\n")
        out.append("</tbody>\n")
    out.append("</table></div>\n")
    out += [f'<p class="note">{html.escape(visible(note))}</p>\n' for note in grid.notes]
    return "".join(out)


def _below_the_words(grid: Grid) -> tuple[str, ...]:
    return _SOURCE if grid.records and {"quote", *_SOURCE} <= set(grid.columns) else ()


def _html_cell(grid: Grid, column: str, cells: dict[str, str]) -> str:
    made = html.escape(visible(cells[column]))
    if grid.records and column == "quote":
        source = " ".join(html.escape(visible(cells[name])) for name in _below_the_words(grid))
        small = f" <small>{source}</small>" if source else ""
        return f'<td class="quote"><q>{made}</q>{small}</td>'
    named = "number" if column in grid.numeric else column if column in _STYLED else ""
    return f'<td class="{named}">{made}</td>' if named else f"<td>{made}</td>"
