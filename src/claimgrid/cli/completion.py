"""`extract completion`: the script that completes `extract` in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes `extract` in SHELL: eval "$(extract completion bash)"."""
    from claimgrid.cli.main import main

    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(main, {}, "extract", "_EXTRACT_COMPLETE").source())
