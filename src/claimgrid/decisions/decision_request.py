"""A way to read claims that suits small models: the code finds the candidates, the model decides.

One request a paper: `questions` lists everything in the abstract that may be a claim, and a grammar
(`form`) leaves the model nothing to write but one short decision on each.
"""

from __future__ import annotations

import functools

from claimgrid.decisions import candidates, grammar
from claimgrid.extraction import prompt as prompts
from claimgrid.extraction.prompt import Prompt
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request, Sampling


def build(
    paper: Paper, prompt: Prompt, *, model: str, mode: str, sampling: Sampling | None = None
) -> Request:
    """The request that asks `model` for a decision on each candidate of `paper`.

    The server must hold the reply to the request's GBNF grammar, as llama.cpp's does.
    """
    asked = candidates.candidates_of(paper.abstract)
    return prompts.constrained(
        paper,
        prompt,
        model=model,
        mode=mode,
        sampling=sampling or Sampling(prompt.temperature, prompt.max_tokens),
        grammar=grammar.grammar(asked),
        parse=functools.partial(grammar.read, asked),
    )
