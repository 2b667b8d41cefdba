"""The optimizers of the command line: those in `bpx.optim.OPTIMIZERS`, with their options."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

import click

from bpx.optim import OPTIMIZERS, Optimizer, Schedule

__all__ = ["OPTIONS", "check", "default_eta", "defaults", "make", "takers", "usual", "warms_up"]


class Option(NamedTuple):
    """An option of optimizers: its type, bool for a flag, and its help, of those that take it.

    Attributes
    ----------
    type : type
    help : str
        With ``{}`` for the names of the optimizers.
    off : float or bool or None
        The value that stands for "not given"; None if the optimizers have other defaults.
    """

    type: type
    help: str
    off: Any = None


OPTIONS = {
    "momentum": Option(float, "The momentum of {}, in [0, 1).", 0.0),
    "nesterov": Option(bool, "Use Nesterov momentum, with {}.", False),
    "decay": Option(float, "The weight decay of {}, at least 0."),
}
"""The options of optimizers besides the learning rate: fields of the optimizer classes.

`Settings` has a field for each, with `off` as its default.
"""


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


def warms_up(optimizer: str) -> bool:
    """Whether the named optimizer has a warm-up of its own, in steps."""
    return any(field.name == "warmup" for field in fields(_class(optimizer)))


def usual(option: str) -> str:
    """Return the defaults of an option: a number for all, or each with its optimizers."""
    by_value: dict[Any, list[str]] = {}
    for name in takers(option):
        by_value.setdefault(defaults(name)[option], []).append(name)
    if len(by_value) == 1:
        return f"{next(iter(by_value)):g}"
    return ", ".join(f"{value:g} for {' and '.join(of)}" for value, of in by_value.items())


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
