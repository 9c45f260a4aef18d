"""What the Python interface gives back: an `Extraction` of one abstract, a `Run` of many.

Both show themselves in a notebook. Data frames hold the views of `extract sql --schema OUT`; each
data-frame library is imported when it is asked for.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

from claimgrid import notebook
from claimgrid.errors import ExtractionError, SetupError, UsageError
from claimgrid.io import run_folder
from claimgrid.review import checked_run
from claimgrid.text.counted import counted
from claimgrid.types.answer import Usage
from claimgrid.types.claim import Claim, PaperLine, Rejected, Status, UnclaimedNumber
from claimgrid.types.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from duckdb import DuckDBPyRelation

    from claimgrid.tables.views import Database

_Made = TypeVar("_Made")
_NAMED = 4  # claims that the repr of a list names


class ClaimList(Sequence[Claim]):
    """Claims in the order of the abstracts. A notebook shows them as a table."""

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
        count = counted(len(self), "claim")
        named = "; ".join(notebook.named(claim) for claim in self._claims[:_NAMED])
        more = "; …" if len(self) > _NAMED else ""
        return f"<ClaimList of {count}{': ' if named else ''}{named}{more}>"

    def _repr_html_(self) -> str:
        return notebook.claims_table(self._claims)


@dataclass(frozen=True, slots=True, repr=False)
class Extraction:
    """What one abstract came to.

    Args:
        paper: the line that a run would write: the abstract as read, how it ended, counts.
        claims: the claims, in the order of the abstract. Offsets count Unicode code points of
            `paper.abstract`, and `paper.abstract[start:end]` is always the quoted text.
        rejected: what the model gave and the abstract does not hold, with reasons.
        usage: tokens and HTTP replies behind it, also where the reply was stored before.
        source: `live`, `cache` or `recording`; None if nothing answered.
    """

    paper: PaperLine
    claims: ClaimList
    rejected: tuple[Rejected, ...]
    usage: Usage
    source: str | None

    @classmethod
    def of(cls, outcome: Outcome) -> Extraction:
        """The extraction that an outcome of the pipeline stands for."""
        return cls(
            outcome.paper,
            ClaimList(outcome.claims),
            outcome.rejected,
            outcome.usage,
            outcome.source,
        )

    @property
    def status(self) -> Status:
        """How it ended: `claims`, `no_claims`, `refused`, `truncated`, `invalid` or `error`."""
        return self.paper.status

    @property
    def reason(self) -> str | None:
        """Why it failed; None if it did not."""
        return self.paper.reason

    @property
    def model(self) -> str | None:
        """The model that answered."""
        return self.paper.model

    @property
    def unclaimed(self) -> list[UnclaimedNumber]:
        """The numbers of the abstract that no claim covers, with the reason where one is known."""
        return self.paper.unclaimed_numbers

    def raise_for_status(self) -> Extraction:
        """Return the extraction itself if it came out.

        Raises:
            ExtractionError: it failed; the message says why.
        """
        if self.status not in ("claims", "no_claims"):
            raise ExtractionError(f"{self.paper.paper_id}: {self.reason or self.status}")
        return self

    def __repr__(self) -> str:
        if self.status not in ("claims", "no_claims"):
            return f"<Extraction of {self.paper.paper_id}: {self.status}: {self.reason}>"
        counts = (
            f"{counted(len(self.claims), 'claim')}, "
            f"{len(self.rejected)} rejected, {counted(len(self.unclaimed), 'number')} unclaimed"
        )
        return f"<Extraction of {self.paper.paper_id}: {counts}, by {self.model}>"

    def _repr_html_(self) -> str:
        return notebook.extraction(self.paper, self.claims)


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """What one or more runs wrote, as typed objects.

    `manifests` holds what each `run.json` says: the model, its measured quality, costs, versions.
    `min_confidence` is what narrowed the claims when the run was loaded.
    """

    folders: tuple[Path, ...]
    claims: ClaimList
    papers: tuple[PaperLine, ...]
    rejected: tuple[Rejected, ...]
    manifests: tuple[dict[str, Any], ...] = ()
    min_confidence: float | None = None
    _database: list[Database] = field(default_factory=list, compare=False)
    _keep: object = field(default=None, compare=False)  # a temporary folder lives as long as this

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.folders[:3])) + (", …" if len(self.folders) > 3 else "")
        failed = sum(line.status not in ("claims", "no_claims") for line in self.papers)
        lost = f", {failed} failed" if failed else ""
        papers, claims = counted(len(self.papers), "paper"), counted(len(self.claims), "claim")
        return f"<Run {names}: {papers}{lost}, {claims}>"

    def _repr_html_(self) -> str:
        return notebook.run(repr(self), self.manifests, self.claims)

    def __iter__(self) -> Any:
        """Each paper of the run as an `Extraction`, in order."""
        claims: dict[str, list[Claim]] = {}
        rejected: dict[str, list[Rejected]] = {}
        for claim in self.claims:
            claims.setdefault(claim.paper_id, []).append(claim)
        for item in self.rejected:
            rejected.setdefault(item.paper_id, []).append(item)
        for line in self.papers:
            own = ClaimList(claims.get(line.paper_id, ()))
            lost = tuple(rejected.get(line.paper_id, ()))
            yield Extraction(line, own, lost, Usage(), None)

    def one(self) -> Extraction:
        """The extraction of the only paper. Raises UsageError where there is not just one."""
        if len(self.papers) != 1:
            raise UsageError(f"the run has {counted(len(self.papers), 'paper')}; iterate over it")
        found: Extraction = next(iter(self))
        return found

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
            self._database.append(views.connect([fspath(folder) for folder in self.folders]))
        sure = self.min_confidence is not None and view not in ("papers", "rejected", "unclaimed")
        where = f" where confidence >= {self.min_confidence!r}" if sure else ""
        return self._database[0].relation(f"from {view}{where}")


def load(
    *outs: str | PathLike[str], min_confidence: float | None = None, keep: object = None
) -> Run:
    """Read the folders of finished runs, with the decisions of a review applied.

    Args:
        outs: folders, or globs of folders such as `outputs/*`, which give the runs among them.
        min_confidence: leave out claims of a lower confidence, and those without any.
        keep: an object that is to live as long as the run.

    Raises:
        UsageError: no folder was named, or a glob matches no run.
        StoreError: it is no such folder, or a line is not of this version; names file and line.
    """
    folders = list(dict.fromkeys(folder for out in outs for folder in _folders(fspath(out))))
    if not folders:
        raise UsageError("no run was named: pass the folder of a run, such as outputs/seeds")
    return Run(
        tuple(folders),
        ClaimList(
            claim
            for folder in folders
            for claim in checked_run.read_claims(folder)
            if min_confidence is None
            or (claim.confidence is not None and claim.confidence >= min_confidence)
        ),
        tuple(line for folder in folders for line in checked_run.read_papers(folder)),
        tuple(item for folder in folders for item in checked_run.read_rejected(folder)),
        tuple(
            run_folder.read_manifest(folder)
            for folder in folders
            if (folder / run_folder.MANIFEST).exists()
        ),
        min_confidence,
        _keep=keep,
    )


def _folders(out: str) -> list[Path]:
    if Path(out).exists() or not glob.has_magic(out):
        return [Path(out)]
    matches = [Path(match) for match in sorted(glob.glob(out, recursive=True))]  # noqa: PTH207 a whole path
    runs = [match for match in matches if (match / "claims.jsonl").is_file()]
    if not runs:
        raise UsageError(f"{out}: matches no run; `extract run SOURCE --out FOLDER` makes one")
    return runs


def _with(extra: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except ModuleNotFoundError as error:
        raise SetupError(
            f"{error.name} is not installed; pip install 'claimgrid[{extra}]'"
        ) from error
