"""claimgrid reads paper abstracts and writes down what they claim, with the exact words.

    >>> import claimgrid
    >>> found = claimgrid.extract("Zephyr is 2.5x faster on 8 A100 GPUs.")  # doctest: +SKIP
    >>> run = claimgrid.load("outputs/seeds")  # doctest: +SKIP

The names in `__all__` are public; everything else may change without notice. Each is imported when
it is first used, so that `import claimgrid` stays light.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claimgrid.api import Extractor, aextract, diff, extract, load, read
    from claimgrid.errors import (
        ClaimgridError,
        ExtractionError,
        SetupError,
        SourceError,
        StoreError,
        UsageError,
    )
    from claimgrid.evaluate.run_diff import RunDiff
    from claimgrid.results import ClaimList, Extraction, Run
    from claimgrid.settings import Settings
    from claimgrid.sources import Problem
    from claimgrid.types.answer import Usage
    from claimgrid.types.claim import (
        BenchmarkClaim,
        Claim,
        EfficiencyClaim,
        Evidence,
        HardwareClaim,
        ModelSizeClaim,
        PaperLine,
        Rejected,
        SpeedupClaim,
        UnclaimedNumber,
        Value,
    )
    from claimgrid.types.paper import Paper

__all__ = [
    "BenchmarkClaim",
    "Claim",
    "ClaimList",
    "ClaimgridError",
    "EfficiencyClaim",
    "Evidence",
    "Extraction",
    "ExtractionError",
    "Extractor",
    "HardwareClaim",
    "ModelSizeClaim",
    "Paper",
    "PaperLine",
    "Problem",
    "Rejected",
    "Run",
    "RunDiff",
    "Settings",
    "SetupError",
    "SourceError",
    "SpeedupClaim",
    "StoreError",
    "UnclaimedNumber",
    "Usage",
    "UsageError",
    "Value",
    "__version__",
    "aextract",
    "diff",
    "extract",
    "load",
    "read",
]

_HOMES = {
    "api": ("Extractor", "aextract", "diff", "extract", "load", "read"),
    "errors": (
        "ClaimgridError",
        "ExtractionError",
        "SetupError",
        "SourceError",
        "StoreError",
        "UsageError",
    ),
    "evaluate.run_diff": ("RunDiff",),
    "results": ("ClaimList", "Extraction", "Run"),
    "settings": ("Settings",),
    "sources": ("Problem",),
    "types.answer": ("Usage",),
    "types.claim": (
        "BenchmarkClaim",
        "Claim",
        "EfficiencyClaim",
        "Evidence",
        "HardwareClaim",
        "ModelSizeClaim",
        "PaperLine",
        "Rejected",
        "SpeedupClaim",
        "UnclaimedNumber",
        "Value",
    ),
    "types.paper": ("Paper",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

try:
    __version__ = version("claimgrid")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """A public name, imported on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
