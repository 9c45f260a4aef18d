"""The folder of a run ─► typed claims and data frames, for notebooks and other programs.

    >>> import claimgrid
    >>> run = claimgrid.load("outputs/seeds")  # doctest: +SKIP
    >>> [claim.ratio.high for claim in run.claims if claim.kind == "speedup"]  # doctest: +SKIP
    >>> run.to_pandas("speedups")  # doctest: +SKIP

Data frames hold the views of `extract sql --schema OUT`. Each library is imported when it is asked
for. Knows no terminal.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, TypeVar, overload

from claimgrid.errors import SetupError, UsageError
from claimgrid.io import run_folder
from claimgrid.types.claim import Claim, PaperLine, Rejected

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from duckdb import DuckDBPyRelation

    from claimgrid.tables.views import Database

_Made = TypeVar("_Made")
_SHOWN = 200  # rows of a claim list that a notebook prints
_HEAD = ("kind", "subject", "value", "qualifier", "quote", "paper", "claim")


class ClaimList(Sequence[Claim]):
    """Claims in the order of the abstracts; a notebook shows them as a table."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._claims = tuple(claims)

    def __len__(self) -> int:
        return len(self._claims)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Claim: ...

    @overload
    def __getitem__(self, index: slice) -> ClaimList: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Claim | ClaimList:
        if isinstance(index, slice):
            return ClaimList(self._claims[index])
        return self._claims[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClaimList) and self._claims == other._claims

    def __hash__(self) -> int:
        return hash(tuple(claim.claim_id for claim in self._claims))

    def __repr__(self) -> str:
        return f"<ClaimList of {len(self)} claims>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _HEAD)
        body = "".join(_html_row(claim) for claim in self._claims[:_SHOWN])
        more = len(self) - _SHOWN
        rest = f"<p>and {more:,} more</p>" if more > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


@dataclass(frozen=True, slots=True)
class Run:
    """What a run wrote, as typed objects."""

    folder: Path
    claims: ClaimList
    papers: tuple[PaperLine, ...]
    rejected: tuple[Rejected, ...]
    _database: list[Database] = field(default_factory=list, repr=False, compare=False)

    def to_pandas(self, view: str = "claims") -> pd.DataFrame:
        """A view as a pandas DataFrame.

        Args:
            view: claims, speedups, benchmarks, efficiency, hardware, models, papers, rejected or
                unclaimed.

        Raises:
            UsageError: there is no such view.
            SetupError: the extra `[pandas]` is not installed.
        """
        frame: pd.DataFrame = _with("pandas", self._relation(view).df)
        return frame

    def to_polars(self, view: str = "claims") -> pl.DataFrame:
        """A view as a polars DataFrame; raises as `to_pandas` does, extra `[polars]`."""
        frame: pl.DataFrame = _with("polars", self._relation(view).pl)
        return frame

    def to_arrow(self, view: str = "claims") -> pa.Table:
        """A view as a pyarrow Table; raises as `to_pandas` does, extra `[arrow]`."""
        table: pa.Table = _with("arrow", self._relation(view).to_arrow_table)
        return table

    def _relation(self, view: str) -> DuckDBPyRelation:
        from claimgrid.tables import views

        if view not in views.VIEWS:
            raise UsageError(f"{view}: no such view; there are {', '.join(views.VIEWS)}")
        if not self._database:
            self._database.append(views.connect([fspath(self.folder)]))
        return self._database[0].relation(f"from {view}")


def load(out: str | PathLike[str]) -> Run:
    """Read the folder of a finished run.

    Raises:
        StoreError: it is no such folder, or a line is not of this version; names file and line.
    """
    folder = Path(out)
    return Run(
        folder,
        ClaimList(run_folder.read_claims(folder)),
        tuple(run_folder.read_papers(folder)),
        tuple(run_folder.read_rejected(folder)),
    )


def _with(extra: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except ModuleNotFoundError as error:
        raise SetupError(
            f"{error.name} is not installed; pip install 'claimgrid[{extra}]'"
        ) from error


def _html_row(claim: Claim) -> str:
    cells = (
        claim.kind,
        claim.subject or "",
        claim.value.text if claim.value else "",
        claim.qualifier,
        claim.evidence.quote,
        f"{claim.paper_id}:{claim.evidence.start}-{claim.evidence.end}",
        claim.claim_id,
    )
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
