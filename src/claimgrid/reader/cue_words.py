"""Reads an abstract by cue words alone: the baseline that shows what a model adds.

Each number beside a cue word of its own sentence becomes a claim; every model size and device is
one, and each name that the table of benchmarks has. No field is guessed that words do not
settle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from claimgrid.decisions import candidates, grammar
from claimgrid.decisions.candidates import Candidate, window
from claimgrid.entities import benchmarks, hardware
from claimgrid.reader.findings import Finding

_REACH = 7  # words on either side that are looked at

_LESS = re.compile(
    r"reduc|decreas|\bless\b|\blower|\bfewer|\bsav(?:e|es|ing|ings)\b|\bcut(?:s|ting)?\b|\bshrink"
    r"|smaller|compress",
    re.I,
)
_MORE = re.compile(
    r"faster|speed-?\s?up|accelerat|increas|higher|improv|gain|\bmore\b|greater|boost", re.I
)
_BETTER = re.compile(r"outperform|surpass|exceed|\bbeat|\bpoints?\b|improv|gain|better", re.I)
_CAPACITY: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (metric, re.compile(words, re.I))
    for metric, words in (
        ("throughput", r"throughput|tokens/s|tokens per second"),
        ("latency", r"latenc|response time|time-to-first|TTFT|delay"),
        ("training_time", r"training (?:time|cost|speed)|train(?:s|ed|ing)? .{0,12}faster"),
        ("energy", r"energy"),
        ("memory", r"memory|footprint|storage|\bKV cache|\bcache\b"),
        ("communication", r"communicat|bandwidth|traffic"),
        ("cost", r"\bcosts?\b|price|cheaper"),
        ("utilization", r"utiliz|utilis|MFU|occupancy"),
        ("compute", r"FLOPs?\b|comput(?:e|ation)|tokens\b|operations"),
        ("efficiency", r"efficien"),
        ("speed", r"speed|faster|slower|accelerat|runtime|\btime\b"),
    )
)
_BASELINE = re.compile(
    r"(?:compared (?:to|with)|in comparison (?:to|with)|relative to|\bover|\bthan|\bversus|\bvs\.?)"
    r"\s+(?:the\s+)?([A-Z][\w.+-]*(?:\s[A-Z][\w.+-]*)*)"
)
_WHERE = re.compile(r"\b(?:on|in)\s+(?:the\s+)?\Z")


def read(abstract: str) -> list[Finding]:
    """What the cue words of an abstract say that it claims."""
    listed = candidates.candidates_of(abstract)
    system = _system(listed.questions, abstract)
    found: list[Finding] = []
    for question in listed.questions:
        match question.about:
            case "number":
                found += _number(abstract, question, system, listed.names)
            case "size":
                found.append(Finding(question, "size"))
            case "device":
                found.append(Finding(question, "run"))
            case _ if benchmarks.find(question.shown):
                found.append(Finding(question, "used"))
            case _:
                pass
    return found


def _number(
    abstract: str, question: Candidate, system: str | None, named: tuple[str, ...]
) -> Iterator[Finding]:
    span = (question.start, question.end)
    near = abstract[slice(*window(abstract, span, _REACH, _REACH))]
    words = abstract[slice(*span)]
    sentence = abstract[slice(*window(abstract, span, len(abstract), len(abstract)))]
    measure = next((metric for metric, cue in _CAPACITY if cue.search(near)), None)
    baseline = _BASELINE.search(sentence)
    baselines = (baseline[1],) if baseline else ()
    relative = "%" in words or "percent" in words or _is_factor(words)
    hardware_ = tuple(sentence[m.start : m.end] for m in hardware.find(sentence))
    metric = grammar.metric_words(abstract, span)
    if question.after and measure:
        label = "from"
    elif relative and measure and _LESS.search(near):
        label = "down"
    elif relative and measure and (_MORE.search(near) or _is_factor(words)):
        label = "up"
    elif metric and relative and _BETTER.search(near) and re.search(r"\bby\b|\bof\b", near):
        yield Finding(
            question, "delta", subject=system, metric=metric, baselines=baselines,
            benchmark=_benchmark(abstract, span, named),
        )  # fmt: skip
        return
    elif metric and not _is_factor(words):
        benchmark = _benchmark(abstract, span, named)
        yield Finding(question, "score", subject=system, metric=metric, benchmark=benchmark)
        return
    elif measure and not relative and re.search(r"[A-Za-z]", words):
        label = "amount"
    else:
        return
    yield Finding(
        question, label, measure=measure, subject=system, hardware=hardware_,
        baselines=baselines if label != "amount" else (),
    )  # fmt: skip


def _is_factor(words: str) -> bool:
    return re.search(r"times|×|[\d$]\s?x\b|fold", words) is not None


def _benchmark(abstract: str, span: tuple[int, int], named: tuple[str, ...]) -> str | None:
    """The name after "on" or "in" that stands nearest to a number, in its own sentence."""
    low, high = window(abstract, span, len(abstract), len(abstract))
    best: tuple[int, str] | None = None
    for name in named:
        at = abstract.find(name, low, high)
        if at >= 0 and _WHERE.search(abstract[low:at]):
            best = min(best or (len(abstract), name), (abs(at - span[0]), name))
    return best[1] if best else None


def _system(asked: tuple[Candidate, ...], abstract: str) -> str | None:
    """The name that the abstract gives to what it presents: after "propose", "present" …"""
    for question in asked:
        if question.about == "name":
            before = abstract[max(0, question.start - 60) : question.start]
            if re.search(r"(?:propose|present|introduce|called|named|develop)\b[^.]*\Z", before):
                return question.shown
    return None
