"""How langextract is set up for the comparison: a prompt and examples for the same task.

Its prompt is shorter than ours, and it is given the same worked examples as ours has, in its own
form; both facts are in its favour. Used by `throughput.py` and `tokens.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PROMPT = """\
Extract what the abstract claims: benchmark results (benchmarks), relative gains or losses
(speedups), absolute speeds and costs (efficiencies), devices (hardware) and parameter counts
(model_sizes). Use the exact words of the abstract for each extraction, in the order in which they
appear. Give the number as written, the metric, the subject, the baselines, and the bound
(exact, up_to, at_least, about, average) as attributes, where the abstract states them."""


def langextract_settings() -> dict[str, Any]:
    """Arguments of `langextract.extract` that decide what it sends.

    `max_char_buffer` is beyond the longest abstract: one chunk an abstract, its fastest setting.
    """
    import langextract as lx

    from claimgrid.extraction.prompt import load

    examples = []
    for example in load(ROOT / "prompts" / "claims.md").examples:
        found = [
            lx.data.Extraction(
                extraction_class=kind,
                extraction_text=item["quote"],
                attributes={k: _plain(v) for k, v in item.items() if k != "quote"},
            )
            for kind, items in json.loads(example.reply).items()
            for item in items
        ]
        if found:  # it refuses an example without extractions
            examples.append(lx.data.ExampleData(text=example.abstract, extractions=found))
    return {
        "prompt_description": _PROMPT,
        "examples": examples,
        "max_char_buffer": 10_000,
        "fence_output": False,
        "use_schema_constraints": False,
        "prompt_validation_level": lx.prompt_validation.PromptValidationLevel.OFF,
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, list)) else str(value)
