"""The command-line application, to which the modules of commands add theirs."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="fairaudit",
    help="Fairness audits with latent groups, training and a no-harm choice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
