"""What is written for LaTeX compiles, whatever letters and markup titles and abstracts hold."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from claimgrid.tables.grid import Grid, Section
from claimgrid.tables.latex_letters import boxes, letters
from claimgrid.tables.latex_output import escape, latex
from test_cli import extract

ODD = (
    r"$\text{QUUX}^2$ and $\mathcal{O}(n)$",
    r"{\bf bold} \emph{words} \cite{x} \input{/etc/passwd} \end{longtable} \\",
    "50% & #1 _x_ ~ ^ { } $5, [first] *star -- <a|b>",
    "é ñ ü ø ß ł ő ç İ ı ą ę ŋ đ þ Ð « »",
    "→ ≥ ≠ ∞ √ ∑ ° ² ₂ ½ ⅓ µ Ω € ™ † • … “ ” ‘ ’ – — − ∈ ∀ ⟨x⟩ ≲ ⊨",
    "𝒵 日本 Привет αβγ ℝ x\u0304 x\u200by",
    "",
)
LIBRARY = r"""@inproceedings{quux:2024,
  title={50\% Less {\&} Faster: {\"U}ber-Quux \_for\_ $x^2$ \#1 {GPU}s},
  author={M{\"u}ller, J{\'o}zef and Łęcka, Ann and 王小明},
  year={2024}, booktitle={Proc.\ of Odd \& Ends about $\alpha$}, url={https://ex.org/a_b%20c#x~y},
  abstract={Quux\_1 is 3.5$\times$ faster than Base\_1 & uses 40\% less memory than Base ≈ 日本.}
}
"""


def compiled(folder: Path, body: str, *, cited: bool = False) -> str:
    """The log of pdflatex over a document with these lines."""
    lines = (
        r"\documentclass{article}",
        r"\usepackage{array,booktabs,longtable}",
        r"\begin{document}",
        body,
        r"\end{document}",
    )
    (folder / "doc.tex").write_text("\n".join(lines), encoding="utf-8")
    for command in ("pdflatex", "bibtex", "pdflatex") if cited else ("pdflatex",):
        options = ["-interaction=nonstopmode"] if command == "pdflatex" else []
        found = shutil.which(command)
        if found is None:
            pytest.skip(f"{command} is not installed")
        done = subprocess.run(
            [found, *options, "doc"], cwd=folder, capture_output=True, timeout=240, check=False
        )
    return done.stdout.decode("utf-8", "replace")


def test_each_letter_is_a_command_that_latex_has_or_stays_as_it_is() -> None:
    assert letters("é ≥ α") == r"\'e \ensuremath{\geq} \ensuremath{\alpha}"
    assert letters("ą") == r"{\fontencoding{T1}\selectfont \k{a}}"
    assert letters("𝒵 ⅓ a|b") == r"Z 1/3 a\textbar{}b"
    assert letters('"so" he said') == r"\textquotedblleft{}so\textquotedblright{} he said"
    assert letters("日 Я") == "日 Я"
    assert letters("x\u200by e\u0301") == r"xy \'e"
    assert letters("Müller", braces=True) == r"M{\"u}ller"


def test_letters_that_pdflatex_lacks_are_told_and_do_not_stop_it() -> None:
    made = boxes(letters("日 é"))
    assert made[0] == "% pdflatex prints a box for 日: lualatex and xelatex show them."
    assert boxes(letters("é α")) == []
    assert latex([Grid("t", "T", ("a",), (Section(None, (("日",),)),))]).count("日") > 2


def test_math_that_is_not_plain_is_read() -> None:
    assert escape(r"$\text{QUUX}^2$ is") == r"QUUX\textasciicircum{}2 is"
    assert escape(r"$\mathcal{O}(n)$ \emph{x}") == "O(n) x"


@pytest.mark.slow
def test_odd_letters_and_markup_compile(tmp_path: Path) -> None:
    rows = tuple((odd, "≤ 3.5×", odd) for odd in ODD)
    grid = Grid("odd", ODD[4], ("subject", "ratio", "quote"), (Section(ODD[2], rows),),
                frozenset({"ratio"}), ODD)  # fmt: skip
    log = compiled(tmp_path, latex([grid]))
    assert [line for line in log.splitlines() if line.startswith("!")] == []
    assert (tmp_path / "doc.pdf").exists()


@pytest.mark.slow
def test_a_bibliography_becomes_a_cited_table_in_two_commands(tmp_path: Path) -> None:
    source, table = tmp_path / "library.bib", tmp_path / "speedups.tex"
    source.write_text(LIBRARY, encoding="utf-8")
    run = tmp_path / "run"
    done = extract("run", source, "--model", "rules", "--log-format", "none", "-o", run)
    assert done.returncode == 0, done.stderr
    done = extract("table", "speedups", run, "--format", "latex", "--cite", "-o", table)
    assert done.returncode == 0, done.stderr
    assert r"\cite{quux:2024}" in table.read_text(encoding="utf-8")
    body = "\\input{speedups}\n\\bibliographystyle{plain}\n\\bibliography{speedups}"
    log = compiled(tmp_path, body, cited=True)
    assert [line for line in log.splitlines() if line.startswith("!")] == []
    listed = (tmp_path / "doc.bbl").read_text(encoding="utf-8")
    assert r"\bibitem{quux:2024}" in listed
    assert "$x^2$" in listed
