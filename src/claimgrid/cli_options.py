"""Options that several commands of `extract` share. Imports nothing but click."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)


def model_options(command: Command) -> Command:
    """The options that decide which model is asked, and how."""
    for option in reversed(
        (
            click.option(
                "--model",
                metavar="NAME",
                help="Model to ask: openai/NAME, anthropic/NAME, google/NAME, or the name that a "
                "server behind --base-url knows. Without it, recordings answer.",
            ),
            click.option(
                "--base-url",
                metavar="URL",
                help="OpenAI-compatible server (vLLM, Ollama, llama.cpp, OpenRouter …); also "
                "OPENAI_BASE_URL.",
            ),
            click.option(
                "--mode",
                type=click.Choice(["json_schema", "tools", "json", "md_json", "decisions"]),
                help="How the reply is held to its schema. Default: json_schema for openai, tools "
                "for anthropic, json for google.",
            ),
            click.option("--prompt", type=PATH, help="Prompt file instead of prompts/claims.md."),
            click.option(
                "--recordings",
                type=PATH,
                help="Folder of recorded replies. Default: fixtures/recordings.",
            ),
            click.option(
                "--temperature",
                metavar="T",
                help="Sampling temperature, or none to leave it to the server. Default: the "
                "prompt file's.",
            ),
            click.option("--max-tokens", type=int, metavar="N", help="Longest reply, in tokens."),
        )
    ):
        command = option(command)
    return command
