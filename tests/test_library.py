"""`claimgrid.load`: typed objects, data frames, and what a notebook shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import claimgrid
from claimgrid.errors import SetupError, StoreError, UsageError
from claimgrid.results import ClaimList
from claimgrid.types.claim import SpeedupClaim
from test_cli import GOLDEN, lines
from test_tables import paper, run, speedup


def test_a_run_is_loaded_as_typed_objects(tmp_path: Path) -> None:
    found = claimgrid.load(GOLDEN)
    assert len(found.claims) == len(lines(GOLDEN / "claims.jsonl"))
    assert len(found.papers) == 14
    assert len(found.rejected) == len(lines(GOLDEN / "rejected.jsonl"))
    ratios = [c.ratio.high for c in found.claims if isinstance(c, SpeedupClaim) and c.ratio]
    assert max(ratios) > 1
    assert found.claims[0] == next(iter(found.claims))
    assert isinstance(found.claims[1:3], ClaimList)
    assert found.claims[1:3] == ClaimList([found.claims[1], found.claims[2]])
    assert claimgrid.load(str(GOLDEN)).claims == found.claims
    with pytest.raises(StoreError, match="finished run"):
        claimgrid.load(tmp_path)


def test_importing_claimgrid_stays_light() -> None:
    heavy = ("pydantic", "duckdb", "pandas", "rich")
    code = f"import sys, claimgrid; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="lode"):
        claimgrid.lode  # noqa: B018


def test_a_claim_list_shows_words_as_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    folder = run(tmp_path / "r", [paper("p", "x")], [speedup("p", 2.0, subject=hostile)] * 201)
    claims = claimgrid.load(folder).claims
    page = claims._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "2.0x faster" in page
    assert "p:3-14" in page
    assert page.count("<tr>") == 201
    assert "and 1 more" in page
    assert repr(claims).startswith("<ClaimList of 201 claims: speedup 2x; ")
    assert len(repr(claims)) < 300
    assert "more" not in claims[:2]._repr_html_()


@pytest.mark.parametrize(
    ("library", "method"),
    [("pandas", "to_pandas"), ("polars", "to_polars"), ("pyarrow", "to_arrow")],
)
def test_views_become_data_frames(library: str, method: str) -> None:
    pytest.importorskip(library)
    found = claimgrid.load(GOLDEN)
    frame = getattr(found, method)("speedups")
    assert frame.shape[0] == sum(claim.kind == "speedup" for claim in found.claims)
    assert next(iter(frame["ratio_high"])) is not None
    assert getattr(found, method)().shape[0] == len(found.claims)
    with pytest.raises(UsageError, match="there are claims, speedups"):
        getattr(found, method)("speedup")


@pytest.mark.parametrize(
    ("library", "method", "extra"),
    [("pandas", "to_pandas", "pandas"), ("polars", "to_polars", "polars"),
     ("pyarrow", "to_arrow", "arrow")],
)  # fmt: skip
def test_a_missing_library_names_its_extra(
    library: str, method: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SetupError, match=rf"pip install 'claimgrid\[{extra}\]'"):
        getattr(claimgrid.load(GOLDEN), method)()
