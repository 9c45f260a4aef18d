# ruff: noqa: E501 a table is easier to read with its long lines
"""Quirks of servers and models, by rule: what is sent, and what has to come of it.

`tests/test_quirks.py` runs each against a real HTTP server on loopback, and `docs/make_quirks.py`
writes what came of it into `docs/quirks.md`. The quirks are those of public issue trackers, with an
invented paper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from odd_server import ABSTRACT, GOOD, REPLY, always
from server import Say, completion

TEXT = json.dumps(REPLY)
LATEX = r"We present Zephyr. Zephyr is $2.4\times$ faster and saves 45\% of memory in $\nu$-mode."
LATEX_REPLY = (
    r'{"speedups": [{"quote": "Zephyr is $2.4\\times$ faster", "value": "$2.4\\times$", "change":'
    r' "up", "subject": "Zephyr"}, {"quote": "saves 45\\% of memory", "value": "45\\%", "change":'
    r' "down", "metric": "memory", "subject": "Zephyr"}]}'
)
Script = Callable[[int, Any], Say]


@dataclass(frozen=True)
class Quirk:
    """One quirk.

    Args:
        rule: what it is about.
        who: where it was seen.
        claims, requests, status: what has to come of it.
        says: words of the paper's reason.
        adapted: words of the change that the summary tells.
        stops: whether the run stops at it.
    """

    rule: str
    name: str
    who: str
    script: Script
    claims: int = 2
    requests: int = 1
    status: str = "claims"
    says: str = ""
    adapted: str = ""
    stops: bool = False
    abstract: str = ABSTRACT
    mode: str | None = None
    rejected: int = 0


def message(**fields: Any) -> Say:
    """A chat completion whose message has these fields."""
    finish = fields.pop("finish", "stop")
    choice = {"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": finish}
    return Say({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}})  # fmt: skip


def error(status: int, said: str, headers: dict[str, str] | None = None, /, **more: Any) -> Say:
    """A refusal as OpenAI writes it."""
    return Say({"error": {"message": said, **more}}, status, headers or {})


def unless(ok: Callable[[Any], bool], refusal: Say) -> Script:
    """A server that refuses what is not `ok`."""
    return lambda _, body: GOOD if ok(body) else refusal


def _read() -> Iterator[tuple[str, str, Say]]:
    """A right reply in an odd form: it is read, in one request."""
    wrapped = {
        "thoughts before the JSON": ("Qwen, DeepSeek", f"<think>Hm, {{x}}.</think>\n{TEXT}"),
        "thoughts with a draft in them": (
            "DeepSeek R1", f'<think>Maybe {{"speedups": []}}?</think>{TEXT}'),
        "thoughts that were opened in the prompt": ("vLLM", f"Hm.\n</think>\n{TEXT}"),
        "thoughts as [THINK]": ("Magistral", f"[THINK]Hm.[/THINK]{TEXT}"),
        "thoughts as ◁think▷": ("Kimi", f"◁think▷Hm.◁/think▷{TEXT}"),
        "channels of Harmony": ("gpt-oss", f"<|channel|>analysis<|message|>Hm.<|end|><|start|>"
                                f"assistant<|channel|>final<|message|>{TEXT}<|return|>"),
        "prose before and after": ("many", f"Here you are:\n{TEXT}\nI hope this helps!"),
        "braces in the prose before": ("many", f"The set {{a, b}} and [1]: {TEXT}"),
        "a fence": ("many", f"```json\n{TEXT}\n```"),
        "a fence of tildes": ("many", f"~~~\n{TEXT}\n~~~"),
        "a fence named json5, not closed": ("many", f"```json5\n{TEXT}"),
        "a fence after prose": ("many", f"Sure:\n\n```\n{TEXT}\n```\nDone."),
        "a byte order mark": ("proxies", "\ufeff" + TEXT),
        "a zero byte at the end": ("llama.cpp", TEXT + "\x00"),
        "an end token": ("llama.cpp", TEXT + "<|eot_id|>"),
        "</s> at the end": ("llama.cpp", TEXT + "</s>"),
        "JSON in a JSON string": ("LiteLLM", json.dumps(TEXT)),
        "JSON in a JSON string, twice": ("LiteLLM", json.dumps(json.dumps(TEXT))),
        "quotes escaped once too often": ("LM Studio", TEXT.replace('"', '\\"')),
        "quotes as HTML entities": ("proxies", TEXT.replace('"', "&quot;")),
        "trailing commas": ("many", TEXT.replace("}]", "},]").replace('"8"}', '"8",}')),
        "// comments": ("many", TEXT.replace("[{", "[ // the claims\n{")),
        "/* */ comments": ("many", TEXT.replace("[{", "[ /* 3 of 4 */ {")),
        "# comments": ("Python", "# the claims\n" + TEXT.replace('"hardware"', '\n# 2\n"hardware"')),
        "Python's None and True": (
            "many", TEXT.replace('"8"', '"8", "nodes": None').replace('"up"', '"up", "better": True')),
        "single quotes": ("many", TEXT.replace('"', "'")),
        "names without quotes": ("many", TEXT.replace('"speedups"', "speedups")),
        "raw tabs and line breaks": ("many", TEXT.replace("faster than", "faster\tthan")),
        "the last brace is missing": ("Ollama", TEXT[:-1]),
        "one brace too many": ("many", TEXT + "}"),
        "two JSON objects, a list each": ("many", "\n".join(
            json.dumps({name: value}) for name, value in REPLY.items())),
        "a draft, then the reply": ("many", f'{{"speedups": []}}\nNo, better:\n{TEXT}'),
        "wrapped in Reply": ("instructor", json.dumps({"Reply": REPLY})),
        "wrapped in properties": ("Llama", json.dumps({"type": "object", "properties": REPLY})),
        "wrapped as a tool call": ("Llama", json.dumps({"name": "Reply", "parameters": REPLY})),
        "wrapped twice": ("many", json.dumps({"result": {"data": REPLY}})),
        "wrapped as text": ("many", json.dumps({"output": TEXT})),
        "a list of one": ("many", json.dumps([REPLY])),
        "a list with a part each": ("many", json.dumps([{n: v} for n, v in REPLY.items()])),
        "one object where a list is due": (
            "many", json.dumps({name: value[0] for name, value in REPLY.items()})),
        "lists with other names": ("many", json.dumps(
            {"Speedups": REPLY["speedups"], "Hardware": REPLY["hardware"], "modelSizes": None})),
        "claims that name their kind": ("many", json.dumps({"claims": [
            {"kind": "speedup", **REPLY["speedups"][0]},
            {"kind": "hardware", **REPLY["hardware"][0]}]})),
        "a tool call in tags": ("Hermes, Qwen",
                                f'<tool_call>{{"name": "Reply", "arguments": {TEXT}}}</tool_call>'),
        "lists as JSON strings": ("many", json.dumps(
            {name: json.dumps(value) for name, value in REPLY.items()})),
    }  # fmt: skip
    for name, (who, text) in wrapped.items():
        yield name, who, completion(text)
    call = {"id": "c", "type": "function", "function": {"name": "Reply", "arguments": TEXT}}
    as_object = {"id": "c", "type": "function", "function": {"name": "Reply", "arguments": REPLY}}
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": '{"speedups": []}'}]}
    part = {"type": "text", "text": TEXT}
    yield "content parts", "Mistral", message(content=[part])
    yield "content parts with thoughts", "Mistral", message(content=[thinking, part])
    yield "content parts in pieces", "LiteLLM", message(
        content=[{"type": "reasoning", "text": "{}"}, part])  # fmt: skip
    yield "reasoning_content alone", "vLLM", message(content="", reasoning_content=TEXT)
    yield "reasoning alone", "OpenRouter", message(content=None, reasoning=TEXT)
    yield "a tool call where JSON is due", "many", message(
        content=None, tool_calls=[call], finish="tool_calls")  # fmt: skip
    yield "a tool call with an object", "Ollama", message(content="", tool_calls=[as_object])
    yield "a function call of the old kind", "proxies", message(
        content=None, function_call=call["function"])  # fmt: skip
    yield "prose beside a tool call", "many", message(content="I call it.", tool_calls=[call])
    yield "no role, no finish reason", "proxies", Say({"choices": [{"message": {"content": TEXT}}]})


def _streams() -> Iterator[tuple[str, str, Say]]:
    def chunk(**delta: Any) -> bytes:
        finish = delta.pop("finish", None)
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"

    events = {"content-type": "text/event-stream"}
    pieces = [TEXT[i : i + 40] for i in range(0, len(TEXT), 40)]
    whole = b"".join(chunk(content=piece) for piece in pieces) + chunk(finish="stop")
    yield "a stream that nobody asked for", "proxies", Say(whole + b"data: [DONE]\n\n", 200, events)
    yield "a stream labelled as JSON", "proxies", Say(b": ping\n\n" + whole)


def _labels() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], int]]:
    """A field in an odd form: name, changed fields of speed-up and hardware, rejected lines."""
    yield "a number where words are due", {}, {"count": 8}, 0
    yield "a number with its zero", {"value": ["2.4x"]}, {"count": 8}, 0
    yield "an enormous number", {}, {"nodes": 10**400}, 1
    yield "an unknown label", {"metric": "inference speed"}, {}, 0
    yield "a label that says nothing", {"metric": "goodness"}, {}, 1
    yield "a label in capitals", {"change": "UP", "metric": "Training Time"}, {}, 0
    yield "a label in other words", {"change": "increase"}, {"role": "evaluated"}, 1
    yield "a list for a string", {"subject": ["Zephyr"]}, {"device": ["A100 GPUs"]}, 0
    yield "several names for one", {"subject": ["Zephyr", "Zephyr-2"]}, {}, 1
    yield "an object for a string", {"subject": {"name": "Zephyr"}}, {}, 0
    yield "a string for a list", {"baselines": "KiteServe"}, {}, 0
    yield "null for everything optional", {"metric": None, "baselines": None, "bound": None,
                                           "better": None}, {"nodes": None}, 0  # fmt: skip
    yield "null in a list", {"baselines": [None, "KiteServe"]}, {}, 0
    yield "a word for true", {"better": "yes"}, {}, 0
    yield "no truth value", {"better": "rather"}, {}, 1
    yield "fields that nobody knows", {"confidence": 0.9, "id": 3}, {"note": "x"}, 0
    yield "fields in camel case", {"Subject": "Zephyr"}, {"perNode": None}, 0
    yield "half of a character", {"workload": "a\ud83d"}, {}, 1


def _refusals() -> Iterator[tuple[str, str, Callable[[Any], bool], Say, str]]:
    """What a server refuses: name, who, what it takes, what it says, the change."""
    form = "any JSON object instead of a JSON Schema"
    words = "JSON asked for in words alone"

    def no_form(body: Any) -> bool:
        return "response_format" not in body

    def any_json(body: Any) -> bool:
        return body["response_format"]["type"] == "json_object" and "JSON Schema" in str(body)

    yield ("max_tokens", "OpenAI's reasoning models",
           lambda b: "max_tokens" not in b and "max_completion_tokens" in b,
           error(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                 "'max_completion_tokens' instead.", param="max_tokens"), "max_completion_tokens")  # fmt: skip
    yield ("temperature", "OpenAI's reasoning models", lambda b: "temperature" not in b,
           error(400, "Unsupported value: 'temperature' does not support 0 with this model. Only the "
                 "default (1) value is supported.", param="temperature", code="unsupported_value"),
           "no temperature")  # fmt: skip
    yield ("temperature, deprecated", "LiteLLM", lambda b: "temperature" not in b,
           error(400, "litellm.BadRequestError: `temperature` is deprecated for this model."),
           "no temperature")  # fmt: skip
    yield ("json_schema", "DeepSeek", any_json,
           error(400, "This response_format type is unavailable now", type="invalid_request_error"),
           form)  # fmt: skip
    yield ("json_schema, through a gateway", "OpenRouter, Fireworks", any_json,
           error(400, "Provider returned error", code=400, metadata={
               "raw": '{"error": {"message": "json_schema is not supported by this model"}}',
               "provider_name": "Fireworks"}), form)  # fmt: skip
    yield ("json_schema under status 500", "llama.cpp", any_json,
           error(500, "Failed to initialize samplers: failed to parse grammar"), form)  # fmt: skip
    yield ("any response_format", "LM Studio", no_form,
           error(400, "'response_format.type' must be 'text'"), words)  # fmt: skip
    yield ("any response_format, as validation", "FastAPI servers", no_form,
           Say({"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"],
                            "msg": "Extra inputs are not permitted"}]}, 422), words)  # fmt: skip
    yield ("structured outputs, under 404", "OpenRouter", no_form,
           error(404, "No endpoints found that support the requested parameters: response_format",
                 code=404), words)  # fmt: skip
    yield ("guided decoding", "vLLM", no_form,
           Say({"object": "error", "message": "guided decoding backend failed: unsupported schema",
                "type": "BadRequestError", "code": 400}, 400), words)  # fmt: skip
    yield ("schemas that are not strict", "OpenAI, Azure",
           lambda b: b["response_format"]["json_schema"]["schema"].get("additionalProperties")
           is False,
           error(400, "Invalid schema for response_format 'Reply': In context=(), "
                 "'additionalProperties' is required to be supplied and to be false.",
                 param="response_format"), "a strict JSON Schema")  # fmt: skip
    yield (
        "the system role",
        "Gemma's template",
        lambda b: b["messages"][0]["role"] == "user",
        error(400, "System role not supported"),
        "the instructions in the first question",
    )
    yield ("the system role, by name", "o1-mini", lambda b: b["messages"][0]["role"] == "user",
           error(400, "Unsupported value: 'messages[0].role' does not support 'system' with this "
                 "model.", param="messages[0].role"), "the instructions in the first question")  # fmt: skip
    yield ("the order of roles", "Mistral's template",
           lambda b: all(m["role"] == "user" for m in b["messages"][::2]),
           Say({"object": "error", "message": "Conversation roles must alternate user/assistant/"
                "user/assistant/...", "type": "BadRequestError", "code": 400}, 400),
           "the instructions in the first question")  # fmt: skip
    yield ("thinking without a stream", "DashScope", lambda b: b.get("enable_thinking") is False,
           error(400, "parameter.enable_thinking must be set to false for non-streaming calls"),
           "no thinking")  # fmt: skip
    yield ("a long reply", "OpenAI", lambda b: b["max_tokens"] <= 4000,
           error(400, "max_tokens is too large: 16000. This model supports at most 4000 completion "
                 "tokens.", param="max_tokens"), "replies of 4,000 tokens at most")  # fmt: skip
    yield ("a long reply in a short context", "vLLM", lambda b: b["max_tokens"] <= 1096,
           error(400, "'max_tokens' is too large: 4096. This model's maximum context length is 4096 "
                 "tokens and your request has 2984 input tokens"), "tokens at most")  # fmt: skip


def _errors() -> Iterator[tuple[str, str, Say, dict[str, Any]]]:
    """What servers say instead of a reply: name, who, what, and what has to come of it."""
    gone = {"claims": 0, "status": "error"}
    yield "an error inside 200", "gateways", Say({"id": "c", "error": {
        "message": "Upstream idle timeout", "code": 504}, "choices": []}), gone | {
            "requests": 3, "says": "error 504: Upstream idle timeout"}  # fmt: skip
    yield "a 400 inside 200", "gateways", Say({"error": {
        "message": "maximum context length is 4096 tokens", "code": 400}}), gone | {
            "says": "longer than the model takes"}  # fmt: skip
    yield "an error of the choice", "OpenRouter", Say({"choices": [{
        "message": {"content": ""}, "finish_reason": "error",
        "error": {"code": 502, "message": "Upstream broke"}}]}), gone | {
            "requests": 3, "says": "Upstream broke"}  # fmt: skip
    yield "error as text", "Ollama", Say({"error": "out of memory"}, 500), gone | {
        "requests": 3, "says": "500: out of memory"}  # fmt: skip
    yield "detail", "FastAPI", Say({"detail": "The queue is full"}, 503), gone | {
        "requests": 3, "says": "The queue is full"}  # fmt: skip
    yield "detail in a 200", "FastAPI", Say({"detail": "Not authenticated"}), gone | {
        "says": "Not authenticated; check the API key", "stops": True}  # fmt: skip
    yield "base_resp", "MiniMax", Say({"choices": None, "base_resp": {
        "status_code": 1002, "status_msg": "rate limit"}}), gone | {
            "requests": 3, "says": "rate limit"}  # fmt: skip
    yield "errors", "Cloudflare", Say({"success": False, "errors": [
        {"code": 7003, "message": "Could not route to the model"}]}, 400), gone | {
            "says": "Could not route to the model"}  # fmt: skip
    yield "an HTML page", "proxies", Say(
        b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 502,
        {"content-type": "text/html"}), gone | {
            "requests": 3, "says": "a web page “502 Bad Gateway”"}  # fmt: skip
    yield "a sign-in page under 200", "hotels", Say(
        b"<!doctype html><title>Sign in</title>", 200, {"content-type": "text/html"}), gone | {
            "requests": 3, "says": "a web page “Sign in”; check the base URL"}  # fmt: skip
    yield "an empty body", "proxies", Say(b"", 200), gone | {"requests": 3, "says": "an empty body"}
    yield "no resources", "DeepSeek", message(
        content="", finish="insufficient_system_resource"), gone | {
            "requests": 3, "says": "insufficient_system_resource"}  # fmt: skip
    yield "no choices", "vLLM", Say({"choices": []}), {
        "claims": 0, "status": "invalid", "requests": 3, "says": "without choices"}  # fmt: skip
    yield "no text", "many", message(content=""), {
        "claims": 0, "status": "invalid", "requests": 3, "says": "the model wrote no text"}  # fmt: skip
    yield "a redirect", "proxies", Say(b"", 308, {"location": "https://example.org/v1"}), gone | {
        "says": "moved to https://example.org/v1; pass the new address", "stops": True}  # fmt: skip
    refused = {"claims": 0, "status": "refused"}
    yield "a content filter", "Azure", error(
        400, "The response was filtered due to the prompt triggering Azure OpenAI's content "
        "management policy.", code="content_filter"), refused | {"says": "was filtered"}  # fmt: skip
    yield "a content filter, later", "Azure", message(
        content=TEXT[:50], finish="content_filter"), refused  # fmt: skip
    yield (
        "an inspection",
        "DashScope",
        error(400, "Input data may contain inappropriate content.", code="data_inspection_failed"),
        refused,
    )
    yield (
        "moderation under 403",
        "OpenRouter",
        error(
            403,
            "Your input was flagged by moderation",
            code=403,
            metadata={"reasons": ["violence"]},
        ),
        refused,
    )
    yield (
        "the reply's limit under 400",
        "OpenAI",
        error(
            400,
            "Could not finish the message because max_tokens or model output limit was reached.",
        ),
        {"claims": 0, "status": "truncated", "says": "raise --max-tokens"},
    )
    yield "status 201", "proxies", Say(GOOD.body, 201), {}
    yield "a whole reply with finish_reason length", "many", completion(TEXT, finish="length"), {}
    yield "a cut reply with finish_reason length", "many", completion(
        TEXT[:-30], finish="length"), {"claims": 0, "status": "truncated"}  # fmt: skip
    yield "JSON that fails the server's own check", "Groq", error(
        400, "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more "
        "details.", code="json_validate_failed", failed_generation=f"```json\n{TEXT}"), {}  # fmt: skip


def _for_all() -> Iterator[tuple[str, str, Say, str]]:
    """What is the same for all papers: name, who, what, and words of the reason."""
    yield "401", "many", error(401, "Incorrect API key provided"), "check the API key"
    yield (
        "400 of the key",
        "Gemini",
        error(400, "API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT"),
        "check the API key",
    )
    yield "402", "DeepSeek", error(402, "Insufficient Balance"), "no credit left"
    yield "402 for the limit", "OpenRouter", error(
        402, "This request requires more credits, or fewer max_tokens."), "no credit left"  # fmt: skip
    yield "403", "OpenAI", error(403, "Project does not have access to model"), "may not use"
    yield "404 of the model", "vLLM", Say({"object": "error", "message": "The model `odd` does not "
        "exist.", "type": "NotFoundError", "code": 404}, 404), "check the model's name"  # fmt: skip
    yield "404 of the model", "Ollama", Say(
        {"error": 'model "odd" not found, try pulling it first'}, 404), "check the model's name"  # fmt: skip
    yield "404 of the address", "proxies", Say(b"404 page not found", 404), "the base URL"
    yield "400 of the model", "OpenRouter", error(
        400, "odd is not a valid model ID", code=400), "check the model's name"  # fmt: skip
    yield "no model loaded", "LM Studio", error(
        400, "No models loaded. Please load a model in the developer page."), "model's name"  # fmt: skip
    yield "429 of the quota", "OpenAI", error(
        429, "You exceeded your current quota, please check your plan and billing details.",
        type="insufficient_quota", code="insufficient_quota"), "no credit left"  # fmt: skip
    yield "429 of the balance", "Moonshot", error(
        429, "Your account balance is not enough", type="exceeded_current_quota_error"
    ), "no credit left"  # fmt: skip
    yield "400 of the balance", "Anthropic", error(
        400, "Your credit balance is too low to access the API."), "no credit left"  # fmt: skip
    yield "a budget", "LiteLLM", error(
        400, "Budget has been exceeded! Current cost: 1.2, Max budget: 1.0"), "no credit left"  # fmt: skip


def _waits() -> Iterator[tuple[str, str, Say]]:
    """A server that asks to wait a little."""
    yield "retry-after-ms", "Azure, OpenAI", error(429, "slow", {"retry-after-ms": "30"})
    yield "try again in … ms", "OpenAI", error(429, "Rate limit reached. Please try again in 20ms.")
    yield "try again in … s", "Groq", error(
        429, "Rate limit reached for model. Please try again in 0.03s. Need more tokens? Upgrade "
        "at https://example.org/settings/billing")  # fmt: skip
    yield "retryDelay", "Gemini", error(
        429, "You exceeded your current quota, please check your plan and billing details.",
        status="RESOURCE_EXHAUSTED", details=[{"retryDelay": "0.02s"}])  # fmt: skip
    yield "a rate limit of tokens", "Azure", error(
        429, "exceeded token rate limit of your current pricing tier. Please retry after 0.02 "
        "seconds.", {"retry-after": "0"})  # fmt: skip
    yield "overloaded", "Anthropic", Say({"type": "error", "error": {
        "type": "overloaded_error", "message": "Overloaded"}}, 529)  # fmt: skip
    yield "still loading", "llama.cpp", error(503, "Loading model", code=503)
    yield "a timeout of the upstream", "Cloudflare", Say(b"error code: 524", 524)
    yield "too early", "CDNs", Say(b"", 425)
    yield "a 502 in a 200", "gateways", Say({"error": {"code": 502, "message": "upstream"}})


_LATEX = {
    r"\times as tab and imes": LATEX_REPLY.replace("\\\\times", "\\times"),
    r"\% with one backslash": LATEX_REPLY.replace("\\\\%", "\\%"),
    "both": LATEX_REPLY.replace("\\\\", "\\"),
    "two backslashes too many": LATEX_REPLY.replace("\\\\", "\\\\\\\\"),
    "three backslashes": LATEX_REPLY.replace("\\\\", "\\\\\\\\\\\\"),
    "as it should be": LATEX_REPLY,
    "in a fence": f"```json\n{LATEX_REPLY}\n```".replace("\\\\%", "\\%"),
    "in a string": json.dumps(LATEX_REPLY.replace("\\\\times", "\\times")),
    "a line break in a command": LATEX_REPLY.replace(
        '"value": "45', r'"workload": "$\nu$-mode", "value": "45'
    ),
    r"\u of a command that is none of Unicode": LATEX_REPLY.replace(
        '"value": "45', r'"baselines": ["\uparrow"], "value": "45'
    ),
}


def quirks() -> list[Quirk]:
    """All quirks, by rule."""
    made = [
        Quirk("a right reply is read, in one request", name, who, always(say))
        for name, who, say in (*_read(), *_streams())
    ]
    made += [
        Quirk("a right reply is read, in one request", f"JSON in {mode} mode as {name}", "many",
              always(say), mode=mode)
        for mode in ("tools", "json", "md_json")
        for name, _, say in list(_read())[:1] + list(_read())[-7:-3]
    ]  # fmt: skip
    made += [
        Quirk("LaTeX in JSON", name, "many", always(completion(text)), abstract=LATEX,
              rejected=int("none of Unicode" in name))
        for name, text in _LATEX.items()
    ]  # fmt: skip
    for name, speedup, hardware, lost in _labels():
        reply = {
            "speedups": [REPLY["speedups"][0] | speedup],
            "hardware": [REPLY["hardware"][0] | hardware],
        }
        made.append(Quirk("a bad field costs only itself", name, "many",
                          always(completion(json.dumps(reply))), rejected=lost))  # fmt: skip
    for name, who, takes, refusal, change in _refusals():
        made.append(Quirk("learn from a refusal", name, who, unless(takes, refusal),
                          requests=3 if "alone" in change else 2, adapted=change))  # fmt: skip
    made += [Quirk("say what the server said", name, who, always(say), **came)
             for name, who, say, came in _errors()]  # fmt: skip
    made += [Quirk("stop at what is the same for all", name, who, always(say), claims=0,
                   status="error", says=words, stops=True)
             for name, who, say, words in _for_all()]  # fmt: skip
    made += [Quirk("wait where the server asks for it", name, who, always(say, GOOD), requests=2)
             for name, who, say in _waits()]  # fmt: skip
    return made
