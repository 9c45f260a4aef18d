"""Grids are written as LaTeX tables that break over pages. Cells are escaped text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from claimgrid.tables.grid import CITE, MARKS, Grid
from claimgrid.tables.latex_letters import boxes, letters
from claimgrid.tables.latex_math import pieces, read_words
from claimgrid.tables.markup import one_line
from claimgrid.text.readable import readable

_PREAMBLE = """\
% needs \\usepackage{array,booktabs,longtable}
% longtable wants a page of one column: \\onecolumn before it where the paper has two
"""
_HEADS = {
    "ratio": "Gain", "shown": "Value", "on": "Workload, hardware", "baselines": "Compared with",
    "quote": "In the words of the abstract", CITE: "Paper", "dated": "Date",
    "context_tokens": "Context", "claim_count": "Claims", "hardware_claims": "Hardware",
    "claim_id": "Claim",
    "per_node": "Per node", "what": "Of what", MARKS: "",
}  # fmt: skip
# Characters that a column of text asks for, at least and at most; it breaks over lines.
_ROOM = {"quote": (17, 34), "title": (17, 34), "paper": (10, 20)}
_WIDE = 16
_CITATION = (8, 14)  # `[12]` or `(Doe et al., 2024)`, as the style wants it
_GAP = 2
# Sizes, each with the characters that fit in the text width of `article`.
_SIZES = (("footnotesize", 78), ("scriptsize", 92))
_BOUND = re.compile(r"(?:\\ensuremath\{\\(?:leq|geq|approx|Delta)\} |avg )+(?=[-\d])")
# `--05-09` must not become a dash, nor `<<` a guillemet.
_LIGATURE = re.compile(r"([-'`<>,?!])(?=[-'`<>,])")


def latex(grids: Sequence[Grid]) -> str:
    """Tables as wide as the text; they need `array`, `booktabs` and `longtable`.

    The letters of a brief grid are raised beside the numbers that they qualify.
    """
    return _PREAMBLE + "\n".join(map(_table, grids))


def _table(grid: Grid) -> str:
    span = f"\\multicolumn{{{len(grid.columns)}}}"
    head = [f"{' & '.join(_heading(grid, name) for name in grid.columns)} \\\\", "\\midrule"]
    size, specification = _specification(grid)
    begin = f"\\begingroup\\{size}"
    lines = [
        f"{begin}\\setlength{{\\tabcolsep}}{{3pt}}\\setlength{{\\extrarowheight}}{{2pt}}",
        f"\\begin{{longtable}}{{@{{}}{specification}@{{}}}}",
        f"\\caption{{{escape(grid.title)}}}\\label{{tab:{grid.name}}}\\\\",
        *("\\toprule", *head, "\\endfirsthead"),
        f"{span}{{@{{}}l}}{{\\emph{{Table \\thetable, continued}}}}\\\\",
        *("\\toprule", *head, "\\endhead"),
        *("\\bottomrule", "\\endfoot"),
    ]
    for n, section in enumerate(grid.sections):
        if section.heading is not None:
            lines += ["\\addlinespace"] * (n > 0)
            # A starred break keeps the heading on the page of its first row.
            lines.append(f"{span}{{@{{}}l}}{{\\emph{{{escape(section.heading)}}}}} \\\\*")
        for row in section.rows:
            cells = map(_cell, grid.columns, row)
            # Without `{}`, a row that begins with `[` or `*` would be an argument of the `\\`
            # before.
            lines.append("{}" + " & ".join(cells) + r" \\")
    if not grid.rows:
        lines.append(f"{span}{{@{{}}l}}{{no rows}} \\\\")
    lines.append("\\end{longtable}")
    lines += [f"\\noindent {_as_it_is(note)}\\par" for note in grid.notes]
    lines[1:1] = boxes("".join(lines))
    return "\n".join([*lines, "\\endgroup", ""])


def _as_it_is(text: str) -> str:
    """Our own words, which hold no markup."""
    return _LIGATURE.sub(r"\1{}", letters(one_line(text)))


def _cell(name: str, cell: str) -> str:
    if name == CITE:
        return f"\\cite{{{cell}}}" if cell else ""
    if name == MARKS:
        raised = escape(cell.replace(" ", ","))
        return f"\\textsuperscript{{{raised}}}" if raised else ""
    made = escape(cell)
    # The sign of a bound stays with its number.
    return _BOUND.sub(lambda bound: bound[0].replace(" ", "~"), made, 1)


def _specification(grid: Grid) -> tuple[str, str]:
    """The size of type, and the columns: numbers as wide as they are, text over the rest."""
    needs = {name: _need(grid, name) for name in grid.columns}
    least, most = (sum(side) for side in zip(*needs.values(), strict=True))
    size, line = next((found for found in _SIZES if least <= found[1]), _SIZES[-1])
    part = min(1.0, max(0.0, (line - least) / (most - least))) if most > least else 0.0
    whole = max(least + (most - least) * part, 1.0)
    made = []
    for name, (low, high) in needs.items():
        if name == MARKS:
            made.append("@{}l")  # letters stand at their numbers
        elif name in grid.numeric and low == high <= _WIDE + _GAP:
            made.append("r")
        else:
            share = (low + (high - low) * part) / whole
            width = f"\\dimexpr{share:.3f}\\linewidth-2\\tabcolsep\\relax"
            # The first word of a paragraph is hyphenated only after something else.
            side = "left" if name in grid.numeric else "right"
            begin = f"\\ragged{side}\\arraybackslash\\leavevmode\\nobreak\\hspace{{0pt}}"
            made.append(f">{{{begin}}}p{{{width}}}")
    return size, "".join(made)


def _need(grid: Grid, name: str) -> tuple[int, int]:
    """The room that a column needs, and what it takes at most, in characters."""
    at = grid.columns.index(name)
    cells = [readable(row[at]) for row in grid.rows]
    longest = max(map(_size, cells), default=0)
    if name == CITE:
        return _CITATION
    if name == MARKS:
        return longest * 3 // 4 + 1, longest * 3 // 4 + 1  # raised letters are small
    if name in grid.numeric and longest <= _WIDE:
        width = max(longest, _size(_heading(grid, name))) + _GAP
        return width, width
    words = [
        word for cell in (_heading(grid, name), *cells) for word in re.split(r"\s|(?<=-)", cell)
    ]
    low, most = _ROOM.get(name, (0, _WIDE))
    low = max(low, min(max(map(_size, words)), _WIDE))
    return low + _GAP, max(low, min(longest, most)) + _GAP


def _size(text: str) -> int:
    """Characters, as wide as digits and small letters: capitals take more."""
    return len(text) + (sum(map(str.isupper, text)) + 1) // 3


def _heading(grid: Grid, column: str) -> str:
    if grid.verbatim:
        return escape(column)
    return _HEADS[column] if column in _HEADS else escape(grid.label(column).capitalize())


def escape(text: str, *, braces: bool = False) -> str:
    r"""Text as LaTeX that prints it: plain math as it is written, other markup as it is read.

    `$1.96\times$` stays, `40.4\%` too; `$\text{TREX}^2$` is TREX^2. No command of an abstract runs.
    `braces` puts the commands of letters in braces, as BibTeX wants it.
    """
    return "".join(
        part if math else _LIGATURE.sub(r"\1{}", letters(readable(read_words(part)), braces=braces))
        for part, math in pieces(one_line(text))
    )
