"""Makes what a small model learns from: known claims of abstracts, and request and reply pairs.

Pairs come in two forms. `decisions` turns what is known of an abstract into decisions on its
candidates; `json` takes the stored replies of the stronger model as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from claimgrid import sources
from claimgrid.decisions import decision_request, grammar
from claimgrid.errors import SourceError
from claimgrid.evaluate import scoring
from claimgrid.extraction import prompt as prompts
from claimgrid.extraction.prompt import Prompt
from claimgrid.io import run_folder
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.llm.reply_body import ending, texts
from claimgrid.llm.response_store import ReplyCache
from claimgrid.training import training_labels
from claimgrid.training.lora import Pair
from claimgrid.types.claim import Claim, PaperLine
from claimgrid.types.paper import Paper

_One = TypeVar("_One")
# On other abstracts gold names a workload for 0.76 of the speedups, runs of a strong model for 0.55
# (hardware: 0.54 and 0.24; the model of a size: 0.89 and 0.64).
_OFTEN_OPEN = frozenset(["workload", "hardware", "model"])


def of_known(source: str, gold: Path | None, prompt: Prompt) -> Iterator[tuple[str, Pair]]:
    """The papers of a run or a source, each with the decisions that its known claims make.

    Yields:
        The hash of the abstract, by which pairs are split, and the pair.

    Raises:
        ClaimgridError: as `known_of`.
    """
    for paper, known in known_of(source, gold):
        yield from _decided(paper, known, prompt)


def known_of(source: str, gold: Path | None) -> Iterator[tuple[Paper, list[dict[str, Any]]]]:
    """The papers of a run with its claims; those of any other source with the claims of gold.

    Raises:
        ClaimgridError: the source is no run and there is no gold, or it cannot be read.
    """
    if gold is None or (Path(source) / run_folder.NAMES[0]).is_file():
        return known_of_run(Path(source))
    return known_of_gold(source, gold)


def known_of_run(folder: Path) -> Iterator[tuple[Paper, list[dict[str, Any]]]]:
    """The papers of a run whose reply was read, each with its claims in the shape of gold.

    What a model left open in the fields that it fills less often than gold is left out: it is not
    learned that there is nothing to point at.
    """
    claims: dict[str, list[Claim]] = {}
    for claim in run_folder.read_claims(folder):
        claims.setdefault(claim.paper_id, []).append(claim)
    for line in run_folder.read_papers(folder):
        if line.status in ("claims", "no_claims"):
            mine = claims.get(line.paper_id, ())
            yield _paper(line), [_stated(training_labels.known(claim)) for claim in mine]


def _stated(known: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in known.items() if value or key not in _OFTEN_OPEN}


def known_of_gold(source: str, gold: Path) -> Iterator[tuple[Paper, list[dict[str, Any]]]]:
    """The papers of a source that gold has, each with its gold claims.

    Raises:
        SourceError: a file is missing or no gold, or gold has none of the papers.
    """
    lines = scoring.read_gold(gold)
    by_key = {line[key]: line for line in lines for key in scoring.JOINS if line.get(key)}
    found = False
    for item in sources.read(source):
        if not isinstance(item, Paper):
            continue
        keys = (item.paper_id, item.abstract_sha256, item.title)
        line = next((by_key[key] for key in keys if key in by_key), None)
        if line is not None:
            found = True
            yield item, line["claims"]
    if not found:
        raise SourceError("no line of it is about a paper of the sources", path=str(gold))


def of_replies(
    folder: Path, prompt: Prompt, recordings: RecordingFolder
) -> Iterator[tuple[str, Pair]]:
    """The papers of a run with the first complete reply that is stored for each, as it came."""
    told = run_folder.read_manifest(folder)
    replies = folder / run_folder.REPLIES
    with closing(ReplyCache(replies)) if replies.exists() else nullcontext() as cache:
        for line in run_folder.read_papers(folder):
            paper = _paper(line)
            request = prompts.build(paper, prompt, model=told["model"], mode=told["mode"])
            for kept in (cache, recordings):
                found = kept.get(request.model, request.key) if kept is not None else None
                if found is None or ending(found.attempts[-1].body) != "complete":
                    continue
                content = next(texts(found.attempts[-1].body), None)
                if content:
                    yield paper.abstract_sha256, Pair(request.messages, content)
                break


def split(pairs: Sequence[tuple[str, _One]], held_out: float) -> tuple[list[_One], list[_One]]:
    """Pairs to learn from, and pairs that are only measured on; each abstract is always on the same
    side, however often and in whatever order it comes."""
    learned: list[_One] = []
    unseen: list[_One] = []
    for name, pair in pairs:
        share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8
        (unseen if share < held_out else learned).append(pair)
    return learned, unseen


def _paper(line: PaperLine) -> Paper:
    return Paper(paper_id=line.paper_id, title=line.title, abstract=line.abstract)


def _decided(
    paper: Paper, known: Sequence[training_labels.Known], prompt: Prompt
) -> Iterator[tuple[str, Pair]]:
    listed, decided = training_labels.label(paper, known)
    if not listed.questions:
        return
    reply = grammar.lines(listed, decided)
    weighed = []
    at = 0
    for line in reply.splitlines(keepends=True):
        # The line's question is forced by the grammar; what the model says begins at the blank.
        weighed.append((at + line.rindex(grammar.GIVES) + len(grammar.GIVES) - 1, at + len(line)))
        at += len(line)
    request = decision_request.build(paper, prompt, model="", mode="decisions")
    yield paper.abstract_sha256, Pair(request.messages, reply, weighed)
