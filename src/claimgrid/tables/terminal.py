"""Grids ─► the terminal: claims as records (number, conditions, words), the rest as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from claimgrid.tables.grid import Grid, Section
from claimgrid.tables.render import label, one_line

# What a fact needs before it to be understood without its column's name.
_LEADS = {
    "baselines": "over ",
    "hardware": "on ",
    "nodes": "nodes ",
    "per_node": "per node ",
    "context_tokens": "context ",
    "written": "written ",
    "run": "run ",
    "benchmarks": "benchmarks ",
    "speedups": "speedups ",
    "efficiency": "efficiency ",
    "hardware_claims": "hardware ",
    "models": "models ",
    "rejected": "rejected ",
    "unclaimed": "unclaimed ",
}
_COUNTS = (
    "benchmarks",
    "speedups",
    "efficiency",
    "hardware_claims",
    "models",
    "rejected",
    "unclaimed",
)
_APART = ("differs", "conflict", "quote", "location", "claim_id", "paper", "title", "paper_id")
_HEAD_WIDTHS = (24, 20)  # characters of a record's name and number
_READABLE = 24  # characters; a column of prose may be as narrow and break


def show(console: Console, grids: Sequence[Grid]) -> None:
    """Print grids one below the other."""
    for n, grid in enumerate(grids):
        if n:
            console.print()
        console.print(Text(grid.title, "bold"))
        if not grid.rows:
            console.print(Text("no rows", "dim"))
        else:
            fits = _fits(grid, console.width)
            make = _records if grid.records else _columns if fits else _expanded
            for part in make(grid):
                console.print(part)
        for note in grid.notes:
            console.print(Text(note, "dim"))


def _columns(grid: Grid) -> Iterator[RenderableType]:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for name in grid.columns:
        table.add_column(
            label(name), justify="right" if name in grid.numeric else "left", overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    yield table


def _records(grid: Grid) -> Iterator[RenderableType]:
    """Name, number, and everything else in a column that breaks freely."""
    first, second, *rest = grid.columns
    widths = [
        min(most, max(len(label(name)), *(len(one_line(row[n])) for row in grid.rows)))
        for n, (name, most) in enumerate(zip((first, second), _HEAD_WIDTHS, strict=True))
    ]
    yield _record_table(widths, header=(label(first), label(second), "details"))
    for section in grid.sections:
        if section.heading is not None:
            yield Text(one_line(section.heading), "bold cyan")
        table = _record_table(widths)
        for row in section.rows:
            cells = dict(zip(grid.columns, row, strict=True))
            name, number = (Text(one_line(cells[column])) for column in (first, second))
            table.add_row(name or Text("–", "dim"), number, _rest(cells, rest, section))
        yield table


def _record_table(widths: Sequence[int], header: Sequence[str] = ()) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(width=widths[0], overflow="fold")
    table.add_column(width=widths[1], justify="right", overflow="fold")
    table.add_column(overflow="fold")
    if header:
        table.add_row(*(Text(name, "dim") for name in header))
    return table


def _rest(cells: Mapping[str, str], names: Sequence[str], section: Section) -> Text:
    facts = [
        _LEADS.get(name, "") + _fact(name, cells[name])
        for name in names
        if name not in _APART
        and cells[name] not in ("", section.heading)
        # A paper without hardware need not say so.
        and not (name in _COUNTS and cells[name] == "0")
    ]
    text = Text(" · ".join(facts))
    for name, style in (("differs", "yellow"), ("conflict", "bold red")):
        if cells.get(name):
            text.append(f"\n{name}: {one_line(cells[name])}", style)
    quote = f"“{cells['quote']}”" if "quote" in cells else None
    source = (quote, *(cells.get(name) for name in ("title", "location", "claim_id", "paper_id")))
    return text.append(("\n" if text else "") + one_line(" ".join(filter(None, source))), "dim")


def _fact(name: str, cell: str) -> str:
    return one_line(cell.replace("_", " ") if name in ("role", "status") else cell)


def _expanded(grid: Grid) -> Iterator[RenderableType]:
    """A row below the other, a line for each column: for rows too wide for the screen."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for n, row in enumerate(grid.rows):
        if n:
            table.add_row("")
        for name, cell in zip(grid.columns, row, strict=True):
            table.add_row(label(one_line(name)), Text(one_line(cell)))
    yield table


def _fits(grid: Grid, width: int) -> bool:
    longest = (
        max(len(name), *(min(_READABLE, len(row[n])) for row in grid.rows))
        for n, name in enumerate(grid.columns)
    )
    return sum(size + 2 for size in longest) <= width
