"""Makes the claims of one paper: the whole path on one screen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence

from claimgrid.entities.benchmarks import benchmark_key
from claimgrid.errors import PaperError
from claimgrid.extraction import claim_builder, coverage
from claimgrid.extraction.abstract_check import why_no_abstract
from claimgrid.extraction.grounding import Grounder, items
from claimgrid.quantities.lexer import lex
from claimgrid.text import alignment
from claimgrid.types.answer import Answer, Ask, Dropped
from claimgrid.types.claim import KINDS, Claim, Kind, PaperLine, Rejected, Status, UnclaimedNumber
from claimgrid.types.grounded import Grounded, Refusal
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Item
from claimgrid.types.request import Request


async def extract(paper: Paper, request: Callable[[Paper], Request], ask: Ask) -> Outcome:
    """Ask a model about a paper, ground and normalize its reply, and account for every number."""
    unasked = without_abstract(paper)
    if unasked is not None:
        return unasked
    asked = request(paper)
    try:
        answer = await ask(asked)
    except PaperError as error:
        return failed(paper, error, model=asked.model)
    try:
        return read_answer(paper, answer)
    except Exception as error:  # noqa: BLE001 a fault of this program costs one paper, not the run
        return _faulty(paper, error, model=asked.model)


class _NoAbstractError(PaperError):
    stage = "source"


def without_abstract(paper: Paper) -> Outcome | None:
    """The row of a paper that no model is asked about, since its text is no abstract."""
    what = why_no_abstract(paper.abstract)
    if what is None:
        return None
    told = f"not asked: the source has {what}; add the abstract, or leave the paper out"
    return failed(paper, _NoAbstractError(told), model=None)


def read_answer(paper: Paper, answer: Answer) -> Outcome:
    """The pure half of `extract`: a stored reply gives the same outcome again, at no cost."""
    doc = alignment.read(paper.abstract)
    context = claim_builder.Context(paper, doc.sentences, lex(paper.abstract))
    grounder = Grounder(doc)
    rejected = _dropped(paper, answer.dropped)
    claims: dict[tuple[object, ...], Claim] = {}
    # What the paper claims of its own work comes before what it says of the field: where a model
    # gives one number as both, the own claim stays.
    for kind, item in sorted(items(answer.reply), key=lambda pair: pair[1].stance != "own"):
        grounded = grounder.ground(kind, item)
        made = (
            claim_builder.claim(grounded, context) if isinstance(grounded, Grounded) else grounded
        )
        if not isinstance(made, Refusal):
            # One claim a number, a device, a model: the second of the same is refused.
            first = claims.setdefault(_identity(made), made)
            if first is not made:
                made = Refusal("duplicate", f"the same as claim {first.claim_id}")
        if isinstance(made, Refusal):
            rejected.append(_rejected(paper, kind, item, made))
            continue
        if isinstance(grounded, Grounded):
            unread = _unread(made)
            claims[_identity(made)] = _without_spans(made, [lost.field for lost in unread])
            rejected += [_rejected(paper, kind, item, lost) for lost in (*grounded.lost, *unread)]
    kept, superfluous = _without_scoreless_doubles(claims.values())
    rejected += [_superfluous(claim) for claim in superfluous]
    kept.sort(key=lambda c: (c.evidence.start, c.evidence.end, KINDS.index(c.kind)))
    kept = [_sure(claim, answer) for claim in with_own_ids(kept)]
    return Outcome(
        paper=_line(
            paper,
            status="claims" if kept else "no_claims",
            model=answer.model,
            claims=kept,
            rejected=len(rejected),
            unclaimed=coverage.unclaimed(paper.abstract, context.quantities, kept),
        ),
        claims=tuple(kept),
        rejected=tuple(rejected),
        usage=answer.usage,
        source=answer.source,
        origin=answer.origin,
    )


def _faulty(paper: Paper, error: Exception, *, model: str | None) -> Outcome:
    """The row of a paper whose reply this program could not read through a fault of its own."""
    line = _line(paper, status="error", model=model, unclaimed=[])
    fault = f"{type(error).__name__}: {error}"
    told = f"a fault of claimgrid ({fault}); please report it with this abstract. The reply is kept"
    return Outcome(paper=line.model_copy(update={"stage": "read", "reason": told}))


def failed(paper: Paper, error: PaperError, *, model: str | None) -> Outcome:
    """The row of a paper that came to nothing, with the stage and the reason."""
    unclaimed = coverage.unclaimed(paper.abstract, lex(paper.abstract), ())
    rejected = _dropped(paper, getattr(error, "dropped", ()))
    line = _line(
        paper, status=error.status, model=model, unclaimed=unclaimed, rejected=len(rejected)
    )
    told = line.model_copy(update={"stage": error.stage, "reason": str(error)})
    return Outcome(paper=told, rejected=tuple(rejected))


def _dropped(paper: Paper, items_: Sequence[Dropped]) -> list[Rejected]:
    return [
        Rejected(
            paper_id=paper.paper_id,
            kind=None,
            reason="invalid_field" if dropped.field else "invalid_item",
            detail=dropped.detail,
            field=dropped.field,
            item=dropped.item,
        )
        for dropped in items_
    ]


def _identity(claim: Claim) -> tuple[object, ...]:
    """What two claims of one abstract do not share, unless they are the same claim."""
    match claim.kind:
        case "hardware":
            return (claim.kind, claim.device, claim.count, claim.nodes)
        case "model_size":
            name = claim.model or tuple(claim.spans["total"])
            return (claim.kind, name, claim.params, claim.active_params)
        case "benchmark" if claim.role != "result":
            name = claim.benchmark or claim.evidence.quote
            return (claim.kind, claim.role, name)
        case "benchmark":
            return (claim.kind, tuple(claim.spans["value"]), claim.benchmark, claim.metric)
        case _:
            return (claim.kind, tuple(claim.spans["value"]), claim.metric)


def _unread(claim: Claim) -> list[Refusal]:
    """The fields of a model size whose words were found and say no such number."""
    if claim.kind != "model_size":
        return []
    read = {"active": claim.active_params, "context": claim.context_tokens}
    return [
        Refusal("no_parameter_count", f"no {field} count stands at these words", field)
        for field, value in read.items()
        if field in claim.spans and value is None
    ]


def _without_spans(claim: Claim, fields: Sequence[str | None]) -> Claim:
    if not fields:
        return claim
    kept = {name: spans for name, spans in claim.spans.items() if name not in fields}
    return claim.model_copy(update={"spans": kept})


def _without_scoreless_doubles(claims: Collection[Claim]) -> tuple[list[Claim], list[Claim]]:
    """A benchmark with a result, or that the paper introduces, is not also merely "used"."""
    if not any(c.kind == "benchmark" and c.role == "evaluated_on" for c in claims):
        return list(claims), []
    told = {
        benchmark_key(c.benchmark)
        for c in claims
        if c.kind == "benchmark" and c.role != "evaluated_on" and c.benchmark and c.stance == "own"
    }
    kept: list[Claim] = []
    superfluous: list[Claim] = []
    for claim in claims:
        used = claim.kind == "benchmark" and claim.role == "evaluated_on" and claim.benchmark
        if used and benchmark_key(used) in told:
            superfluous.append(claim)
        else:
            kept.append(claim)
    return kept, superfluous


def with_own_ids(claims: list[Claim]) -> list[Claim]:
    """Ids that no other claim of the paper has: one number may be claimed of two measures."""
    used: set[str] = set()
    own = []
    for claim in claims:
        name = claim.claim_id
        while name in used:
            told = f"{name}|{getattr(claim, 'metric', None)}"
            name = hashlib.sha256(told.encode()).hexdigest()[:16]
        used.add(name)
        own.append(claim if name == claim.claim_id else claim.model_copy(update={"claim_id": name}))
    return own


_ANCHORS = ("value", "device", "total", "benchmark")


def _sure(claim: Claim, answer: Answer) -> Claim:
    """The claim with the probability that the model gives to the words that it rests on."""
    if not answer.confidences:
        return claim
    spans = next((claim.spans[name] for name in _ANCHORS if claim.spans.get(name)), ())
    met = [p for s, e, p in answer.confidences if spans and s < spans[0].end and spans[0].start < e]
    if not met:
        return claim
    return claim.model_copy(update={"confidence": max(met), "confidence_source": "model"})


def _superfluous(claim: Claim) -> Rejected:
    return Rejected(
        paper_id=claim.paper_id,
        kind=claim.kind,
        reason="has_result",
        detail="the abstract gives a result on this benchmark, or introduces it",
        item=claim.model_dump(mode="json", include={"evidence", "spans"}),
    )


def _rejected(paper: Paper, kind: Kind, item: Item, refusal: Refusal) -> Rejected:
    return Rejected(
        paper_id=paper.paper_id,
        kind=kind,
        reason=refusal.reason,
        detail=refusal.detail,
        field=refusal.field,
        words=refusal.words,
        item=item.model_dump(exclude_defaults=True),
    )


def _line(
    paper: Paper,
    *,
    status: Status,
    model: str | None,
    claims: list[Claim] | None = None,
    rejected: int = 0,
    unclaimed: list[UnclaimedNumber],
) -> PaperLine:
    counts = {kind: sum(c.kind == kind for c in claims or ()) for kind in KINDS}
    origin = paper.origin
    return PaperLine(
        **paper.model_dump(exclude={"origin"}, mode="json"),
        source=f"{origin.file}:{origin.line}" if origin else None,
        abstract_sha256=paper.abstract_sha256,
        status=status,
        stage=None,
        reason=None,
        model=model,
        claims=counts,
        rejected=rejected,
        unclaimed_numbers=unclaimed,
    )
