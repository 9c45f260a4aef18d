"""`extract review`: decide on the claims of a run in a browser, and handle files of decisions."""

from __future__ import annotations

import datetime
import getpass
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from claimgrid.cli.options import PATH
from claimgrid.errors import UsageError
from claimgrid.text.counted import counted

_FORMATS = click.Choice(["label-studio", "web-annotation"])


class _OpensByDefault(click.Group):
    """A group whose first word may be a run's folder: then the review of that run is opened."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["open", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Options before the folder (`--port 0 OUT`) belong to `open` too.
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["open", *args]
        return super().parse_args(ctx, args)


@click.group("review", cls=_OpensByDefault)
def command() -> None:
    """Decide on a run's claims in a browser: accept, reject, edit, add; `extract review OUT`.

    Decisions are added to corrections.jsonl in the run's folder and hold for every later run of the
    same abstracts there. Those of a corrections.jsonl in the folder above hold for every run that
    stands in it. Needs the extra [serve].
    """


@command.command("open")
@click.argument("folders", metavar="OUT", type=PATH, nargs=-1, required=True)
@click.option("--by", metavar="NAME", help="Who decides. Default: the name of this user.")
@click.option(
    "--corrections",
    type=PATH,
    metavar="FILE",
    help="Read and add decisions in FILE alone, as for a reviewer who must not see another's. "
    "Default: corrections.jsonl in OUT.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8766, show_default=True)
def open_command(
    folders: tuple[Path, ...], by: str | None, corrections: Path | None, port: int
) -> None:
    """Serve the review of one run on this machine alone, until Ctrl-C. Port 0 takes a free one."""
    from claimgrid.cli.serve import serve

    if len(folders) > 1:
        raise UsageError(
            f"a review is of one run, and {len(folders)} are named. Review one; `extract review "
            "merge OUT -o FOLDER/corrections.jsonl` makes its decisions hold for all runs in FOLDER"
        )
    folder = folders[0]
    if corrections is not None and not corrections.resolve().parent.is_dir():
        raise UsageError(f"{corrections}: its folder is not there; make it, or pass another FILE")
    sys.exit(
        serve(
            [folder], host="127.0.0.1", port=port, reviewer=by or _user(), corrections=corrections
        )
    )


@command.command("agreement")
@click.argument("first", metavar="A", type=PATH)
@click.argument("second", metavar="B", type=PATH)
def agreement_command(first: Path, second: Path) -> None:
    """Compare two reviewers' corrections: Cohen's kappa, span F1, and where they differ."""
    from claimgrid.review.reviewer_agreement import agreement

    found = agreement(_corrections(first), _corrections(second))
    click.echo(f"claims that both decided on   {found.both}, the same way {found.same}")
    click.echo(f"Cohen's kappa                 {_number(found.kappa)}")
    click.echo(f"span F1                       {_number(found.span_f1)}")
    for one, other in found.differ:
        words = one.before.evidence.quote if one.before else one.claim_id
        click.echo(f"  {one.paper_id}: {one.by} {one.action}, {other.by} {other.action}: {words}")


@command.command("merge")
@click.argument("files", metavar="A B…", type=PATH, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="File to add to.")
def merge_command(files: tuple[Path, ...], out: Path) -> None:
    """Merge files of corrections by time; where reviewers differ, the later decision holds.

    A and B may be the folders of runs. What FILE has already is not added again; -o
    outputs/corrections.jsonl makes the decisions hold for every run in outputs.
    """
    from claimgrid.review import correction_log
    from claimgrid.review.corrections import merge
    from claimgrid.review.reviewer_agreement import agreement

    read = [_corrections(path) for path in files]
    known = {one.id for one in correction_log.read(out).corrections}
    merged = merge(read)
    new = [one for one in merged if one.id not in known]
    correction_log.append(out, new)
    differ = sum(
        len(agreement(one, other).differ)
        for place, one in enumerate(read)
        for other in read[place + 1 :]
    )
    added = f" ({len(new)} new)" if len(new) < len(merged) else ""
    claims = counted(differ, "claim")
    click.echo(f"{out}: {counted(len(merged), 'correction')}{added}; reviewers differ on {claims}")


@command.command("export")
@click.argument("folder", metavar="OUT", type=PATH)
@click.option("--to", "form", type=_FORMATS, required=True, help="Offsets are code points.")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="File to write.")
def export_command(folder: Path, form: str, out: Path) -> None:
    """Write a run's claims for another annotation tool."""
    from claimgrid.review import label_studio, web_annotation

    papers, claims = _run(folder)
    made: Any
    if form == "label-studio":
        made = [label_studio.task(paper, claims.get(paper.paper_id, [])) for paper in papers]
    else:
        made = web_annotation.page(
            one
            for paper in papers
            for one in web_annotation.of_paper(paper, claims.get(paper.paper_id, []))
        )
    out.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(
        f"{out}: the claims of {counted(len(papers), 'paper')}; offsets count Unicode code points"
    )


