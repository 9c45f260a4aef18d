"""F1 and speed of a small embedded model, by the way it is asked.

    python benchmarks/embedded.py ABSTRACTS.jsonl GOLD.jsonl [--model NAME] [--adapter FILE]
        [--ways decisions,written,logprobs,free,one-shot | ceiling] [--slots 1,2,4] [--threads N]
        [--papers N] [--naive N]

Ways: `decisions` (one question after another: what is forced is read and not written), `written`
(one request: a grammar forces all words but the decisions, the model writes them all), `logprobs`
(`written`, and the probabilities are asked for), `free` (`written` without the grammar; lines that
answer no question are left out), `one-shot` (the full prompt, the reply held to the JSON schema),
`ceiling` (no model: every decision as gold has it).
For each number of slots the pace is printed, and beside it the
naive way in the same run: one request at a time that reads its whole prompt anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp

from claimgrid import sources
from claimgrid.decisions import candidates, choices, decision_request, grammar
from claimgrid.errors import InvalidReplyError
from claimgrid.evaluate import scoring
from claimgrid.extraction import prompt as prompts
from claimgrid.extraction.pipeline import failed, read_answer
from claimgrid.io import shipped_files
from claimgrid.llm import reply_body, reply_reader, turn_by_turn
from claimgrid.local import model_files, server
from claimgrid.local.server import ServerOptions
from claimgrid.training import training_labels
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply
from claimgrid.types.request import Request, Sampling

SAMPLING = Sampling(0.0, 1024)


def request(way: str, paper: Paper) -> Request:
    if way == "one-shot":
        prompt = prompts.load(shipped_files.path("prompts/claims.md"))
        return prompts.build(paper, prompt, model="m", mode="json_schema", sampling=SAMPLING)
    prompt = prompts.load(shipped_files.path("prompts/decisions.md"))
    return decision_request.build(paper, prompt, model="m", mode="decisions", sampling=SAMPLING)


def whole_grammar(listed: candidates.Candidates) -> str:
    """GBNF whose only words are complete replies to the candidates."""
    asked = listed.questions
    lines = [f"{choices.literal(q.shown + choices.GIVES)} {q.about}" for q in asked]
    rules = {q.about: choices.gbnf(choices.choices(q, listed.names), q.about) for q in asked}
    return f"root ::= {' '.join(lines) or choices.literal(choices.NOTHING)}\n" + "".join(
        rules.values()
    )


def lenient(listed: candidates.Candidates, text: str) -> Reply:
    """The decisions among a reply's lines that answer a question of the list."""
    kept = []
    for question in listed.questions:
        start = question.shown + grammar.GIVES
        line = next((line for line in text.split("\n") if line.startswith(start)), start + "no")
        one = candidates.Candidates(listed.abstract, (question,))
        try:
            grammar.read(one, line)
        except ValueError:
            line = start + "no"
        kept.append(line)
    return grammar.read(listed, "\n".join(kept))


def body(way: str, asked: Request, *, cached: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "messages": [dict(message) for message in asked.messages],
        "temperature": 0.0,
        "max_tokens": SAMPLING.max_tokens,
        "cache_prompt": cached,
    }
    if way in ("written", "logprobs"):
        told["grammar"] = whole_grammar(candidates.candidates_of(asked.abstract))
    if way == "logprobs":
        told |= {"logprobs": True, "top_logprobs": 16}
    if way == "one-shot":
        schema = {"name": "Reply", "schema": asked.reply_model.model_json_schema()}
        told["response_format"] = {"type": "json_schema", "json_schema": schema}
    return told


def read_whole(way: str, reply: Any, asked: Request) -> Reply | None:
    if way == "one-shot":
        found = reply_reader.read(reply, asked)
        return found.reply if found else None
    listed = candidates.candidates_of(asked.abstract)
    text = next(reply_body.texts(reply), "")
    try:
        return lenient(listed, text) if way == "free" else grammar.read(listed, text)
    except ValueError:
        return None


