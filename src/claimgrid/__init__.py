"""claimgrid: paper abstracts ─► what they claim, each number traced to its exact words."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claimgrid.results import load

__all__ = ["__version__", "load"]

try:
    __version__ = version("claimgrid")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """`claimgrid.load` on first use, so that `import claimgrid` stays light."""
    if name == "load":
        from claimgrid.results import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
