"""The optimizers of the command line: those in `bpx.optim.OPTIMIZERS`, with their options."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import click

from bpx.optim import OPTIMIZERS, Optimizer

__all__ = ["OPTIONS", "check", "default_eta", "defaults", "make", "takers"]

OPTIONS = ("momentum", "nesterov", "decay")
"""What an optimizer may take besides the learning rate: fields of the classes in the table."""


def default_eta(optimizer: str) -> float:
    """The usual learning rate of the optimizer of that name."""
    eta: float = _class(optimizer).default_eta
    return eta


def defaults(optimizer: str) -> dict[str, Any]:
    """The options that the optimizer of that name takes, each with its own default."""
    return {
        field.name: field.default
        for field in fields(_class(optimizer))
        if field.name in OPTIONS
    }


def takers(option: str) -> list[str]:
    """The names of the optimizers that take an option."""
    return [name for name in OPTIMIZERS if option in defaults(name)]


def make(optimizer: str, eta: float | None, given: Mapping[str, Any]) -> Optimizer:
    """The optimizer of that name, with its own defaults for what was not given."""
    made: Optimizer = _class(optimizer)(default_eta(optimizer) if eta is None else eta, **given)
    return made


def check(optimizer: str, given: Mapping[str, Any]) -> None:
    """Refuse an option that the optimizer does not take.

    Raises
    ------
    click.UsageError
        Naming the optimizers that do.
    """
    for option in given:
        if option not in defaults(optimizer):
            raise click.UsageError(
                f"--{option} was given with --optimizer {optimizer}; --{option} is for "
                f"--optimizer {' or '.join(takers(option))}: choose that, or leave it out."
            )


def _class(optimizer: str) -> Any:
    return OPTIMIZERS[optimizer]
