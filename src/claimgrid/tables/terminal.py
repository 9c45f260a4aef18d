"""Grids are printed on the terminal: a line a row where the width allows, else as records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from claimgrid.tables.grid import MARKS, Grid, Section, label
from claimgrid.tables.markup import one_line

# What a fact needs before it to be understood without its column's name; nothing for those that
# speak for themselves, the name for all others.
_LEADS = {"baselines": "over ", "hardware": "on ", "context_tokens": "context ",
          "hardware_claims": "hardware ", MARKS: "differs in ",
          "paper": "in "} | dict.fromkeys(
    ("subject", "metric", "benchmark", "what", "workload", "on", "role", "device", "model", "kind",
     "dated", "status", "title", "stance", "conditions", "best_so_far", "ratio", "score", "size",
     "value", "shown"),
    "",
)  # fmt: skip
_COUNTS = (
    "benchmarks",
    "speedups",
    "efficiency",
    "hardware_claims",
    "models",
    "rejected",
    "unclaimed",
)
_STYLES = {MARKS: "yellow", "differs": "yellow", "conflict": "bold red", "quote": "dim"}
_WHOLE = ("hardware", "device", "location", "claim_id", "paper_id", MARKS)  # half of one is useless
# Characters that a text may have on a line, and that the words must have left; widest first.
_LINES = ((32, 32), (24, 24), (20, 20))
_BREAK = re.compile(r"(?<=\S)[\s-]")
_GAP = 2
_HEAD_WIDTHS = (24, 20)  # characters of a record's name and number
_READABLE = 24  # characters; a column of prose may be as narrow and break


def show(console: Console, grids: Sequence[Grid]) -> None:
    """Print grids one below the other."""
    for n, grid in enumerate(grids):
        if n:
            console.print()
        console.print(Text(grid.title, "bold"))
        for part in _body(grid, console.width):
            console.print(part)
        for note in grid.notes:
            console.print(Text(one_line(note), "dim"))


def _body(grid: Grid, width: int) -> Iterator[RenderableType]:
    if not grid.rows:
        yield Text("no rows", "dim")
    elif not grid.records:
        yield from _columns(grid) if _fits(grid, width) else _expanded(grid)
    elif widths := _widths(grid, width):
        yield from _lines(grid, widths)
    elif len(grid.columns) > 2:
        yield from _records(grid)
    else:
        yield from _expanded(grid)


# A line a row ────────────────────────────────────────────────────────────────────────────────────


def _widths(grid: Grid, width: int) -> list[int] | None:
    """The columns' widths on one line, None where the words would have too little room."""
    longest = [
        max(cell_len(grid.label(name)), *(cell_len(one_line(row[n])) for row in grid.rows))
        for n, name in enumerate(grid.columns)
    ]
    for most, words in _LINES:
        fixed = [
            0 if name == "quote" else size if _is_whole(grid, name) else min(size, most)
            for name, size in zip(grid.columns, longest, strict=True)
        ]
        left = width - sum(fixed) - _GAP * (len(fixed) - 1)
        if left >= (words if "quote" in grid.columns else 0):
            return [
                min(size, left) if name == "quote" else wide
                for name, size, wide in zip(grid.columns, longest, fixed, strict=True)
            ]
    return None


def _is_whole(grid: Grid, name: str) -> bool:
    return name in _WHOLE or name in grid.numeric


def _lines(grid: Grid, widths: Sequence[int]) -> Iterator[Text]:
    head = [Text(grid.label(name), "dim") for name in grid.columns]
    yield _line(grid, head, widths)
    for section in grid.sections:
        if section.heading is not None:
            yield Text(one_line(section.heading), "bold cyan")
        for row in section.rows:
            cells = zip(grid.columns, row, widths, strict=True)
            styled = [Text(_cut(one_line(cell), wide), _STYLES.get(name, ""))
                      for name, cell, wide in cells]  # fmt: skip
            yield _line(grid, styled, widths)


