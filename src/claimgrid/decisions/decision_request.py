"""A way to read claims that suits small models: the code finds the candidates, the model decides.

`candidates` lists everything in the abstract that may be a claim. Each is a question, and a grammar
(`choices`) leaves the model nothing to write but one short decision on it.
"""

from __future__ import annotations

from claimgrid.decisions import candidates
from claimgrid.decisions.turns import Turns
from claimgrid.extraction import prompt as prompts
from claimgrid.extraction.prompt import Prompt
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request, Sampling


def build(
    paper: Paper, prompt: Prompt, *, model: str, mode: str, sampling: Sampling | None = None
) -> Request:
    """The request that asks `model` for a decision on each candidate of `paper`.

    The server must hold replies to GBNF grammars and go on with a reply that is begun, as
    llama.cpp's does.
    """
    asked = Turns(candidates.candidates_of(paper.abstract))
    return prompts.constrained(
        paper,
        prompt,
        model=model,
        mode=mode,
        sampling=sampling or Sampling(prompt.temperature, prompt.max_tokens),
        grammars=asked.grammars,
        questions=asked,
    )
