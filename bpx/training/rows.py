"""The record of an epoch as a flat row: names and numbers, in a fixed order."""

from collections.abc import Iterator, Mapping
from typing import Any

from bpx.training.records import Epoch

__all__ = ["COLUMNS", "OWN", "Row", "row"]

Row = dict[str, float | None]
"""Numbers by name; None for one that does not apply, such as the accuracy of real targets."""

COLUMNS = (
    "epoch",
    "cost",
    "accuracy",
    "validation_cost",
    "validation_accuracy",
    "seconds",
    "samples_per_second",
)
"""The first names of each row."""

OWN = (*COLUMNS, "eta", "validation")
"""The names, and the first words of names, that no observer may have."""


def row(epoch: Epoch) -> Row:
    """Return the numbers of a record: `COLUMNS`, then the rest by the names of their parts.

    These are the metrics of the validation samples, as ``validation_<metric>``; ``eta``, or
    ``eta_1`` ... of several networks; and the observed values that are numbers, or mappings
    or named tuples of numbers: ``<observer>``, ``<observer>_<key>``. A value with
    ``numbers``, a mapping, is told by these, as health is. Arrays and texts are left out.
    """
    validation = (None, None) if epoch.validation is None else tuple(epoch.validation)
    first = epoch.number, epoch.cost, epoch.accuracy, *validation, *epoch[4:6]
    found: Row = dict(zip(COLUMNS, first, strict=True))
    if epoch.validation is not None:
        found |= _numbers("validation", epoch.validation.metrics)
    rates = epoch.eta if isinstance(epoch.eta, tuple) else (epoch.eta,)
    many = len(rates) > 1
    found |= {f"eta_{i}" if many else "eta": rate for i, rate in enumerate(rates, 1)}
    for name, value in epoch.observed.items():
        found |= _numbers(name, value)
    return found


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    told = getattr(value, "numbers", None)
    if told is not None:
        value = told
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _numbers(f"{name}_{key}", each)
    elif (number := _number(value)) is not None:
        yield name, number


def _number(value: Any) -> float | None:
    """A number, of Python or of a host library; None for anything else."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    return value if isinstance(value, bool | int | float) else None
