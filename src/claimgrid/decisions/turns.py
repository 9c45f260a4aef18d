"""Asks a small model one question after another, and reads how sure it is of each decision.

The reply of a paper is written line by line. The words of the questions are forced, so the server
does not write them: they are put before the model with all lines so far, of which it has read all
but the last (llama.cpp keeps what it has read). It writes the decision alone, and tells what else
it weighed. The probability of a decision is the one among those that were open to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from claimgrid.decisions import grammar
from claimgrid.decisions.candidates import Candidate, Candidates
from claimgrid.decisions.choices import GIVES, NOTHING, Parts, choices, gbnf, leads, next_words
from claimgrid.llm.reply_body import Token, ending, texts, tokens_of
from claimgrid.types.reply import Reply
from claimgrid.types.request import Confidence, Turn


@dataclass(frozen=True, slots=True)
class Turns:
    """The questions about one abstract, in the order in which they are asked."""

    listed: Candidates

    def after(self, bodies: Sequence[Any]) -> Turn | None:
        """The turn that follows these replies; None after the last, or where one cannot be read."""
        questions = self.listed.questions
        if not questions:
            return None if bodies else Turn("", f'root ::= "{NOTHING}"\n')
        if len(bodies) >= len(questions):
            return None
        try:
            said = [_said(body) for body in bodies]
        except ValueError:
            return None
        question = questions[len(bodies)]
        return Turn(self._written(said) + question.shown + GIVES, gbnf(self._open(question)))

    @property
    def grammars(self) -> str:
        """The questions and what may be decided on each: what a request's key covers."""
        return "".join(
            f"{question.shown}{GIVES}\n{gbnf(self._open(question))}"
            for question in self.listed.questions
        )

    def read(self, bodies: Sequence[Any]) -> tuple[Reply, tuple[Confidence, ...]]:
        """What the decisions in these replies come to, and how likely each claim is.

        Raises:
            ValueError: a reply is missing, or holds no decision on its question.
        """
        if not self.listed.questions:
            return Reply(), ()
        said = [_said(body) for body in bodies]
        decided = grammar.decisions(self.listed, self._written(said))
        sure = []
        for (question, decision), body in zip(decided, bodies, strict=True):
            probability = _probability(tokens_of(body), self._open(question))
            if decision.label != "no" and probability is not None:
                sure.append((question.start, question.end, round(probability, 4)))
        return grammar.reply(self.listed, decided), tuple(sure)

    def _open(self, question: Candidate) -> tuple[Parts, ...]:
        return choices(question, self.listed.names)

    def _written(self, said: Sequence[str]) -> str:
        pairs = zip(self.listed.questions, said, strict=False)
        return "".join(f"{question.shown}{GIVES}{decision}\n" for question, decision in pairs)


def _said(body: Any) -> str:
    """The decision that a reply's body holds, with the blank before it.

    A server may give the lines that were put before the model again; the decision comes last.
    """
    if ending(body) != "complete":
        raise ValueError("the decision is not complete")
    tokens = tokens_of(body)
    if tokens:
        written = b"".join(token.text for token in tokens).decode("utf-8", "replace")
    else:
        written = next(texts(body), "").rstrip("\n").rpartition(GIVES)[2]
    said, _, after = written.partition("\n")
    if after.strip() or not said.startswith(" "):
        raise ValueError(f"{written!r} is not one decision")
    return said


def _probability(tokens: Sequence[Token], sequences: Sequence[Parts]) -> float | None:
    """How likely what was written is, at least, among all that was open; None where nobody says.

    Of each token only alternatives count that a decision could have gone on with, and those that
    begin to write the same decision in other tokens count for it.
    """
    if not tokens:
        return None
    said = b"".join(token.text for token in tokens).partition(b"\n")[0] + b"\n"
    before, likely = b"", 1.0
    for token in tokens:
        if before.endswith(b"\n"):
            break
        same, other = token.probability, 0.0
        for text, probability in token.alternatives:
            if text and said.startswith(before + text):
                same += probability
            elif text and leads(before + text, sequences):
                other += probability
        other += _unlisted(token, next_words(before, sequences))
        likely *= same / (same + other) if same + other else 0.0
        before += token.text
    return likely


def _unlisted(token: Token, words: Iterable[bytes]) -> float:
    """The most that the words can have together of which the server listed no beginning.

    Each is less likely than all that it listed, and all of them share what is left.
    """
    listed = [token.text, *(text for text, _ in token.alternatives)]
    known = [text for text in listed if text.strip(b" ")]
    missed = sum(not any(w.startswith(t) or t.startswith(w) for t in known) for w in words)
    least = min((p for _, p in token.alternatives), default=1.0)
    left = 1.0 - token.probability - sum(p for _, p in token.alternatives)
    return max(0.0, min(missed * least, left))
