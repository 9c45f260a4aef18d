"""The words by which servers say why they do not reply, and what to do about each.

They were collected from OpenAI, Azure, vLLM, llama.cpp, Ollama, LM Studio, OpenRouter, LiteLLM,
Groq, Together, DeepSeek, DashScope, MiniMax, Anthropic and Gemini.
"""

from __future__ import annotations

import re


def words(*patterns: str) -> re.Pattern[str]:
    """A pattern for any of these, in upper or lower case."""
    return re.compile("|".join(patterns), re.I)


FILTERED = words(
    r"content[ _-]?(filter|policy|management)", r"responsibleai", r"data_?inspection_?failed",
    r"(flagged|blocked) (by|for|as|due)", r"moderation", r"safety (system|filter|reasons)",
    r"inappropriate content", r"sensitive (content|words?|information)", r"usage polic",
    r"prohibited content",
)  # fmt: skip
NO_MONEY = words(
    r"insufficient[ _](quota|balance|credits?|funds)", r"exceeded your current quota",
    r"(credit|account) balance is (too low|not enough|insufficient)", r"out of credits?",
    r"no (remaining )?credits", r"requires (more|at least .*) credits", r"payment required",
    r"billing_(hard_limit|not_active)", r"in arrears", r"(spend|spending|budget|usage) limit",
    r"budget has been exceeded", r"exceeded budget",
    r"account (is|has been) (not active|suspended)",
)  # fmt: skip
RATE = words(
    r"rate.?limit", r"too many requests", r"(try again|retry) (in|after) \d", r"per minute",
    r"\b[rt]pm\b",
)  # fmt: skip
BAD_KEY = words(
    r"api.?key (is )?(not valid|invalid|missing|expired)",
    r"(invalid|incorrect|missing|no|wrong) api.?key", r"api_key_invalid", r"not authenticated",
    r"unauthori[sz]ed", r"authentication", r"invalid token", r"login fail",
)  # fmt: skip
NO_MODEL = words(
    r"model_not_(found|supported)",
    r"model\b.{0,80}(does not exist|not found|is not available|not exist)",
    r"no models? (is |are )?(loaded|found)", r"unknown model", r"invalid model",
    r"not a valid model", r"no such model", r"no endpoints found",
)  # fmt: skip
TOO_LONG = words(
    r"(context|sequence).?(length|size|window|limit)",
    r"(prompt|input|request|message)s? (is|are|was) too (long|large)",
    r"too many (input |prompt )?tokens", r"(input|prompt) tokens?.{0,40}(exceed|limit|maximum)",
    r"reduce the length", r"exceeds? the (model.?s? )?(maximum|max|limit|available)",
    r"maximum (number of )?(input|prompt) tokens", r"request_too_large",
)  # fmt: skip
OUTPUT_LIMIT = words(
    r"could not finish the message because max_tokens", r"model output limit",
)  # fmt: skip
REPLY_LIMIT = words(
    r"max_(completion_|output_|new_)?tokens",
)  # fmt: skip
TOO_MUCH = words(
    "too (large|high|big)", "at most", "exceed", "maximum", "less than", "no more than", "range",
    "between", "greater than", "<=",
)  # fmt: skip
ABOUT_INPUT = words(
    r"context", r"prompt", r"input", r"messages",
)  # fmt: skip
FORM = words(
    r"response_format", r"json[ _-]?(schema|object|mode|validate)", r"structured output",
    r"\bguided", r"grammar", r"additionalproperties", r"invalid schema", r"\btools?\b",
    r"tool_choice", r"function.?call", r"roles? must alternate",
    r"(system|developer)'? (role|message|prompt|instruction)", r"only user and assistant roles",
    r"generate json",
)  # fmt: skip
PARAMETER = words(
    FORM.pattern, r"temperature", r"max_(completion_)?tokens", r"\bstream",
    r"(unsupported|unknown|invalid|unexpected) (parameter|argument|field|name|value)",
    r"unrecognized", r"extra (inputs|fields)", r"not permitted", r"enable_thinking",
)  # fmt: skip
# What to do about a refused parameter; the first that fits.
WAYS = (
    (words("temperature"), "pass --temperature none"),
    (words("tool", "function.?call"), "try --mode json or --mode md_json"),
    (
        words("response_format", "json", "structured", "guided", "grammar", "schema", "properties"),
        "try --mode json or --mode md_json",
    ),
    (
        words(
            "roles? must alternate",
            "(system|developer)'? (role|message|prompt|instruction)",
            "only user and assistant",
        ),
        "this model's chat template refuses these messages: ask another model",
    ),
    (
        words("max_(completion_)?tokens.{0,40}(unsupported|not supported)"),
        "ask through another server",
    ),
    (words("max_(completion_)?tokens"), "pass a smaller --max-tokens"),
    (words(r"\bstream", "enable_thinking"), "ask a model that answers without streaming"),
)
