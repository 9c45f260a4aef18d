"""Plans what the papers without a stored reply will take: requests, tokens, money and time.

It sends no request. Lookups and prices are functions that it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from claimgrid.llm import reply_reader, token_estimate
from claimgrid.llm.packing import Grouping, MakePack, packed
from claimgrid.llm.rate_limiter import START
from claimgrid.llm.reply_body import texts, usage_of
from claimgrid.llm.response_store import Recording
from claimgrid.types.answer import Usage
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request

_SHORTEST_CACHED = 1024  # tokens; what OpenAI and Gemini ask of a prefix before they cache it

# Bytes that a paper takes in a run's folder, on average (benchmarks/scale_runs.py).
_DISK = {"lines": 3_200, "replies": 2_100, "columnar_copy": 800}

Look = Callable[[Request], tuple[str, Recording] | None]


class Priced(NamedTuple):
    """US dollars of a usage, None where no price is known; `batch` asks for the batch API's."""

    usd: Callable[..., float | None]
    source: str
    caches: bool  # whether the provider caches prefixes without being asked to


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run may go: limits per minute (None: none), an assumed latency in seconds."""

    concurrency: int
    latency: float
    rpm: float | None = None
    tpm: float | None = None

    def time(self, used: Usage) -> tuple[float, str]:
        """Seconds that so many requests take, and which limit decides.

        A run may begin with one minute's worth of its rates, so that much takes no time.
        """
        tokens = used.input_tokens + used.output_tokens
        waves = -(-used.requests // self.concurrency)
        times = [(waves * self.latency, "latency and concurrency")]
        if self.rpm:
            times.append((max(0.0, used.requests / self.rpm - 1) * 60, "requests per minute"))
        if self.tpm:
            times.append((max(0.0, tokens / self.tpm - 1) * 60, "tokens per minute"))
        return max(times)


@dataclass(frozen=True, slots=True)
class Survey:
    """A source beside what answers it already.

    Args:
        answered: papers by the store that holds their reply.
        to_ask: characters of each request that is left.
        asked_about: papers in these requests.
        static: characters before the papers, the same in every request, in all of these.
        rate: how characters become tokens, by the replies that are there.
    """

    papers: int
    problems: int
    answered: Counter[str]
    to_ask: tuple[int, ...]
    asked_about: int
    static: int
    rate: token_estimate.Rate

    @property
    def used(self) -> Usage:
        """The tokens of the requests that are left, none of them cached by the provider."""
        each = self.rate.characters_a_token
        return Usage(
            requests=len(self.to_ask),
            input_tokens=round(sum(self.to_ask) / each),
            output_tokens=round(self.asked_about * self.rate.output_tokens),
        )

    def cached(self, first: int) -> int:
        """Input tokens that a provider's prompt cache answers once `first` requests have filled it;
        0 where the static part is too short to be cached."""
        each = self.static / max(1, len(self.to_ask))
        tokens = each / self.rate.characters_a_token
        if tokens < _SHORTEST_CACHED:
            return 0
        return round(tokens * max(0, len(self.to_ask) - first))


class Packs(NamedTuple):
    """How many papers share a request, and what makes one request of theirs."""

    size: int
    pack: MakePack


@dataclass(slots=True)
class _Surveyor:
    """Looks up what is stored of each request, and adds up what is left to ask."""

    look: Look
    answered: Counter[str] = field(default_factory=Counter)
    to_ask: list[int] = field(default_factory=list)
    asked_about: int = 0
    static: int = 0
    seen: list[token_estimate.Seen] = field(default_factory=list)

    def single(self, request: Request) -> None:
        found = self.look(request)
        if found is None:
            self._left(request)
        else:
            self.answered[found[0]] += 1
            self.seen.append(
                token_estimate.Seen(token_estimate.characters(request), _usage(found[1]))
            )

    def together(self, requests: Sequence[Request], pack: MakePack) -> None:
        """As a run asks a pack: what its stored reply does not answer is asked about alone."""
        request = packed(requests, pack)
        found = self.look(request)
        if found is None:
            self._left(request)
            return
        source, recording = found
        about = request.messages[-1]["content"]
        parts = reply_reader.read_pack(recording.attempts[0].body, len(requests), about)
        self.answered[source] += len(parts)
        size = token_estimate.characters(request)
        self.seen.append(token_estimate.Seen(size, _usage(recording), len(requests)))
        for number, one in enumerate(requests, 1):
            if number not in parts:
                self.single(one)

    def _left(self, request: Request) -> None:
        self.to_ask.append(token_estimate.characters(request))
        self.asked_about += max(1, request.packed)
        self.static += token_estimate.static_characters(request)


def survey(
    items: Iterable[object],
    request: Callable[[Paper], Request],
    look: Look,
    packs: Packs | None = None,
) -> Survey:
    """Read a source to its end and look up each paper; what is no Paper counts as a problem."""
    papers = problems = 0
    surveyor = _Surveyor(look)
    grouping = Grouping(packs.size if packs else 1)
    group: list[Request] = []

    def ended(count: int) -> None:
        if count == 1:
            surveyor.single(group[0])
        elif count and packs:
            surveyor.together(group, packs.pack)
        if count:
            group.clear()

    for item in items:
        paper = isinstance(item, Paper)
        if isinstance(item, Paper):
            papers += 1
            group.append(request(item))
        problems += not paper
        ended(grouping.read(paper=paper))
    ended(grouping.end())
    return Survey(
        papers,
        problems,
        surveyor.answered,
        tuple(surveyor.to_ask),
        surveyor.asked_about,
        surveyor.static,
        token_estimate.calibrated(surveyor.seen),
    )


def _usage(found: Recording) -> Usage:
    """What a stored reply reports; without a report, the length of its text tells the output."""
    used = sum((usage_of(attempt.body) for attempt in found.attempts), Usage())
    if used.output_tokens:
        return used
    written = sum(len(text) for attempt in found.attempts for text in texts(attempt.body))
    return Usage(used.requests, used.input_tokens, 0, token_estimate.tokens(written))


def told(done: Survey, priced: Priced, pace: Pace) -> dict[str, Any]:
    """The plan as JSON: costs in US dollars (null where no price is known), times in seconds."""
    used = done.used
    cached = done.cached(min(START, pace.concurrency)) if priced.caches else 0
    with_cache = Usage(used.requests, used.input_tokens, cached, used.output_tokens)
    seconds, bound_by = pace.time(used)
    return {
        "papers": done.papers,
        "source_problems": done.problems,
        "answered": dict(sorted(done.answered.items())),
        "requests": used.requests,
        "papers_to_ask": done.asked_about,
        "tokens": {
            "input": used.input_tokens,
            "output": used.output_tokens,
            "static_share": _share(done.static, sum(done.to_ask)),
            "cached_by_provider": cached,
            "basis": _basis(done.rate),
        },
        "cost_usd": {
            "online": priced.usd(used),
            "online_with_prompt_cache": priced.usd(with_cache) if priced.caches else None,
            # `extract batch` does not pack, so it would take more than these tokens.
            "batch": None if done.asked_about > used.requests else priced.usd(used, batch=True),
        },
        "prices": priced.source,
        "disk_bytes": {name: each * done.papers for name, each in _DISK.items()},
        "time": {
            "seconds": round(seconds, 1),
            "bound_by": bound_by,
            "concurrency": pace.concurrency,
            "latency_s": pace.latency,
            "rpm": pace.rpm,
            "tpm": pace.tpm,
        },
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0


def _basis(rate: token_estimate.Rate) -> dict[str, Any]:
    kinds: dict[str, Literal["counted", "rule of thumb"]] = {
        "input": "counted" if rate.input_replies else "rule of thumb",
        "output": "counted" if rate.output_replies else "rule of thumb",
    }
    return {
        **kinds,
        "replies": max(rate.input_replies, rate.output_replies),
        "characters_a_token": round(rate.characters_a_token, 2),
        "output_tokens_a_paper": round(rate.output_tokens, 1),
    }
