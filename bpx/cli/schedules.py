"""The schedules of the command line: those in `bpx.optim.SCHEDULES`, with their numbers.

``--schedule step:every=10epochs,factor=0.5`` is the entry ``step`` with these keywords.
"""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypeVar

import click

import bpx
from bpx.errors import at_the_prompt
from bpx.optim import SCHEDULES, Epochs, Schedule, linear_warmup

__all__ = ["keywords", "learning_rate", "schedule_options", "steps"]

Command = TypeVar("Command", bound=Callable[..., Any])

_EPOCHS = ("epochs", "epoch")


def keywords(name: str) -> dict[str, Any]:
    """Return the keywords of the named schedule, with defaults."""
    _, *others = signature(SCHEDULES[name]).parameters.values()
    return {each.name: each.default for each in others}


def learning_rate(eta: float, schedule: str | None, warmup: str | None) -> float | Schedule:
    """Return what an optimizer takes as its learning rate.

    Raises
    ------
    InputError
        If a number of the schedule is out of its range.
    """
    if schedule is None and warmup is None:
        return eta
    name, given = _parsed(schedule or "constant")
    try:
        with at_the_prompt(None):  # a schedule's numbers have no flags of their own
            made = SCHEDULES[name](eta, **given)
    except bpx.InputError as error:
        raise bpx.InputError(f"--schedule {schedule}: {error}") from error
    if warmup is None:
        return made
    try:
        with at_the_prompt(None):
            return linear_warmup(made, steps=_value(warmup))
    except bpx.InputError as error:
        raise bpx.InputError(f"--warmup {warmup}: {error}") from error


def steps(warmup: str) -> int:
    """Read the warm-up of an optimizer that has its own, which counts steps.

    Raises
    ------
    InputError
        If it is anything else, such as epochs.
    """
    found = _value(warmup)
    if not isinstance(found, int) or isinstance(found, bool):
        raise bpx.InputError(
            f"--warmup {warmup} was given; expected a number of steps, such as 100, for an "
            "optimizer with a warm-up of its own"
        )
    return found


def _parsed(text: str) -> tuple[str, dict[str, Any]]:
    """Split ``name:keyword=value,...``.

    Raises
    ------
    click.BadParameter
        If there is no such schedule, or it takes other keywords.
    """
    name, _, rest = text.partition(":")
    if name not in SCHEDULES:
        raise click.BadParameter(f"{name!r} was given; expected {', '.join(SCHEDULES)}")
    takes, given = keywords(name), {}
    for part in filter(None, rest.split(",")):
        keyword, _, value = part.partition("=")
        if keyword not in takes:
            raise click.BadParameter(
                f"{keyword!r} was given to {name}; it takes {', '.join(takes) or 'nothing'}"
            )
        given[keyword] = _value(value)
    missing = [each for each, v in takes.items() if v is Parameter.empty and each not in given]
    if missing:
        raise click.BadParameter(
            f"{name} needs {missing[0]}, such as {name}:{missing[0]}={_EXAMPLES[missing[0]]}"
        )
    return name, given


_EXAMPLES = {"every": "10epochs", "period": "10epochs", "power": "2", "rate": "0.9"}


def _value(text: str) -> Any:
    """Read a number, a number of epochs, or whether; an empty text is True."""
    for ending in _EPOCHS:
        if text.endswith(ending):
            return Epochs(_number(text.removesuffix(ending)))
    told = {"": True, "true": True, "false": False}
    return told[text] if text in told else _number(text)


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise click.BadParameter(f"{text!r} was given; expected a number, such as 100, or 5epochs")


def _checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse early what cannot be read; none is None, and so is a warm-up of 0."""
    if value in (None, "none") or (value, param.name) == ("0", "warmup"):
        return None
    (_parsed if param.name == "schedule" else _value)(value)
    return value


_OPTIONS = (
    click.option(
        "--schedule",
        metavar="NAME[:NUMBERS]",
        callback=_checked,
        help="How the learning rate changes, over the whole training if not said otherwise: "
        f"{', '.join(SCHEDULES)}; with numbers, step:every=10epochs,factor=0.5.  "
        "[default: none]",
    ),
    click.option(
        "--warmup",
        metavar="STEPS",
        callback=_checked,
        help="The steps, or 2epochs, in which the learning rate rises at first.  "
        "[default: none]",
    ),
)


def schedule_options(command: Command) -> Command:
    """Add the options of schedules to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
