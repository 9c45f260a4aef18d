"""The report's file and its data, without a browser: what is embedded, and that it stays text."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.io import run_folder
from claimgrid.report import page_builder
from claimgrid.report.page_data import columns, pack, payload
from report_run import BREAK, SCRIPT, write_run
from test_cli import extract

pytest.importorskip("altair", reason="the extra [report] is not installed")
pytest.importorskip("vl_convert", reason="the extra [report] is not installed")


class Parts(HTMLParser):
    """The scripts and styles of a page, as a browser would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag in ("script", "style")
        if self._open:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[-1] += data

    def blocks(self) -> dict[str, str]:
        own = [(tag, at) for tag, at in self.tags if tag in ("script", "style")]
        return {
            at.get("id") or tag if tag == "script" else tag: text
            for (tag, at), text in zip(own, self.texts, strict=True)
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    done = extract("report", folder)
    assert done.returncode == 0, done.stderr
    assert "open it in a browser" in done.stdout
    return (folder / "report.html").read_text(encoding="utf-8")


def parts(page: str) -> Parts:
    parser = Parts()
    parser.feed(page)
    return parser


def unpacked(packed: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def policy(page: str) -> dict[str, list[str]]:
    text = next(
        at["content"] for tag, at in parts(page).tags if tag == "meta" and "http-equiv" in at
    )
    assert text is not None
    return {words.split()[0]: words.split()[1:] for words in text.split(";")}


def digest(text: str) -> str:
    made = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{made}'"


@pytest.mark.slow
def test_the_policy_allows_exactly_the_page_s_own_parts(page: str) -> None:
    blocks, allowed = parts(page).blocks(), policy(page)
    vega = gzip.decompress(base64.b64decode(blocks["vega"])).decode("utf-8")
    assert allowed["default-src"] == ["'none'"]
    assert allowed["script-src"] == [digest(blocks["script"]), digest(vega)]
    assert allowed["style-src"] == [digest(blocks["style"])]
    assert allowed["connect-src"] == ["'none'"]
    assert "unsafe" not in str(allowed)


def test_the_page_refers_to_nothing_outside_itself(page: str) -> None:
    for tag, attributes in parts(page).tags:
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_what_abstracts_say_stands_in_the_packed_data_alone(page: str) -> None:
    for words in (SCRIPT, BREAK, "window.hacked", "Zephyr"):
        assert words not in page
    assert BREAK in json.dumps(unpacked(parts(page).blocks()["data"]), ensure_ascii=False)


@pytest.mark.slow
def test_a_title_cannot_leave_its_element(tmp_path: Path) -> None:
    made = page_builder.page({}, title="</title><script>alert(1)</script>")
    assert "<script>alert" not in made
    assert "&lt;script&gt;alert(1)" in made


def test_the_data_is_the_run(folder: Path) -> None:
    made = page_builder.run_payload(folder)
    claims, papers = list(run_folder.read_claims(folder)), list(run_folder.read_papers(folder))
    assert made["claims"]["claim_id"] == [claim.claim_id for claim in claims]
    assert made["papers"]["abstract"] == [paper.abstract for paper in papers]
    for place, claim in enumerate(claims):
        column = {name: values[place] for name, values in made["claims"].items()}
        abstract = made["papers"]["abstract"][column["paper"]]
        assert abstract[column["start"] : column["end"]] == claim.evidence.quote
        assert column["text"] == (claim.value.text if claim.value else None)
        for field in set(type(claim).model_fields) & set(column):
            assert column[field] == claim.model_dump(mode="json")[field]
    assert made["rejected"]["paper"] == [0]


def test_a_paper_read_twice_keeps_its_claims_at_the_first(folder: Path) -> None:
    papers = list(run_folder.read_papers(folder))
    made = payload({}, [*papers, *papers], run_folder.read_claims(folder), [])
    assert set(made["claims"]["paper"]) <= {0, 1, 2, 3}


def test_a_report_is_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        page_builder.report([folder], tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_for_a_server_holds_no_data_and_asks_its_own_server() -> None:
    made = page_builder.page(None, title="run")
    assert parts(made).blocks()["data"] == ""
    assert policy(made)["connect-src"] == ["'self'"]


@pytest.mark.parametrize("wrong", ["absent", "damaged"])
def test_what_is_no_run_is_said(tmp_path: Path, wrong: str) -> None:
    if wrong == "damaged":
        write_run(tmp_path)
        (tmp_path / "claims.jsonl").write_text('{"kind": "speedup"}\n', encoding="utf-8")
    done = extract("report", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("extract: ")
    assert str(tmp_path) in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_every_module_of_the_page_is_bundled_after_what_it_imports() -> None:
    files = {path.stem for path in (Path(page_builder.__file__).parent / "page").glob("*.js")}
    assert files == set(page_builder.SCRIPTS)
    for place, name in enumerate(page_builder.SCRIPTS):
        text = page_builder._read(f"{name}.js")
        imported = re.findall(r'from "\./(\w+)\.js"', text)
        assert set(imported) <= set(page_builder.SCRIPTS[:place]), name
    made = page_builder.bundle()
    assert not re.search(r"^\s*(import|export)\b", made, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", made, re.MULTILINE)
    assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})


def test_the_page_never_parses_a_string_as_markup() -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function",
        page_builder.bundle(),
    )


def test_a_plot_is_a_specification_without_data_or_address() -> None:
    from claimgrid.report.plots import specifications

    for spec in specifications().values():
        text = json.dumps(spec)
        assert "://" not in text
        assert '"name": "rows"' in text
        assert "values" not in spec.get("data", {})


ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), st.integers()), max_size=8)


@given(ROWS)
def test_columns_hold_what_the_rows_held(rows: list[dict[str, int]]) -> None:
    made = columns(rows)
    for place, row in enumerate(rows):
        assert {n: v[place] for n, v in made.items() if v[place] is not None} == row


@given(st.recursive(st.text() | st.none(), st.lists, max_leaves=6))
def test_packed_data_cannot_end_a_script(value: Any) -> None:
    packed = pack(value)
    assert re.fullmatch(r"[A-Za-z0-9+/=]*", packed)
    assert unpacked(packed) == value


def test_several_runs_stand_in_one_report(folder: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other")
    kept = (other / "claims.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept[0] = kept[0].replace('"metric":"speed"', '"metric":"latency"')
    (other / "claims.jsonl").write_text("".join(kept[:-1]), encoding="utf-8")
    made = page_builder.runs_payload([folder, other], ["one", "two"])
    runs = made["claims"]["runs"]
    assert runs.count("one alone") == 1
    assert runs.count("differ in a field") == 1
    assert runs.count("the same in all") == len(kept) - 2
    differ = made["claims"]["differences"][runs.index("differ in a field")]
    assert differ == [{"field": "metric", "said": {"one": "speed", "two": "latency"}}]


@pytest.mark.slow
def test_runs_are_named_by_globs_and_need_a_file_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_run(tmp_path / "outputs" / name)
    glob = tmp_path / "outputs" / "*"
    done = extract("report", glob)
    assert done.returncode == 2
    assert "pass its name: -o FILE" in done.stderr
    done = extract("report", glob, "-o", tmp_path / "both.html")
    assert done.returncode == 0, done.stderr
    made = unpacked(parts((tmp_path / "both.html").read_text(encoding="utf-8")).blocks()["data"])
    assert set(made["runs"]) == {"one", "two"}
    assert extract("report", tmp_path / "none*", "-o", tmp_path / "x.html").returncode == 2