def _line(grid: Grid, cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for name, cell, width in zip(grid.columns, cells, widths, strict=True):
        cell.align("right" if name in grid.numeric else "left", width)
        line.append_text(cell).append(" " * _GAP)
    line.rstrip()
    return line


def _cut(text: str, width: int) -> str:
    """A text that fits, cut between words or at a hyphen where it has one."""
    if cell_len(text) <= width:
        return text
    whole = Text(text)
    whole.truncate(width - 1)
    kept = whole.plain
    if not text[len(kept)].isspace() and (ends := [*_BREAK.finditer(kept)]):
        kept = kept[: ends[-1].start()]
    return kept.rstrip(" ·;,") + "…"


# Other shapes ────────────────────────────────────────────────────────────────────────────────────


def _columns(grid: Grid) -> Iterator[RenderableType]:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for name in grid.columns:
        table.add_column(
            grid.label(name), justify="right" if name in grid.numeric else "left", overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    yield table


def _records(grid: Grid) -> Iterator[RenderableType]:
    """Name, number, and everything else in a column that breaks between words."""
    first, second, *rest = grid.columns
    widths = [
        min(most, max(len(grid.label(name)), *(len(one_line(row[n])) for row in grid.rows)))
        for n, (name, most) in enumerate(zip((first, second), _HEAD_WIDTHS, strict=True))
    ]
    yield _record_table(grid, widths, header=(grid.label(first), grid.label(second), "details"))
    for section in grid.sections:
        if section.heading is not None:
            yield Text(one_line(section.heading), "bold cyan")
        table = _record_table(grid, widths)
        for row in section.rows:
            cells = dict(zip(grid.columns, row, strict=True))
            name, number = (Text(one_line(cells[column])) for column in (first, second))
            table.add_row(name or Text("–", "dim"), number, _rest(cells, rest, section))
        yield table


def _record_table(grid: Grid, widths: Sequence[int], header: Sequence[str] = ()) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    table.add_column(width=widths[0], overflow="fold")
    table.add_column(
        width=widths[1],
        justify="right" if grid.columns[1] in grid.numeric else "left",
        overflow="fold",
    )
    table.add_column(overflow="fold")
    if header:
        table.add_row(*(Text(name, "dim") for name in header))
    return table


def _rest(cells: Mapping[str, str], names: Sequence[str], section: Section) -> Text:
    facts = [
        Text(_fact(name, cells[name]), _STYLES.get(name, ""))
        for name in sorted(names, key=_of_the_number)
        if name != "quote"
        and cells[name] not in ("", section.heading)
        # A paper without hardware need not say so.
        and not (name in _COUNTS and cells[name] == "0")
    ]
    text = Text(" · ").join(facts)
    if quote := "quote" in names and cells["quote"]:
        text.append(("\n" if text else "") + f"“{one_line(quote)}”", "dim")
    return text


def _fact(name: str, cell: str) -> str:
    return (
        "factor computed"
        if name == "computed"
        else _LEADS.get(name, f"{label(name)} ") + one_line(cell)
    )


def _of_the_number(name: str) -> bool:
    """What is said of the number alone comes after what was measured."""
    return name in (MARKS, "computed")


def _expanded(grid: Grid) -> Iterator[RenderableType]:
    """A row below the other, a line for each column: for rows too wide for the screen."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for n, row in enumerate(grid.rows):
        if n:
            table.add_row("")
        for name, cell in zip(grid.columns, row, strict=True):
            if not cell and grid.name != "query":  # a cross table has many empty cells
                continue
            table.add_row(one_line(grid.label(name)), Text(one_line(cell)))
    yield table


def _fits(grid: Grid, width: int) -> bool:
    longest = (
        max(len(name), *(min(_READABLE, len(row[n])) for row in grid.rows))
        for n, name in enumerate(grid.columns)
    )
    return sum(size + 2 for size in longest) <= width
