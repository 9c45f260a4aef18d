"""Finds a file that ships with the package, in a checkout or in an installed wheel.

A wheel carries `prompts/`, `schemas/` and `fixtures/recordings/` inside the package (see
`pyproject.toml`); in a checkout they stand beside `src/`.
"""

from __future__ import annotations

from pathlib import Path

from claimgrid.errors import SetupError

_PACKAGE = Path(__file__).resolve().parents[1]
_ROOTS = (_PACKAGE / "_shipped", _PACKAGE.parents[1])


def path(name: str) -> Path:
    """The path of a shipped file or folder, such as `prompts/claims.md`.

    Raises:
        SetupError: the installation lacks it.
    """
    for root in _ROOTS:
        if (root / name).exists():
            return root / name
    raise SetupError(f"{name} is missing from this installation; reinstall claimgrid")


def checkout() -> Path | None:
    """The checkout that this package runs from, or None if it was installed from a wheel."""
    root = _ROOTS[1]
    return root if (root / "pyproject.toml").exists() and (root / "prompts").is_dir() else None
