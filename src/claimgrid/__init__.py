"""claimgrid: paper abstracts ─► what they claim, each number traced to its exact words."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("claimgrid")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
