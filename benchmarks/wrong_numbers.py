"""Counts wrong numbers: copied words whose digits differ from the value that is read from them.

    python benchmarks/wrong_numbers.py ABSTRACTS.jsonl[.gz] [--values N] [--seed S] [--show N]

Spans around numbers are found by a plain search for digits with the words beside them, not by our
lexer. Each is claimed as a benchmark, an efficiency, a speedup, a device count and a model size. An
oracle of its own (below) says which numbers the copied words can mean; a claim with any other
number is wrong. A refusal is never wrong, and is counted by its reason.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from claimgrid.extraction.pipeline import read_answer
from claimgrid.types.answer import Answer, Usage
from claimgrid.types.claim import Claim
from claimgrid.types.paper import Paper
from claimgrid.types.reply import Reply

SPAN = re.compile(
    r"(?:[\w$\\{~<>±+−–-]+[ ]){0,2}[$\\{~(\[<>±+−-]{0,3}[0-9][0-9.,'_]*"
    r"(?:[^\s0-9]{0,8}[0-9][0-9.,]*){0,2}[^\s]{0,10}(?:[ ][^\s.;:]{1,14}){0,2}"
)
MAGNITUDES = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12,
    "quadrillion": 1e15,
    "quintillion": 1e18, "lakh": 1e5, "crore": 1e7,
    "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "g": 1e9, "bn": 1e9, "mn": 1e6,
}  # fmt: skip
NUMBER = re.compile(r"[0-9]+(?:[.,' _][0-9]+)*")
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "half": 0.5, "third": 1 / 3, "quarter": 0.25, "tenth": 0.1, "twice": 2,
    "double": 2, "twelve": 12, "sixteen": 16, "twenty": 20, "thirty": 30, "hundred": 100,
    "eleven": 11, "thirteen": 13, "fourteen": 14, "fifteen": 15, "seventeen": 17, "eighteen": 18,
    "nineteen": 19, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "fifth": 0.2, "triple": 3, "thrice": 3, "zero": 0, "twofold": 2, "fourfold": 4,
    "tenfold": 10, "threefold": 3, "fivefold": 5, "order": 10, "doubled": 2, "halved": 2,
    "doubling": 2, "halving": 2, "doubles": 2, "halves": 2, "tripling": 3, "quadruple": 4,
    "eighth": 0.125, "triples": 3, "tripled": 3, "thousand": 1e3, "million": 1e6, "billion": 1e9,
    "trillion": 1e12, "dozen": 12, "single": 1, "a": 1, "an": 1,
}  # fmt: skip
TEN_TO = re.compile(r"(?:×|x|\*)? ?10\^?\(?([-−]?[0-9]{1,2})|[eE]([-+]?[0-9]+)")
RAISED = re.compile(r" ?(?:\^|\*\*) ?\(?([-−+]?[0-9]{1,3})")
TIGHT = re.compile(r"[0-9] ?([KkMBbTGn]{1,2})(?![a-z])")
RAISED_TO = re.compile(r"(?<![0-9])[0-9]+ ?(?:\^|\*\*) ?\(?[-−+]?[0-9]{1,3}\)?")
GROUPS = re.compile(r"(?<![0-9])([0-9]{1,3})[ \u2009\u202f]([0-9]{3})(?![0-9])")
NAMES = re.compile(
    r"(?:[0-9]{1,2}(?=[A-Z][A-Za-z]))?[A-Za-z_][\w.+/-]*[0-9][\w.-]*"
    r"|(?<=[A-Za-z] )[0-9.]{1,4}(?= [A-Z])"
)
ASIDE = re.compile(r"(?:±|\+/-|\+-|of|/|per|\^|out of) ?\(?[0-9.,]+|\([0-9]+\)|\[[0-9, ]+\]")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Runs of characters around digits, as a careless model would copy them."""
    for match in SPAN.finditer(text):
        yield match.span()


def plain(words: str) -> str:
    """The copied words without the markup that stands inside or beside numbers."""
    text = unicodedata.normalize("NFKC", words).replace("\\,", " ").replace("{,}", ",")
    text = re.sub(r"\{([0-9]+)\}\{([0-9]+)\}", r"\1/\2", text)  # what is left of \frac
    text = re.sub(r"\\(?:times|cdot)\s?", "×", text)
    text = re.sub(r"\\(?:sim|to)\s?", "~", re.sub(r"\\pm\s?", "±", text))
    return re.sub(r"\\[A-Za-z]+|[${}\\]", "", text)


def meanings(words: str) -> list[float]:
    """Every value that one number of the words can mean: digits, with or without a magnitude."""
    text = plain(words)
    tight = [MAGNITUDES[w.lower()] for w in TIGHT.findall(text) if w.lower() in MAGNITUDES]
    found: list[float] = []
    for match in NUMBER.finditer(text):
        behind = text[match.end() :]
        after = re.match(r"[ -]?([A-Za-z]+)", behind)
        scale = MAGNITUDES.get(after[1].lower()) if after else None
        if after and scale is None and after[1][0] in "KkMBbTG":
            scale = MAGNITUDES[after[1][0].lower()]
        named = [w.lower() for w in re.findall(r"[A-Za-z]+", behind)]
        later = [MAGNITUDES[w] for w in named if w in MAGNITUDES] + tight
        power = TEN_TO.search(behind)
        if power:
            later.append(10.0 ** int((power[1] or power[2]).replace("−", "-")))
        raised = RAISED.match(behind)
        for digits in _literals(match.group()):
            if raised and 0 < digits < 1e3:
                found.append(digits ** int(raised[1].replace("−", "-")))
            found += [digits, digits * (scale or 1), *(digits * factor for factor in later)]
    return found + [WORDS[w.lower()] for w in re.findall(r"[A-Za-z]+", text) if w.lower() in WORDS]