async def ask_all(
    running: server.RunningServer,
    way: str,
    papers: list[Paper],
    at_once: int,
    *,
    cached: bool = True,
) -> tuple[list[Outcome], float, dict[str, float]]:
    gate = asyncio.Semaphore(at_once)
    totals = {"prompt_n": 0.0, "predicted_n": 0.0, "prompt_ms": 0.0, "predicted_ms": 0.0}
    headers = {"authorization": f"Bearer {running.api_key}"}
    url = f"{running.base_url}/chat/completions"

    async def post(http: aiohttp.ClientSession, told: dict[str, Any]) -> Any:
        async with http.post(url, json=told) as said:
            reply = await said.json()
        for name in totals:
            totals[name] += reply.get("timings", {}).get(name, 0)
        return reply

    async def in_turns(http: aiohttp.ClientSession, asked: Request) -> Answer | None:
        assert asked.questions is not None
        by_turn = turn_by_turn.TurnByTurn(url, {})
        bodies: list[Any] = []
        while (turn := asked.questions.after(bodies)) is not None:
            told = json.loads(by_turn.body(asked, turn))
            bodies.append(await post(http, told | {"cache_prompt": cached}))
        try:
            reply, sure = asked.questions.read(bodies)
        except ValueError:
            return None
        return Answer(reply, (), Usage(), "live", "local-server", "m", sure)

    async def one(http: aiohttp.ClientSession, paper: Paper) -> Outcome:
        asked = request(way, paper)
        async with gate:
            if way == "decisions":
                answer = await in_turns(http, asked)
            else:
                reply = await post(http, body(way, asked, cached=cached))
                read = read_whole(way, reply, asked)
                answer = Answer(read, (), Usage(), "live", "local-server", "m") if read else None
        if answer is None:
            return failed(paper, InvalidReplyError("no valid reply", ()), model="m")
        return read_answer(paper, answer)

    limit = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers=headers, timeout=limit) as http:
        began = time.monotonic()
        outcomes = await asyncio.gather(*(one(http, paper) for paper in papers))
        return list(outcomes), time.monotonic() - began, totals


def ceiling(papers: list[Paper], gold: list[dict[str, Any]]) -> list[Outcome]:
    known = {line["id"]: line["claims"] for line in gold}
    outcomes = []
    for paper in papers:
        listed, decided = training_labels.label(paper, known.get(paper.paper_id, []))
        reply = grammar.read(listed, grammar.lines(listed, decided))
        outcomes.append(read_answer(paper, Answer(reply, (), Usage(), "live", "gold", "gold")))
    return outcomes


def report(name: str, gold: list[dict[str, Any]], outcomes: list[Outcome], seconds: float) -> None:
    papers = {outcome.paper.paper_id for outcome in outcomes}
    wanted = [line for line in gold if line.get("id") in papers] or gold
    claims = [claim for outcome in outcomes for claim in outcome.claims]
    score = scoring.evaluate(wanted, [outcome.paper for outcome in outcomes], claims)
    total, kinds = score.total, score.kinds
    invalid = sum(outcome.paper.status not in ("claims", "no_claims") for outcome in outcomes)
    by_kind = ", ".join(f"{kind} {one.f1:.2f}" for kind, one in kinds.items())
    print(
        f"{name:<28} P {total.precision:.3f} R {total.recall:.3f} F1 {total.f1:.3f} "
        f"({by_kind}); {invalid} invalid; {len(outcomes) / seconds * 60:.1f} abstracts/min",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("abstracts")
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", default="embedded/smollm2-135m")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--ways", default="decisions")
    parser.add_argument("--slots", default="2")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--papers", type=int)
    parser.add_argument("--naive", type=int, default=0)
    given = parser.parse_args()
    papers = [item for item in sources.read(given.abstracts) if isinstance(item, Paper)]
    papers = papers[: given.papers]
    gold = scoring.read_gold(given.gold)
    if given.ways == "ceiling":
        began = time.monotonic()
        outcomes = ceiling(papers, gold)
        report("ceiling", gold, outcomes, time.monotonic() - began)
        return
    model = model_files.resolve(given.model, given.adapter)
    for slots in (int(n) for n in given.slots.split(",")):
        for way in given.ways.split(","):
            context = 8192 if way == "one-shot" else 3072
            running = server.start(
                model, ServerOptions(threads=given.threads, slots=slots, context=context)
            )
            try:
                warm = asyncio.run(ask_all(running, way, papers[:1], 1))
                del warm
                outcomes, seconds, told = asyncio.run(ask_all(running, way, papers, slots))
                report(f"{way}, {slots} slot(s)", gold, outcomes, seconds)
                for part in ("prompt", "predicted"):
                    rate = told[f"{part}_n"] / max(told[f"{part}_ms"] / 1000, 1e-9)
                    each = told[f"{part}_n"] / len(papers)
                    print(f"    {part}: {each:.0f} tokens an abstract, {rate:.0f} tokens/s a slot")
                if given.naive:
                    few = papers[: given.naive]
                    _, naive, _ = asyncio.run(ask_all(running, way, few, 1, cached=False))
                    _, ours, _ = asyncio.run(ask_all(running, way, few, slots))
                    print(f"    {len(few)} abstracts: {naive / ours:.2f} times the naive pace")
            finally:
                running.close()


if __name__ == "__main__":
    main()
