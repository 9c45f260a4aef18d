"""The page is put together here: its parts and the data of a run, or none, as one HTML file.

Everything stands in the file: style, program, data, and Vega (packed, unpacked by the page when a
plot is drawn). The content security policy names the hash of each part, so that no other script or
style can run, whatever an abstract or a model's answer holds; nothing is fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError, StoreError, UsageError
from claimgrid.io import run_folder
from claimgrid.report.comparison import NamedRun, compare
from claimgrid.report.page_data import pack, pack_text, payload, payload_of_runs
from claimgrid.review import checked_run

# In the order of use: a later one imports from earlier ones only.
SCRIPTS = (
    "dom",
    "text",
    "query",
    "local",
    "remote",
    "columns",
    "grid",
    "facets",
    "bar",
    "selection",
    "layout",
    "reader",
    "plots",
    "overview",
    "print",
    "theme",
    "saving",
    "selecting",
    "review",
    "app",
)
MOST_CLAIMS = 40_000  # of one page
_IMPORT = re.compile(r'^import\s[^;]*?from "\./\w+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async |const |class |function ))", re.MULTILINE)
_HOLE = re.compile(r"\{\{(\w+)\}\}")


def report(
    folders: Sequence[Path], out: Path, papers: Sequence[Collection[str]] | None = None
) -> int:
    """Write the report of a run, or of several runs compared.

    Args:
        papers: of each run the ids of the papers that are shown; None: all.

    Returns:
        The size of the file in bytes.

    Raises:
        UsageError: a page cannot hold so many claims.
        StoreError: the run cannot be read, or `out` cannot be written.
        SetupError: the extra `[report]` is not installed.
    """
    names = run_names(folders)
    if papers is None:
        refuse_too_many(sum(map(run_folder.count_claims, folders)))
    if len(folders) == 1:
        data = run_payload(folders[0], papers[0] if papers else None)
    else:
        data = runs_payload(folders, names, papers)
    text = page(data, title=" and ".join(names))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out}: cannot be written: {error}; pass another -o FILE") from error
    return out.stat().st_size


def refuse_too_many(claims: int) -> None:
    """Raises UsageError where a browser could not hold a page of so many claims."""
    if claims > MOST_CLAIMS:
        raise UsageError(
            f"{claims:,} claims are too many for one page, which holds {MOST_CLAIMS:,}: browse "
            "them with `extract serve OUT`, or choose papers, as with "
            "--where \"device = 'nvidia-h100'\""
        )


def run_payload(folder: Path, of: Collection[str] | None = None) -> dict[str, Any]:
    """What a page embeds of a run. Raises StoreError where it cannot be read."""
    manifest = run_folder.read_manifest(folder)
    return payload(
        manifest,
        checked_run.read_papers(folder, of),
        checked_run.read_claims(folder, of),
        checked_run.read_rejected(folder, of),
    )


def runs_payload(
    folders: Sequence[Path],
    names: Sequence[str],
    of: Sequence[Collection[str] | None] | None = None,
) -> dict[str, Any]:
    """What a page embeds of several runs. Raises StoreError where one cannot be read."""
    runs = [
        NamedRun(
            name,
            tuple(checked_run.read_papers(folder, own)),
            tuple(checked_run.read_claims(folder, own)),
            tuple(checked_run.read_rejected(folder, own)),
        )
        for folder, name, own in zip(folders, names, of or [None] * len(folders), strict=True)
    ]
    manifests = {
        name: run_folder.read_manifest(folder) for folder, name in zip(folders, names, strict=True)
    }
    return payload_of_runs(manifests, compare(runs))


def run_names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names; where two are alike, with what of their path tells them apart."""
    resolved = [folder.resolve() for folder in folders]
    for parts in range(1, max(len(path.parts) for path in resolved) + 1):
        names = ["/".join(path.parts[-parts:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in resolved]


def page(data: dict[str, Any] | None, *, title: str, token: str | None = None) -> str:
    """The HTML of the claim browser; without data, of one that asks the server that it came from.

    Args:
        token: what the server wants to hear with a decision; with it the page has a review.

    Raises:
        SetupError: the extra `[report]` is not installed.
    """
    style, program, vega = _read("style.css") + _read("review.css"), bundle(), _vega()
    connect = "'none'" if data is not None else "'self'"
    policy = (
        f"default-src 'none'; script-src {_hash(program)} {_hash(vega)}; style-src {_hash(style)}; "
        f"img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": _escape(title),
        "token": token or "",
        "style": style,
        "data": "" if data is None else pack(data),
        "plots": pack(_plots()),
        "vega": pack_text(vega),
        "program": program,
    }
    return _HOLE.sub(lambda hole: parts[hole[1]], _read("index.html"))


def bundle() -> str:
    """The page's modules as one, their imports and exports taken away."""
    texts = (_read(f"{name}.js") for name in SCRIPTS)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def _read(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and vega-embed as one classic script that sets `vegaEmbed`."""
    try:
        import vl_convert
    except ImportError as error:
        raise _no_extra(error) from error
    made: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return made


@cache
def _plots() -> dict[str, Any]:
    try:
        from claimgrid.report.plots import specifications
    except ImportError as error:
        raise _no_extra(error) from error
    return specifications()


def _no_extra(error: ImportError) -> SetupError:
    return SetupError(
        f"the page needs the extra [report] ({error.name} is missing): "
        "pip install 'claimgrid[report]'"
    )
