"""Options that several commands of `extract` share. Imports little, for a fast start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from claimgrid.modes import MODES

Command = TypeVar("Command", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)


_MODEL = (
    "Model to ask: openai/NAME, anthropic/NAME, google/NAME; reader, which comes with this package "
    "and needs no key; reader+NAME, which asks NAME where the reader is unsure; rules (cue words "
    "alone); embedded/NAME (see `extract models list`), embedded:FILE.gguf, or the name that a "
    "server behind --base-url knows."
)


def model_options(command: Command) -> Command:
    """The options that decide which model is asked, and how."""
    return click.option("--model", metavar="NAME", help=_MODEL)(_how_to_ask(command))


def several_models_options(command: Command) -> Command:
    """The same for a command that may ask several models, or one several times."""
    samples = click.option(
        "--samples",
        type=click.IntRange(1, 50),
        default=1,
        metavar="N",
        help="Ask N times, all but the first at temperature 0.7 unless --temperature says "
        "otherwise: each claim gets its support, and disagreements are listed.",
    )
    models = click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        help=f"{_MODEL} May be repeated: then each claim gets its support, the share of the models "
        "that make it.",
    )
    return models(samples(_how_to_ask(command)))


def _how_to_ask(command: Command) -> Command:
    for option in reversed(
        (
            click.option(
                "--base-url",
                metavar="URL",
                help="OpenAI-compatible server (vLLM, Ollama, llama.cpp, OpenRouter …); also "
                "OPENAI_BASE_URL.",
            ),
            click.option(
                "--mode",
                type=click.Choice(MODES),
                help="How the reply is held to its schema. Default: json_schema for openai, tools "
                "for anthropic, json for google, json_schema or its own for embedded.",
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
            click.option(
                "--adapter",
                type=PATH,
                help="LoRA adapter (a GGUF file) over an embedded model.",
            ),
        )
    ):
        command = option(command)
    return command


def ignore_option(command: Command) -> Command:
    """Which fields make no difference between two runs."""
    return click.option(
        "--ignore",
        multiple=True,
        metavar="FIELD",
        help="A field whose difference makes no change, such as quote; may be repeated.",
    )(command)


def min_confidence_option(command: Command) -> Command:
    """What narrows the claims of a finished run to the sure ones."""
    return click.option(
        "--min-confidence",
        type=click.FloatRange(0, 1),
        metavar="P",
        help="Only claims of at least this confidence; claims without any do not pass.",
    )(command)


SOURCE_OPTIONS = (
    "title_column", "abstract_column", "where", "limit", "sample", "seed", "select",
    "keep_versions",
)  # fmt: skip


def source_options(command: Command) -> Command:
    """Which papers of the sources are taken, and how their columns are read."""
    for option in reversed(
        (
            click.option(
                "--title-col",
                "title_column",
                metavar="NAME",
                help="Column or key of the titles in a table. Default: guessed.",
            ),
            click.option(
                "--abstract-col",
                "abstract_column",
                metavar="NAME",
                help="Column or key of the abstracts in a table. Default: guessed.",
            ),
            click.option(
                "--where",
                metavar="SQL",
                help="Only papers for which this holds, such as \"year >= 2025 and 'cs.DC' in "
                'categories".',
            ),
            click.option(
                "--limit", type=click.IntRange(min=1), metavar="N", help="At most N papers."
            ),
            click.option(
                "--sample", type=click.IntRange(min=1), metavar="N", help="N papers at random."
            ),
            click.option(
                "--seed", type=int, default=0, metavar="S", help="Chooses the sample. Default: 0."
            ),
            click.option(
                "--select",
                type=click.Path(dir_okay=False),
                metavar="FILE",
                help="Only papers whose id, DOI or citation key FILE lists, one a line.",
            ),
            click.option(
                "--keep-versions",
                is_flag=True,
                help="Leave records of the same paper apart, such as preprint and proceedings.",
            ),
        )
    ):
        command = option(command)
    return command


def taken_source_options(flags: dict[str, Any]) -> dict[str, Any]:
    """The options of `source_options`, taken out of all the flags of a command."""
    return {name: flags.pop(name) for name in SOURCE_OPTIONS}


def embedded_options(command: Command) -> Command:
    """How an embedded model is served; without them, the machine and the model decide."""
    for option in reversed(
        (
            click.option(
                "--threads",
                type=int,
                metavar="N",
                help="Threads of an embedded model. Default: all available cores.",
            ),
            click.option(
                "--slots",
                type=int,
                metavar="N",
                help="Requests that an embedded model answers at once. Default: by the memory, 4 "
                "at most.",
            ),
            click.option(
                "--context",
                type=int,
                metavar="N",
                help="Tokens of each slot, prompt and reply. Default: 10,240, or what the model "
                "takes.",
            ),
        )
    ):
        command = option(command)
    return command


def scale_options(command: Command) -> Command:
    """Options of a run that is more than one process."""
    for option in reversed(
        (
            click.option(
                "--shard",
                metavar="I/N",
                help="Ask about the I-th of N equal parts of SOURCE, with an N-th of --rpm, --tpm, "
                "--max-cost and --max-requests; `extract merge` puts the parts together.",
            ),
            click.option(
                "--engine",
                type=click.Choice(["local", "ray"]),
                default="local",
                help="ray: on a Ray cluster, whose nodes all see --out (extra `ray`). Default: "
                "local.",
            ),
            click.option(
                "--address",
                metavar="HOST:PORT",
                help="Of the Ray cluster, or auto. Default: one is started on this machine.",
            ),
            click.option(
                "--workers",
                type=click.IntRange(min=1),
                metavar="N",
                help="Ray workers. Default: half of the cluster's CPUs.",
            ),
        )
    ):
        command = option(command)
    return command


def run_folders(outs: Sequence[str]) -> list[Path]:
    """The folders of the runs that are named, by their paths or by globs, each once."""
    found: dict[Path, Path] = {}
    for out in outs:
        folder = Path(out)
        if not folder.exists() and any(sign in out for sign in "*?["):
            from claimgrid.tables.run_files import find

            for run in find([out]):
                matched = Path(run.claims).parent
                found.setdefault(matched.resolve(), matched)
        else:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())
