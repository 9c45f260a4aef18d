"""Tokens and list-price cost of an abstract, ours beside langextract's, on the seed abstracts.

    python benchmarks/tokens.py [--models gpt-5-mini,…]

Ours: the requests of `extract run seeds/` and the recorded replies. langextract's: the requests
that it really sends for the same abstracts (caught by a server on loopback), and the same recorded
claims written in its form. Both are counted with OpenAI's o200k_base; other vendors' tokenizers
count differently, in about the same proportion. A request counts its messages (with OpenAI's 3
tokens a message and 3 to begin the reply) and the text of its JSON schema. Asks no model.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests")]

Count = Callable[[str], int]
_MODELS = "gpt-5-mini,gpt-5.1,claude-haiku-4-5,gemini-2.5-flash"
_MESSAGE, _BEGIN = 3, 3  # tokens that OpenAI's chat format adds


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens of one abstract, all its requests together; `prefix` is the part that never varies."""

    requests: int
    prefix: int
    asked: int
    written: int


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=_MODELS, help="priced models, with commas")
    given = parser.parse_args()
    os.chdir(ROOT)
    count = _counter()
    papers, replies, bodies = _ours()
    ways = {"claimgrid": _loads([[body] for body in bodies], replies, count)}
    theirs = [_as_langextract(reply) for reply in replies]
    for chars in (10_000, 1_000):
        try:
            sent = _langextract(papers, chars)
        except ModuleNotFoundError as error:
            print(f"langextract skipped: {error.name} is not installed")
            break
        ways[f"langextract, {chars:,} characters a chunk"] = _loads(sent, theirs, count)
    print(f"{len(papers)} seed abstracts, means; o200k_base\n")
    print(f"{'':38}{'requests':>9}{'in':>8}{'static':>8}{'out':>7}")
    for name, loads in ways.items():
        asked = _mean(load.asked for load in loads)
        static = _mean(load.prefix for load in loads) / asked
        written = _mean(load.written for load in loads)
        requests = _mean(load.requests for load in loads)
        print(f"{name:38}{requests:9.2f}{asked:8.0f}{static:8.0%}{written:7.0f}")
    print("\nUS dollars for 1,000 abstracts at list price: plain / with the static prefix cached")
    for model in given.models.split(","):
        costs = [f"{name} {_cost(loads, model)}" for name, loads in ways.items()]
        print(f"{model:18}" + "; ".join(costs))
    _packed(papers, ways["claimgrid"], given.models.split(","), count)


def _counter() -> Count:
    """Tokens of a text by o200k_base, from a package that ships the vocabulary."""
    import bpe_openai

    encoding = bpe_openai.get_encoding("o200k_base")
    return lambda text: len(encoding.encode_ordinary(text))


def _ours() -> tuple[list[Any], list[str], list[dict[str, Any]]]:
    """The seed papers, their recorded replies' text, and what is sent for each."""
    from claimgrid import settings, sources
    from claimgrid.engines.session import open_session
    from claimgrid.types.paper import Paper
    from claimgrid.types.request import reply_schema

    session = open_session(settings.load())
    papers = [item for item in sources.read("seeds/") if isinstance(item, Paper)]
    replies, bodies = [], []
    for paper in papers:
        request = session.request(paper)
        recorded = session.recordings.get(request.model, request.key)
        if recorded is None:
            raise SystemExit(f"no recording for {paper.title!r}; see CONTRIBUTING.md")
        replies.append(recorded.attempts[-1].body["choices"][0]["message"]["content"])
        bodies.append({"messages": list(request.messages), "schema": json.loads(reply_schema())})
    return papers, replies, bodies


