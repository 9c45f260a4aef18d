"""Papers by name, against a local server that answers in the services' documented formats."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from claimgrid.sources import read
from test_cli import extract, lines

ENTRY = """<entry><id>http://arxiv.org/abs/{id}</id><updated>2024-06-03T10:00:00Z</updated>
<published>2024-05-02T10:00:00Z</published><title>Kites of
  arXiv {id}</title><summary>  {summary}
</summary><author><name>Jane Doe</name></author>
<arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">10.1145/3900001.{n}</arxiv:doi>
<category term="cs.DC" scheme="http://arxiv.org/schemas/atom"/></entry>"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>ArXiv Query</title>
<opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">{total}
</opensearch:totalResults>{entries}</feed>"""
ABSENT = "2405.00404"
WITHDRAWN = "2405.00410"


class Services:
    """What is answered, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken: list[tuple[int, bytes]] = []  # answers to give before any good one
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, body = outer.broken.pop(0) if outer.broken else outer.answer(self.path)
                self.send_response(status)
                if status in (429, 503):
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, path: str) -> tuple[int, bytes]:
        split = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path == "/arxiv" and "id_list" in query:
            return 200, self.feed(query["id_list"].split(",")).encode()
        if split.path == "/arxiv":
            found = [] if "none" in query["search_query"] else ["2601.00001v1", "2601.00002v1"]
            return 200, self.feed(found if query["start"] == "0" else []).encode()
        if split.path == "/crossref/10.1145/1.2":
            work = {"DOI": "10.1145/1.2", "title": ["Kites by DOI"],
                    "issued": {"date-parts": [[2024, 5]]},
                    "abstract": "<jats:p>KiteDoi is 2x faster.</jats:p>"}  # fmt: skip
            return 200, json.dumps({"status": "ok", "message": work}).encode()
        if split.path == "/crossref/10.1145/1.3":
            bare = {"DOI": "10.1145/1.3", "title": ["Bare"]}
            return 200, json.dumps({"message": bare}).encode()
        if split.path in ("/openalex/W12345", "/openalex/doi:10.1145/1.3"):
            work = {"id": "https://openalex.org/W12345", "title": "Kites of OpenAlex", "ids": {},
                    "publication_year": 2024, "authorships": [],
                    "abstract_inverted_index": {"KiteO": [0], "flies.": [1]}}  # fmt: skip
            return 200, json.dumps(work).encode()
        if split.path.startswith("/s2/"):
            paper = {"paperId": "0" * 40, "title": "Kites of S2", "abstract": "KiteS is 3x faster.",
                     "year": 2024, "authors": [{"name": "Jane"}], "externalIds": {}}  # fmt: skip
            return 200, json.dumps(paper).encode()
        if split.path == "/files/library.bib":
            path_ = Path(__file__).parent / "data/sources/library.bib"
            return 200, path_.read_bytes()
        return 404, b"Resource not found."

    @staticmethod
    def feed(ids: list[str]) -> str:
        entries = []
        for n, one in enumerate(ids):
            bare = one.partition("v")[0]
            if bare == ABSENT:
                continue
            summary = (
                "This paper has been withdrawn by the author."
                if bare == WITHDRAWN
                else f"Kite {n} is 2x\nfaster than Zephyr."
            )
            versioned = one if "v" in one else f"{one}v2"
            entries.append(ENTRY.format(id=versioned, summary=summary, n=bare))
        return FEED.format(total=len(entries), entries="".join(entries))


@pytest.fixture
def services() -> Iterator[Services]:
    made = Services()
    yield made
    made.close()


def run(services: Services, folder: Path, *arguments: object, stdin: str = "") -> Any:
    environment = {
        f"CLAIMGRID_{name.upper()}_URL": f"{services.url}/{name}{end}"
        for name, end in (("arxiv", ""), ("crossref", "/"), ("openalex", "/"), ("s2", "/"))
    }
    return extract(
        "run", *arguments, "--replay", "only", "--out", folder / "out", stdin=stdin,
        CLAIMGRID_SOURCE_PAUSE="0.01", CLAIMGRID_SOURCE_CACHE=str(folder / "cache"), **environment,
    )  # fmt: skip


def papers(folder: Path) -> list[dict[str, Any]]:
    return lines(folder / "out" / "papers.jsonl")


