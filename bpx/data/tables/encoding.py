"""Encode columns as the inputs of a network, with fitted features."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.data.tables.column import Column
from bpx.data.tables.feature import Feature
from bpx.data.tables.table import listed
from bpx.data.tables.values import of_array
from bpx.errors import InputError, warn

__all__ = ["columns_of", "inputs_of"]

_LARGEST = float(np.finfo(np.float32).max)


def inputs_of(
    features: Sequence[Feature], columns: Sequence[Column], label: str, refuse: bool
) -> NDArray[np.float32]:
    """Return the inputs of the features' columns, shape (n, sum of the features' widths).

    Parameters
    ----------
    features : sequence of Feature
    columns : sequence of Column
        One for each feature.
    label : str
        The table's name in messages.
    refuse : bool
        Whether an unseen category raises InputError; otherwise it gives a
        `bpx.DataWarning`.

    Raises
    ------
    InputError
        If a column has another kind, an unseen category, or a number that is too large.
    """
    parts = []
    for feature, column in zip(features, columns, strict=True):
        encoded, unseen = feature.encode(column, label)
        if unseen.any():
            _tell_unseen(feature, column, unseen, label, refuse)
        _check_size(encoded, column, label)
        parts.append(encoded.astype(np.float32))
    return np.concatenate(parts, axis=1)


def columns_of(features: Sequence[Feature], x: NDArray[Any]) -> list[Column]:
    """Return the columns of an array, shape (n, len(features)), in which dates are days."""
    found = [of_array(each.name, column) for each, column in zip(features, x.T, strict=True)]
    return [
        replace(column, kind="date") if each.kind == "date" else column
        for each, column in zip(features, found, strict=True)
    ]


def _tell_unseen(
    feature: Feature, column: Column, unseen: NDArray[Any], label: str, refuse: bool
) -> None:
    text = (
        f"column {feature.name!r} of {label} has {listed(column.take(unseen).labels())} in "
        f"{unseen.sum()} of {len(unseen)} rows, which the network was not trained on"
    )
    if refuse:
        raise InputError(f"{text}; expected {listed(feature.levels)}")
    warn(f"{text}: encoded as none of the known ones")


def _check_size(encoded: NDArray[Any], column: Column, label: str) -> None:
    """Raise InputError for numbers that do not fit float32 once they are scaled."""
    if np.abs(encoded).max(initial=0.0) > _LARGEST:
        row = int(np.abs(encoded).max(axis=1).argmax())
        raise InputError(
            f"column {column.name!r} of {label} is {column.values[row]:g} in row {row + 1}, "
            "counted from 1, which is too large; expected a number that fits float32 once it "
            "is scaled: use another unit"
        )
