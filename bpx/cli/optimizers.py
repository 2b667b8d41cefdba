"""The optimizers of the command line: those in `bpx.optim.OPTIMIZERS`, with their options."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import click

from bpx.optim import OPTIMIZERS, Optimizer, Schedule

__all__ = ["OPTIONS", "check", "default_eta", "defaults", "make", "takers"]

OPTIONS = ("momentum", "nesterov", "decay")
"""The options of optimizers besides the learning rate: fields of the optimizer classes."""


def default_eta(optimizer: str) -> float:
    """Return the default learning rate of the named optimizer."""
    eta: float = _class(optimizer).default_eta
    return eta


def defaults(optimizer: str) -> dict[str, Any]:
    """Return the options that the named optimizer takes, each with its default."""
    return {
        field.name: field.default
        for field in fields(_class(optimizer))
        if field.name in OPTIONS
    }


def takers(option: str) -> list[str]:
    """Return the names of the optimizers that take an option."""
    return [name for name in OPTIMIZERS if option in defaults(name)]


def make(optimizer: str, eta: float | Schedule | None, given: Mapping[str, Any]) -> Optimizer:
    """Return the named optimizer, with its defaults for options that are not given."""
    made: Optimizer = _class(optimizer)(default_eta(optimizer) if eta is None else eta, **given)
    return made


def check(optimizer: str, given: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that the optimizer does not take.

    Raises
    ------
    click.UsageError
        If there is one; the message names the optimizers that take it.
    """
    for option in given:
        if option not in defaults(optimizer):
            raise click.UsageError(
                f"--{option} was given with --optimizer {optimizer}; --{option} is for "
                f"--optimizer {' or '.join(takers(option))}: choose that, or omit --{option}."
            )


def _class(optimizer: str) -> Any:
    return OPTIMIZERS[optimizer]
