"""Coverage-guided fuzzing of the same checks, for as long as one likes; needs `atheris`.

    pip install atheris
    python tests/fuzz/run_atheris.py [-max_total_time=300] [FOLDER]

Without atheris it says so and ends. Arguments are libFuzzer's; a FOLDER keeps the inputs that
reached new code. An input that breaks a check is written as `crash-…`: make a case of it in
`corpus/` (the abstract, and the words or the reply) and mend what it broke.
"""

from __future__ import annotations

import sys
from typing import Any

try:
    import atheris
except ImportError:
    sys.exit("atheris is not installed: pip install atheris")

with atheris.instrument_imports(include=["claimgrid"]):
    from fuzz_checks import check_body, check_reply, check_text, check_words

LONGEST = 400  # code points of an abstract; more only slows the search


def one_input(raw: bytes) -> None:
    """An abstract, words and a reply of every kind from one string of bytes, all checked."""
    data = atheris.FuzzedDataProvider(raw)
    text = data.ConsumeUnicodeNoSurrogates(LONGEST)
    check_text(text)
    check_words(text, _words(data, text))
    check_reply(text, _reply(data, text))
    check_body(data.ConsumeUnicodeNoSurrogates(LONGEST))


def _words(data: Any, text: str) -> str:
    """A slice of the text, or other words."""
    if not text or data.ConsumeIntInRange(0, 7) == 0:
        return str(data.ConsumeUnicodeNoSurrogates(40))
    start = data.ConsumeIntInRange(0, len(text) - 1)
    return text[start : start + data.ConsumeIntInRange(1, 60)]


def _reply(data: Any, text: str) -> dict[str, Any]:
    """One item of each kind."""

    def words() -> str:
        return _words(data, text)

    change = data.PickValueInList(["up", "down", "of", "from_to"])
    number = {"quote": words(), "value": words(), "subject": words()}
    return {
        "benchmarks": [number | {"benchmark": words(), "baselines": [words()]}],
        "speedups": [number | {"change": change, "better": data.ConsumeBool()}],
        "efficiencies": [number | {"unit": words(), "hardware": [words()]}],
        "hardware": [{"quote": words(), "device": words(), "count": words(), "nodes": words()}],
        "model_sizes": [{"quote": words(), "total": words(), "active": words()}],
    }


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