@command.command("import")
@click.argument("folder", metavar="OUT", type=PATH)
@click.argument("file", type=PATH)
@click.option("--from", "form", type=_FORMATS, required=True, help="Format of FILE.")
@click.option("--by", metavar="NAME", help="Who marked the words. Default: this user's name.")
def import_command(folder: Path, file: Path, form: str, by: str | None) -> None:
    """Read decisions from another annotation tool's file into OUT/corrections.jsonl."""
    from claimgrid.review import correction_log, regions

    papers, claims = _run(folder)
    found, unread = _regions(file, form, papers)
    known = {one.id for one in correction_log.of_run(folder).corrections}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    made = []
    for paper in papers:
        mine = claims.get(paper.paper_id, [])
        given = found.get(paper.abstract_sha256, [])
        new, refused = regions.corrections(
            paper, mine, given, by=by or _user(), at=now.replace("+00:00", "Z")
        )
        unread += refused
        made += [one for one in new if one.id not in known]
    correction_log.append(folder / correction_log.NAME, made)
    for one in unread:
        click.echo(f"extract: {one.where}: {one.why}", err=True)
    click.echo(f"{counted(len(made), 'decision')} added to {folder / correction_log.NAME}")
    sys.exit(int(bool(unread)))


def _regions(
    file: Path, form: str, papers: Iterable[Any]
) -> tuple[dict[str, list[Any]], list[Any]]:
    """The regions of a file by the hash of their abstract, and what could not be read."""
    from claimgrid.review import label_studio, web_annotation
    from claimgrid.review.regions import Region, Unread

    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read as JSON: {error}") from error
    by_hash = {paper.abstract_sha256: paper for paper in papers}
    found: dict[str, list[Region]] = {}
    unread: list[Unread] = []
    items = given.get("items", []) if isinstance(given, dict) else given
    for item in items if isinstance(items, list) else []:
        if form == "label-studio":
            sha = str((item.get("data") or {}).get("abstract_sha256"))
        else:
            sha = web_annotation.abstract_of(item) or "none"
        paper = by_hash.get(sha)
        if paper is None:
            unread.append(Unread(sha, "no abstract of this run has this hash"))
        elif form == "label-studio":
            read, wrong = label_studio.regions(item, paper)
            found.setdefault(sha, []).extend(read)
            unread += wrong
        else:
            one = web_annotation.region(item, paper)
            if isinstance(one, Unread):
                unread.append(one)
            elif one is not None:
                found.setdefault(sha, []).append(one)
    return found, unread


def _run(folder: Path) -> tuple[list[Any], dict[str, list[Any]]]:
    from claimgrid.review import checked_run

    claims: dict[str, list[Any]] = {}
    for claim in checked_run.read_claims(folder):
        claims.setdefault(claim.paper_id, []).append(claim)
    return list(checked_run.read_papers(folder)), claims


def _corrections(path: Path) -> Any:
    """The corrections of a file, or of the file in a run's folder; broken lines are told."""
    from claimgrid.review import correction_log

    file = path / correction_log.NAME if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{file}: no such file; pass a corrections.jsonl or the run beside it")
    log = correction_log.read(file)
    for one in log.broken:
        click.echo(f"extract: {file}:{one.line}: passed over: {one.why}", err=True)
    return log.corrections


def _number(value: float | None) -> str:
    return "not defined here" if value is None else f"{value:.3f}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