def _literals(digits: str) -> set[float]:
    """The values of digits with separators: a comma groups, or is a decimal one."""
    bare = re.sub(r"[,' _]", "", digits)
    made = {bare} if bare.count(".") <= 1 else set()
    if re.fullmatch(r"[0-9]+,[0-9]{1,3}", digits):
        made.add(digits.replace(",", "."))
    made |= {part for part in re.split(r"[,' _]", digits) if part.count(".") <= 1 and part}
    return {float(text) for text in made}


def numbers_of(claim: Claim) -> list[float]:
    """The numbers that a claim line says."""
    if claim.kind == "hardware":
        return [float(n) for n in (claim.count,) if n is not None]
    if claim.value is None or claim.value.low is None or claim.value.high is None:
        return []
    return [claim.value.low, claim.value.high]


def is_wrong(claim: Claim, words: str) -> str | None:
    """What is wrong with a claim of these words, or None."""
    allowed = meanings(words)
    ours = numbers_of(claim)
    if claim.kind == "hardware" and claim.nodes and claim.per_node:
        # "100 nodes, each with eight": the total is worked out, and the nodes may be copied.
        ours = [n for n in (claim.count, claim.nodes, claim.per_node) if n in allowed] or ours
    for number in ours:
        if not any(_same(abs(number), value) for value in allowed) and not _made(
            abs(number), allowed
        ):
            return f"{number!r} is none of {sorted(set(allowed))[:12]}"
    return _unsaid(words, ours)


def _made(number: float, allowed: list[float]) -> bool:
    """Fractions, products of experts, sums of a duration, percent converted between units."""
    made: list[float] = []
    for a in allowed:
        for b in allowed:
            made += [a / b] if b else []
            made += [a * b, a + b, a + b / 60, a + b / 24]
            made += [a**b] if 0 < b < 40 and a < 1e4 else []
        made += [10.0**a] if a < 40 else []
    return any(_same(number, value) for value in made) or any(
        _same(number * 10**n, a) for a in allowed for n in (3, 6, 9)
    )


def _unsaid(words: str, ours: list[float]) -> str | None:
    """Digits of the copied words that no number of the claim accounts for.

    Left alone are digits of names (`H100`), of units (`mm2`, `per 1,000`), error bars and totals.
    """
    allowed = meanings(words)
    if not ours or any(not any(_same(abs(n), a) for a in allowed) for n in ours):
        return None  # made of several numbers: `is_wrong` has looked at it
    text = RAISED_TO.sub(" ", GROUPS.sub(r"\1\2", plain(words)))
    text = ASIDE.sub(" ", NAMES.sub(" ", text))
    left = [
        match.group()
        for match in NUMBER.finditer(text)
        if not any(_same(abs(n), v) for n in ours for v in meanings(text[match.start() :][:40]))
        and not any(_same(abs(n), a) for n in ours for a in _scaled(match.group()))
    ]
    every = left and len(left) == len(NUMBER.findall(text))
    return f"{left} of the words is in no number" if every else None


def _scaled(digits: str) -> list[float]:
    return [value * 10.0**n for value in _literals(digits) for n in range(-80, 81)]


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-12)


def claims_of(words: str) -> dict[str, list[dict[str, str]]]:
    """One item of each kind that claims the words."""
    base = {"quote": words, "value": words}
    return {
        "benchmarks": [base],
        "efficiencies": [base],
        "speedups": [base | {"change": "up"}],
        "hardware": [{"quote": words, "device": "GPU", "count": words}],
        "model_sizes": [{"quote": words, "total": words}],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("abstracts", type=Path)
    parser.add_argument("--values", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    opened = gzip.open if options.abstracts.suffix == ".gz" else open
    with opened(options.abstracts, "rt", encoding="utf-8") as lines:
        abstracts = [json.loads(line)["abstract"] for line in lines]
    chosen = random.Random(options.seed)
    chosen.shuffle(abstracts)
    copied = read = 0
    refused: Counter[str] = Counter()
    wrong: list[str] = []
    for text in abstracts:
        for start, end in spans(text):
            if copied == options.values:
                break
            words = text[start:end]
            copied += 1
            reply = Reply.model_validate(claims_of(words))
            answer = Answer(reply, (), Usage(), "recording", "benchmark", "any")
            outcome = read_answer(Paper(paper_id="p", title="", abstract=text), answer)
            refused.update(
                f"{line.kind} {line.reason}"
                for line in outcome.rejected
                if not line.field or line.field in ("value", "total")
            )
            for claim in outcome.claims:
                read += 1
                why = is_wrong(claim, words)
                if why is not None:
                    wrong.append(f"{claim.kind}: {words!r}: {claim.value}: {why}")
    print(f"copied values      {copied:,}")
    print(f"claims read        {read:,}")
    print(f"refused            {sum(refused.values()):,}")
    for reason, count in refused.most_common(12):
        print(f"  {reason:36}{count:8,}")
    print(f"wrong numbers      {len(wrong):,}")
    for line in wrong[: options.show]:
        print("  " + line)
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
