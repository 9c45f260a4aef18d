"""Sources: files, folders and standard input; plain text; bytes of every kind."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.errors import SourceError
from claimgrid.sources import Problem, SourceItem, read, skipped
from claimgrid.sources.jsonl import read_jsonl
from claimgrid.sources.lines import LONGEST_LINE, read_lines
from claimgrid.sources.listing import read_listing
from claimgrid.sources.plain import read_plain
from claimgrid.types.paper import Paper

LISTING = "CLApr 10, 2025\nPaging without PainJane Doe, Bo Lund\nPain is slow.\n"
RECORD = {"id": "k1", "title": "KiteServe", "abstract": "KiteServe is 2x faster."}


def piped(data: bytes | str) -> list[SourceItem]:
    return list(read("-", stdin=io.BytesIO(data.encode() if isinstance(data, str) else data)))


def paper(item: SourceItem) -> Paper:
    assert isinstance(item, Paper), item
    return item


def problem(item: SourceItem) -> Problem:
    assert isinstance(item, Problem), item
    return item


# Plain text


@pytest.mark.parametrize(
    ("text", "title", "abstract"),
    [
        ("KiteServe is 2x faster.\n", "", "KiteServe is 2x faster."),
        ("Kite  Serve\n\n \nIt is\n\n 2x faster.\n\n", "Kite Serve", "It is\n\n 2x faster."),
        ("Kite Serve\r\n\r\nIt is\r\n2x faster.", "Kite Serve", "It is\n2x faster."),
        (
            "\n\nKiteServe is fast.\n\nIt is 2x faster.",
            "",
            "KiteServe is fast.\n\nIt is 2x faster.",
        ),
        ("KiteServe is\n2x faster", "", "KiteServe is\n2x faster"),
        ("KiteServe\n\n\n", "", "KiteServe"),
        ("K" * 201 + "\n\nIt is fast.", "", "K" * 201 + "\n\nIt is fast."),
    ],
)
def test_plain_text_is_one_paper(text: str, title: str, abstract: str) -> None:
    (item,) = piped(text)
    assert (paper(item).title, paper(item).abstract) == (title, abstract)
    assert paper(item).warnings == ()


def test_an_id_from_the_abstract_where_there_is_no_title() -> None:
    (item,) = piped("\nKiteServe is 2x faster.")
    assert paper(item).paper_id == "kiteserve-is-2x-faster"
    origin = paper(item).origin
    assert origin is not None
    assert (origin.file, origin.line) == ("-", 2)


def test_a_book_is_no_abstract() -> None:
    (item,) = piped("It was dark.\n" * (LONGEST_LINE // 12))
    assert "no abstract" in problem(item).message


# Bytes


def test_only_the_bad_bytes_are_read_as_windows_1252() -> None:
    (item,) = piped(b"na\xefve \x93caf\xc3\xa9\x94\x81\n\nok \xc3\xa9")
    assert paper(item).title == "naïve “café”\ufffd"
    assert paper(item).abstract == "ok é"
    assert paper(item).warnings == ("line 1: not all of it is UTF-8; read as Windows-1252 there",)


@pytest.mark.parametrize("data", [b"", b"\n \r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_no_text_is_a_problem(data: bytes) -> None:
    (item,) = piped(data)
    assert "no text" in problem(item).message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param("KiteServe is fast.".encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", "a PDF", id="pdf"),
    ],
)
def test_what_is_no_text(data: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=f"^-:1: is {says}"):
        piped(data)


def test_nul_bytes_are_replaced_with_a_warning() -> None:
    (item,) = piped(b"Kite\0Serve is fast.")
    assert paper(item).abstract == "Kite\ufffdServe is fast."
    assert paper(item).warnings == ("line 1: NUL bytes replaced by U+FFFD",)


# Files, folders, standard input


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.jsonl", json.dumps(RECORD), "KiteServe"),
        ("A.NDJSON", json.dumps(RECORD), "KiteServe"),
        ("a.txt", LISTING, "Paging without Pain"),
        ("a.txt", "KiteServe\n\nIt is 2x faster.", "KiteServe"),
        ("a.md", "KiteServe\n\nIt is 2x faster.", "KiteServe"),
        ("records", "\n" + json.dumps(RECORD), "KiteServe"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_formats(tmp_path: Path, name: str, text: str, title: str, zipped: bool) -> None:
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    (item,) = read(str(path))
    assert paper(item).title == title
    (item,) = piped(text)
    assert paper(item).title == title


def test_a_listing_may_start_with_stray_lines() -> None:
    stray, item = piped("Papers of the week\n\n" + LISTING)
    assert problem(stray).line == 1
    assert paper(item).title == "Paging without Pain"


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("KiteServe\n\nIt is 2x faster.")
    (tmp_path / "a.jsonl").write_text(json.dumps(RECORD))
    (tmp_path / "c.txt").write_text("")
    (tmp_path / ".hidden.txt").write_text("hidden")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "old.txt").mkdir()
    first, second, third = read(str(tmp_path))
    origins = [paper(item).origin for item in (first, second)]
    assert [origin.file for origin in origins if origin] == [
        str(tmp_path / "a.jsonl"),
        str(tmp_path / "b.txt"),
    ]
    assert problem(third).file == str(tmp_path / "c.txt")
    assert skipped(str(tmp_path)) == ("notes.pdf", "old.txt")
    assert skipped(str(tmp_path / "b.txt")) == ()


def test_a_folder_without_a_source(tmp_path: Path) -> None:
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(SourceError, match="no source file"):
        read(str(tmp_path))


def test_a_file_name_need_not_be_utf_8(tmp_path: Path) -> None:
    for name, text in [(b"a\xff.txt", b"KiteServe is fast."), (b"b\xff.txt", b"")]:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(text)
    good, empty = read(str(tmp_path))
    assert '/a?.txt"' in paper(good).model_dump_json()
    assert problem(empty).file.endswith("/b?.txt")


@pytest.mark.parametrize("name", ["missing.txt", "nul\0.txt"])
def test_no_such_source(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read(str(tmp_path / name))


def test_a_file_that_breaks_off(tmp_path: Path) -> None:
    lines = [json.dumps(RECORD | {"id": f"k{n}", "salt": f"{n * n:040}"}) for n in range(4000)]
    whole = gzip.compress("\n".join(lines).encode())
    path = tmp_path / "a.jsonl.gz"

    path.write_bytes(whole[: len(whole) // 2])
    *items, last = read(str(path))
    assert [paper(item).paper_id for item in items] == [f"k{n}" for n in range(len(items))]
    assert len(items) > 100
    assert problem(last).file == str(path)
    assert problem(last).message.startswith("cannot be read: ")
    assert problem(last).line >= len(items)

    path.write_bytes(b"no gzip at all")
    with pytest.raises(SourceError, match=r"a\.jsonl\.gz: cannot be read"):
        list(read(str(path)))

    (tmp_path / "b.jsonl").write_text(json.dumps(RECORD))
    broken, good = read(str(tmp_path))
    assert problem(broken).file == str(path)
    assert paper(good).paper_id == "k1"


def test_a_repeated_id_is_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        "\n".join(json.dumps(RECORD | {"id": name}) for name in ["x", "x", "x-2", "x", "x-2"])
    )
    (tmp_path / "b.jsonl").write_text(json.dumps(RECORD | {"id": "x"}))
    papers = [paper(item) for item in read(str(tmp_path))]
    assert [each.paper_id for each in papers] == ["x", "x-2", "x-2-2", "x-3", "x-2-3", "x-4"]
    assert [bool(each.warnings) for each in papers] == [False, True, True, True, True, True]
    assert "`x`" in papers[1].warnings[0]


class Endless(io.RawIOBase):
    """A stream of records without end: reading it whole never returns."""

    def __init__(self) -> None:
        self.numbers = itertools.count()

    def readline(self, size: int | None = -1, /) -> bytes:
        record = json.dumps(RECORD | {"id": next(self.numbers)}).encode() + b"\n"
        assert size is None or len(record) < size
        return record


def test_papers_come_as_they_are_read() -> None:
    papers = read("-", stdin=Endless())  # type: ignore[arg-type]
    assert [paper(item).paper_id for item in itertools.islice(papers, 3)] == ["0", "1", "2"]


# Whatever comes

START = st.sampled_from(
    [b"", b"{", b'{"abstract": "', b"\x1f\x8b\x08", b"\xff\xfe", LISTING.encode(), b"CLApr 10\n"]
)


def check(items: list[SourceItem]) -> None:
    for item in items:
        if isinstance(item, Paper):
            assert item.abstract.strip()
            assert Paper.model_validate_json(item.model_dump_json()) == item
        else:
            assert item.message


def read_or_refused(items: Iterator[SourceItem]) -> None:
    try:
        check(list(items))
    except SourceError as error:
        refusal = str(error)
    else:
        return
    assert ":1: is " in refusal or "cannot be read: " in refusal or "looks like" in refusal


@given(START, st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(start: bytes, data: bytes) -> None:
    read_or_refused(read("-", stdin=io.BytesIO(start + data)))


@given(
    st.sampled_from([read_jsonl, read_listing, read_plain]),
    st.lists(START | st.binary(max_size=40) | st.just(b"\n"), max_size=12),
)
def test_any_bytes_in_any_format(reader: Any, parts: list[bytes]) -> None:
    read_or_refused(reader(read_lines("x", io.BytesIO(b"".join(parts)))))


@pytest.mark.parametrize("name", ["setup.toml", "all.json", "script.py", "refs.docx"])
def test_a_file_of_another_kind_is_not_taken_for_one_abstract(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("name = 1\nother = 2\n", encoding="utf-8")
    with pytest.raises(SourceError, match="is nothing that .* files hold"):
        list(read(str(path)))


@pytest.mark.parametrize("name", ["one", "one.txt", "one.md", "2401.01234", "one.abs"])
def test_prose_may_have_any_name_of_prose(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("Zephyr is 2x faster than Boreas.\n", encoding="utf-8")
    assert len(list(read(str(path)))) == 1