def _langextract(papers: Iterable[Any], chars: int) -> list[list[dict[str, Any]]]:
    """The bodies that langextract sends for each paper."""
    import langextract as lx

    from peers import langextract_settings
    from server import Server

    sent = []
    settled = langextract_settings() | {"max_char_buffer": chars}
    for paper in papers:
        with (
            Server(_nothing) as server,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            config = lx.factory.ModelConfig(
                model_id="m",
                provider="OpenAILanguageModel",
                provider_kwargs={"api_key": "none", "base_url": server.url},
            )
            lx.extract(paper.abstract, config=config, show_progress=False, **settled)
        sent.append(server.requests)
    return sent


def _nothing(*_: Any) -> Any:
    from server import completion

    return completion('{"extractions": []}')


def _as_langextract(reply: str) -> str:
    """The same items as langextract has a model write them."""
    found = [
        {kind: item["quote"], f"{kind}_attributes": {k: v for k, v in item.items() if k != "quote"}}
        for kind, items in json.loads(reply).items()
        for item in items
    ]
    return json.dumps({"extractions": found}, ensure_ascii=False)


def _loads(sent: list[list[dict[str, Any]]], replies: list[str], count: Count) -> list[Load]:
    everything = [_texts(body) for bodies in sent for body in bodies]
    common = _common(["\0".join(texts) for texts in everything])
    prefix = count(common) + _MESSAGE * common.count("\0")
    return [
        Load(
            requests=len(bodies),
            prefix=prefix * len(bodies),
            asked=sum(_tokens(body, count) for body in bodies),
            written=count(reply),
        )
        for bodies, reply in zip(sent, replies, strict=True)
    ]


def _common(texts: list[str]) -> str:
    """How all the texts begin."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in alike)


def _texts(body: dict[str, Any]) -> list[str]:
    """What a model reads, the schema first: providers put it before the messages."""
    schema = [json.dumps(body["schema"])] if "schema" in body else []
    return [*schema, *(str(message["content"]) for message in body["messages"])]


def _tokens(body: dict[str, Any], count: Count) -> int:
    texts = _texts(body)
    return sum(map(count, texts)) + _MESSAGE * len(body["messages"]) + _BEGIN


def _cost(loads: list[Load], model: str) -> str:
    from genai_prices import Usage, calc_price

    def usd(cached: float) -> float:
        usage = Usage(
            input_tokens=round(1000 * _mean(load.asked for load in loads)),
            cache_read_tokens=round(1000 * cached),
            output_tokens=round(1000 * _mean(load.written for load in loads)),
        )
        return float(calc_price(usage, model_ref=model).total_price)

    try:
        prefix = _mean(load.prefix for load in loads)
        return f"${usd(0):.2f} / ${usd(prefix):.2f}"
    except LookupError:
        return "no price known"


def _packed(papers: list[Any], loads: list[Load], models: list[str], count: Count) -> None:
    """What `--pack N` really sends for the same abstracts, per abstract.

    The output is the single replies' own and a few tokens of framing, which are not counted.
    """
    from claimgrid import settings
    from claimgrid.engines.session import open_session
    from claimgrid.extraction import prompt as prompts
    from claimgrid.io import shipped_files
    from claimgrid.types.reply import PackedReply

    session = open_session(settings.load())
    packing = prompts.load(shipped_files.path("prompts/pack.md"))
    schema = count(json.dumps(PackedReply.model_json_schema(), separators=(",", ":")))
    print("\nclaimgrid --pack N, per abstract")
    for many in (2, 5, 14):
        asked, prefix = 0, 0
        for first in range(0, len(papers), many):
            request = prompts.pack(
                [session.request(paper) for paper in papers[first : first + many]], packing
            )
            texts = [count(message["content"]) for message in request.messages]
            asked += schema + sum(texts)
            prefix += schema + sum(texts[:-1])
        each = len(papers)
        written = round(_mean(load.written for load in loads))
        packed = [Load(1, prefix // each, asked // each, written)]
        costs = "; ".join(f"{model} {_cost(packed, model)}" for model in models)
        print(f"N={many:<3} in {asked / each:.0f}; {costs}")


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


if __name__ == "__main__":
    main()
