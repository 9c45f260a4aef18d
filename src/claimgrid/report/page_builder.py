"""The page's parts, and the data of a run or none ─► one HTML file. Knows nothing of a server.

Everything stands in the file: style, program, data, and Vega (packed, unpacked by the page when a
plot is drawn). The content security policy names the hash of each part, so that no other script or
style can run, whatever an abstract or a model's answer holds; nothing is fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from claimgrid.errors import SetupError, StoreError
from claimgrid.io import run_folder
from claimgrid.report.page_data import pack, pack_text, payload

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
    "reader",
    "plots",
    "overview",
    "print",
    "theme",
    "app",
)
_IMPORT = re.compile(r'^import\s[^;]*?from "\./\w+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async |const |class |function ))", re.MULTILINE)
_HOLE = re.compile(r"\{\{(\w+)\}\}")


def report(folder: Path, out: Path) -> int:
    """Write the report of a run.

    Returns:
        The size of the file in bytes.

    Raises:
        StoreError: the run cannot be read, or `out` cannot be written.
        SetupError: the extra `[report]` is not installed.
    """
    text = page(run_payload(folder), title=folder.resolve().name)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out}: cannot be written: {error}; pass another -o FILE") from error
    return out.stat().st_size


def run_payload(folder: Path) -> dict[str, Any]:
    """What a page embeds of a run. Raises StoreError where it cannot be read."""
    manifest = run_folder.read_manifest(folder)
    return payload(
        manifest,
        run_folder.read_papers(folder),
        run_folder.read_claims(folder),
        run_folder.read_rejected(folder),
    )


def page(data: dict[str, Any] | None, *, title: str) -> str:
    """The HTML of the claim browser; without data, of one that asks the server that it came from.

    Raises:
        SetupError: the extra `[report]` is not installed.
    """
    style, program, vega = _read("style.css"), bundle(), _vega()
    connect = "'none'" if data is not None else "'self'"
    policy = (
        f"default-src 'none'; script-src {_hash(program)} {_hash(vega)}; style-src {_hash(style)}; "
        f"img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": _escape(title),
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
