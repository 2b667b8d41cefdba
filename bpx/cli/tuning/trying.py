"""What a search would try, tried before its first trial: each end, each choice."""

from collections.abc import Mapping
from typing import Any

import click

import bpx
from bpx.cli import config, optimizers
from bpx.cli.begun import begin
from bpx.cli.tuning.search import Search
from bpx.cli.tuning.space import asked, takes
from bpx.cli.work import Work, prepare

__all__ = ["check"]

_INCOMPARABLE = ("cost", "scaling")
"""Settings that change what the cost of the validation samples means."""


def check(search: Search, train: click.Command) -> Work:
    """Check the settings of a search, each of its values by itself, and return the first.

    The data are read, but nothing is trained.

    Parameters
    ----------
    search : Search
    train : click.Command
        ``bpx train``, whose options the settings are.

    Raises
    ------
    InputError
        If a value cannot be used, or the trials could not be compared; the message names the
        setting.
    """
    config.defaults(search.file, search.options, train)
    for name in _INCOMPARABLE:
        if name in search.space and search.objective == "cost":
            raise bpx.InputError(
                f"{search.file} has {name} in [tune.space], but costs of different {name} "
                "cannot be compared; expected another objective in [tune], such as accuracy"
            )
    first = _first(search)
    work = _tried(search, train, first, "")
    _check_objective(search, work)
    costs = {work.network.spec.cost.name}
    for name, domain in search.space.items():
        for value in domain.ends:
            point = _with(search, first, name, value)
            told = f" with {name} = {value} of [tune.space]"
            costs.add(_tried(search, train, point, told).network.spec.cost.name)
    if len(costs) > 1 and search.objective == "cost":
        raise bpx.InputError(
            f"the values in [tune.space] of {search.file} lead to the costs "
            f"{' and '.join(sorted(costs))}, which cannot be compared; name one, as cost = "
            f"{min(costs)!r}, or another objective in [tune]"
        )
    return work


def _first(search: Search) -> dict[str, Any]:
    """Return the first value of each setting that the first optimizer takes."""
    values = {name: domain.ends[0] for name, domain in search.space.items()}
    return _kept(search, values)


def _kept(search: Search, values: Mapping[str, Any]) -> dict[str, Any]:
    names = asked(search.space, search.optimizer(values))
    return {name: value for name, value in values.items() if name in names}


def _with(search: Search, first: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Return the first point with another value, and an optimizer that takes it."""
    point = {**first, name: value}
    domain = search.space.get("optimizer")
    if name in optimizers.OPTIONS and domain is not None:
        of = (each for each in domain.ends if takes(each, name))
        point["optimizer"] = next(of, point["optimizer"])
    return {**_kept(search, point), name: value}


def _tried(search: Search, train: click.Command, values: Mapping[str, Any], told: str) -> Work:
    """Prepare a training, which is not begun."""
    try:
        settings = search.settings(train, values)
        work = prepare(settings)
        begin(work, None, ranks="off").close()
    except click.ClickException as error:
        raise bpx.InputError(f"{search.file}{told}: {error.format_message()}") from error
    except bpx.BpxError as error:
        raise bpx.InputError(f"{search.file}{told}: {error}") from error
    return work


def _check_objective(search: Search, work: Work) -> None:
    """Raise InputError if the trials would have no number to be judged by."""
    if work.data.validation is None:
        raise bpx.InputError(
            f"{search.file} holds out no validation samples, by which trials are judged; "
            "expected a validation_fraction above 0"
        )
    names: Any = work.settings.metrics
    found = work.network.evaluate(*_as_given(work), metrics=names)
    if search.value(found) is None:
        raise bpx.InputError(
            f"{search.file} has objective = {search.objective!r} in [tune], which is no number "
            "for these targets; expected another, such as cost"
        )


def _as_given(work: Work) -> tuple[Any, ...]:
    """Return the validation samples as `evaluate` takes them."""
    samples = work.samples("validation")
    return samples if isinstance(samples, tuple) else (samples,)