@pytest.mark.slow
def test_papers_by_name_of_every_service(services: Services, tmp_path: Path) -> None:
    names = ("arxiv:2405.01234v1", "https://arxiv.org/abs/2405.05678", "doi:10.1145/1.2",
             "https://doi.org/10.1145/1.3", "openalex:W12345", "s2:CorpusID:123")  # fmt: skip
    done = run(services, tmp_path, "--keep-versions", *names)
    assert done.returncode == 1, done.stderr  # nothing is recorded for them
    found = papers(tmp_path)
    assert [one["title"] for one in found] == [
        "Kites of arXiv 2405.01234v1", "Kites of arXiv 2405.05678v2", "Kites by DOI",
        "Kites of OpenAlex", "Kites of OpenAlex", "Kites of S2",
    ]  # fmt: skip
    first = found[0]
    assert (first["arxiv_id"], first["arxiv_version"], first["date"]) == (
        "2405.01234",
        1,
        "2024-05-02",
    )
    assert first["abstract"] == "Kite 0 is 2x\nfaster than Zephyr."
    assert found[2]["abstract"] == "KiteDoi is 2x faster."
    assert found[3]["paper_id"] == "10.1145/1.3"

    asked = len(services.asked)
    run(services, tmp_path, "--keep-versions", *names)
    assert len(services.asked) == asked, "a second run asks nobody"


def test_a_list_of_ids_is_read_by_name_and_never_as_an_abstract(
    services: Services, tmp_path: Path
) -> None:
    listed = tmp_path / "ids.txt"
    listed.write_text(
        f"# to read\n2405.01234\narXiv:2405.05678v3 [cs.DC]\nno id at all\n{ABSENT}\n{WITHDRAWN}\n"
    )
    run(services, tmp_path, listed)
    found = papers(tmp_path)
    assert [one["source"] for one in found] == [f"{listed}:{n}" for n in (2, 3, 4, 5, 6)]
    assert [one["stage"] for one in found] == ["ask", "ask", "source", "source", "source"]
    assert "names no paper" in found[2]["reason"]
    assert "no paper of this id" in found[3]["reason"]
    assert "withdrawn" in found[4]["reason"]


@pytest.mark.parametrize(
    "first",
    [(429, b"Rate exceeded."), (503, b""), (200, b"<html><body>Error</body></html>"), (200, b"")],
)
def test_a_busy_service_is_asked_again(
    services: Services, tmp_path: Path, first: tuple[int, bytes]
) -> None:
    services.broken = [first, first]
    run(services, tmp_path, "arxiv:2405.01234")
    assert [one["stage"] for one in papers(tmp_path)] == ["ask"]
    assert len(services.asked) == 3


@pytest.mark.slow
def test_a_service_that_stays_away_costs_its_papers_alone(
    services: Services, tmp_path: Path
) -> None:
    services.broken = [(503, b"")] * 5
    run(services, tmp_path, "arxiv:2405.01234", "s2:CorpusID:123")
    first, second = papers(tmp_path)
    assert (first["stage"], second["stage"]) == ("source", "ask")
    assert "status 503, after 5 tries" in first["reason"]


@pytest.mark.slow
def test_a_category_since_a_day(services: Services, tmp_path: Path) -> None:
    run(services, tmp_path, "arxiv:cat:cs.DC?since=2026-01")
    assert [one["arxiv_id"] for one in papers(tmp_path)] == ["2601.00001", "2601.00002"]
    query = parse_qs(urlsplit(services.asked[0]).query)["search_query"][0]
    assert query == "cat:cs.DC AND submittedDate:[202601010000 TO 209912312359]"
    run(services, tmp_path, "arxiv:cat:cs.none", "arxiv:2405.01234")
    assert "no paper for this query" in papers(tmp_path)[0]["reason"]


@pytest.mark.slow
def test_a_file_behind_a_url(services: Services, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    run(services, tmp_path, f"{services.url}/files/library.bib")
    assert papers(tmp_path)[0]["citation_key"] == "doe2024kite"
    done = run(services, tmp_path, f"{services.url}/files/none.bib")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


@pytest.mark.parametrize("name", ["arxiv:notanid", "doi:12", "2410.21465", "arxiv:2410.21465v0"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    done = extract("run", name, "--replay", "only", "--out", tmp_path / "out")
    assert done.returncode == 2
    told = "did you mean arxiv:2410.21465?" if name[0] == "2" else "id; docs/sources.md"
    assert told in done.stderr


@pytest.mark.parametrize("scheme", ["s3", "gs", "hf"])
def test_files_in_object_stores_are_read_by_fsspec(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is fsspec's own, in memory, under the scheme of a real one."""
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.get_filesystem_class("memory")

    class Store(memory):  # type: ignore[misc, valid-type]
        protocol = scheme
        store: ClassVar[dict[str, Any]] = {}
        pseudo_dirs: ClassVar[list[str]] = [""]

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return "/" + path.removeprefix(f"{scheme}://").strip("/")

    registry = importlib.import_module("fsspec.registry")
    monkeypatch.setitem(registry._registry, scheme, Store)
    file = Path(__file__).parent / "data/sources/library.bib"
    Store().pipe_file("/shelf/library.bib", file.read_bytes())
    here, there = (
        [getattr(one, "title", None) for one in read(name)]
        for name in (str(file), f"{scheme}://shelf/library.bib")
    )
    assert here == there
    assert len(here) > 1
