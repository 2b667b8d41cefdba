"""``bpx evaluate``: evaluate a network on arrays or on a table."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import click

import bpx
from bpx.cli import display, metrics, sources, splits, tables
from bpx.model.evaluate import Evaluation

__all__ = ["arrays", "table"]


def table(
    network: bpx.Network,
    run: dict[str, Any] | None,
    data: str,
    split: str | None,
    target: str | None,
    layout: Mapping[str, Any],
    names: tuple[str, ...] = (),
) -> None:
    """Evaluate a network with a schema on the rows of a table that have a target.

    Raises
    ------
    InputError
        If the table has other columns, or its split cannot be redrawn.
    """
    schema = network.schema
    assert schema is not None, "the caller checks this"
    found = tables.matching(data, schema, layout)
    if target is not None and (
        schema.target is None or found[target].name != schema.target.name
    ):
        raise bpx.InputError(
            f"--target {target} was given, but the network was trained on the target "
            f"{schema.target.name if schema.target else 'no column'!r}; omit --target"
        )
    found = tables.with_target(found, schema)
    if split is not None:
        learned = schema.target
        of = schema.y(found) if learned is not None and learned.classes else None
        found = found.take(splits.drawn_rows(data, len(found), split, run, of))
    result = network.evaluate(found, metrics=cast(Any, names))
    classes = schema.target.names() if schema.target else ()
    _show(data, len(found), split, result, tables.error(network, found), classes)


def arrays(
    network: bpx.Network,
    run: dict[str, Any] | None,
    data: str,
    split: str | None,
    target: str | None,
    folder: str | None,
    inputs: str | None,
    names: tuple[str, ...] = (),
) -> None:
    """Evaluate a network on arrays.

    With a run's folder, `target` and `inputs` default to those of the run.

    Raises
    ------
    InputError
        If there are no such samples, or they have the wrong width.
    """
    if sources.has_name(data):
        split = split or "test"
    elif run is not None:
        target = target or _name(run, "target")
        inputs = inputs or _name(run, "inputs")
    found = sources.dataset(data, folder=folder, target=target, inputs=inputs)
    samples = sources.part(found, split, run, network.sizes[-1])
    sources.check_width(data, samples.x, network.sizes[0])
    result = network.evaluate(samples.x, samples.y, metrics=cast(Any, names))
    _show(data, len(samples.x), split, result, None)


def _name(run: Mapping[str, Any], option: str) -> str | None:
    """Return the name that a run's settings give, if they do."""
    found = run.get(option)
    if not isinstance(found, str | None):
        raise bpx.FileFormatError(
            f"the run's run.toml has {option} = {found!r}; expected a text: give --{option}"
        )
    return found


def _show(
    data: str,
    count: int,
    split: str | None,
    result: Evaluation,
    error: str | None,
    classes: Sequence[str] = (),
) -> None:
    kind = f"{split} samples" if split else "samples"
    click.echo(f"data      {data}: {count:,} {kind}")
    click.echo(f"cost      {display.rounded(result.cost)}")
    if result.accuracy is not None:
        click.echo(f"accuracy  {display.percent(result.accuracy)}")
    if error is not None:
        click.echo(f"error     {error}")
    for line in metrics.lines(result, classes):
        click.echo(line)
