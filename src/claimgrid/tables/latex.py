"""Grids ─► LaTeX tables for pdflatex, over the full width of the page. Cells are escaped text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

from claimgrid.tables.grid import Grid, Section
from claimgrid.tables.render import label, one_line

# Shares of the width; a column that is not listed has one.
_SHARES = {"quote": 2.4, "title": 2.4, "paper_id": 2.0, "location": 1.3, "written": 1.2}
# `--05-09` must not become a dash, nor `<<` a guillemet.
_LIGATURE = re.compile(r"([-'`<>,?!])(?=[-'`<>,])")
_ENCODER = UnicodeToLatexEncoder(
    unknown_char_policy="keep",  # other scripts: lualatex or xelatex show them
    unknown_char_warning=False,
    replacement_latex_protection="braces-after-macro",
)


def latex(grids: Sequence[Grid]) -> str:
    """Floats for one or two columns of text; they need `booktabs` and `tabularx`.

    Papers are numbered and named below the table, so that a row's source is short. A column that
    only repeats the heading above its rows is left out.
    """
    return "\n".join(_table(_narrow(grid)) for grid in grids)


def _narrow(grid: Grid) -> Grid:
    grid = grid.without_repeated_headings()
    if "title" in grid.columns:
        return grid.select(name for name in grid.columns if name != "paper")
    if not grid.records or "location" not in grid.columns:
        return grid
    at = {name: n for n, name in enumerate(grid.columns)}
    papers: dict[str, str] = {}
    numbers: dict[str, int] = {}

    def sourced(row: tuple[str, ...]) -> tuple[str, ...]:
        paper_id, _, span = row[at["location"]].rpartition(":")
        papers[paper_id] = row[at["paper"]]
        number = numbers.setdefault(paper_id, len(numbers) + 1)
        source = f"{number}:{span} {row[at['claim_id']]}"
        return (*row[: at["location"]], source, *row[at["location"] + 1 :])

    sections = tuple(Section(s.heading, tuple(map(sourced, s.rows))) for s in grid.sections)
    named = "; ".join(f"{numbers[i]}: {title} ({i})" for i, title in papers.items())
    notes = (*grid.notes, f"Source: paper, characters of its abstract, claim. {named}.")
    dropped = {"claim_id", "paper"} - {grid.columns[0]}
    whole = replace(grid, sections=sections, notes=notes)
    return whole.select(name for name in grid.columns if name not in dropped)


def _table(grid: Grid) -> str:
    lines = [
        "% needs \\usepackage{booktabs,tabularx}",
        "\\begin{table*}",
        "\\scriptsize\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{escape(grid.title)}}}",
        f"\\label{{tab:{grid.name}}}",
        f"\\begin{{tabularx}}{{\\textwidth}}{{@{{}}{_columns(grid)}@{{}}}}",
        "\\toprule",
        " & ".join(_heading(name) for name in grid.columns) + r" \\",
    ]
    for section in grid.sections:
        lines.append("\\midrule")
        if section.heading is not None:
            heading = escape(section.heading)
            lines.append(
                f"\\multicolumn{{{len(grid.columns)}}}{{@{{}}l}}{{\\emph{{{heading}}}}} \\\\"
            )
        # Without `{}`, a row that begins with `[` or `*` would be an argument of the `\\` before.
        lines += ["{}" + " & ".join(map(escape, row)) + r" \\" for row in section.rows]
    lines += ["\\bottomrule", "\\end{tabularx}"]
    lines += [f"\\par\\smallskip {escape(note)}" for note in grid.notes]
    return "\n".join([*lines, "\\end{table*}", ""])


def _columns(grid: Grid) -> str:
    """`X` columns share the width; their shares must add up to their number."""
    shares = [_SHARES.get(name, 1.0) for name in grid.columns if name not in grid.numeric]
    scale = len(shares) / sum(shares) if shares else 1.0
    made = []
    for name in grid.columns:
        if name in grid.numeric:
            made.append("r")
        else:
            share = _SHARES.get(name, 1.0) * scale
            made.append(f">{{\\hsize={share:.3f}\\hsize\\raggedright\\arraybackslash}}X")
    return "".join(made) if shares else "X" + "".join(made[1:])


def _heading(column: str) -> str:
    return "source" if column == "location" else escape(label(column))


@lru_cache(maxsize=4096)  # names and metrics recur, and the encoder goes letter by letter
def escape(text: str) -> str:
    """Text as LaTeX that prints it: markup in a quote is shown, never run."""
    return _LIGATURE.sub(r"\1{}", _ENCODER.unicode_to_latex(one_line(text)))
