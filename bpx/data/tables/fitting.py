"""Choose the columns that are inputs, and fit their features."""

from collections.abc import Sequence
from typing import Any

from bpx.data.tables.column import Column
from bpx.data.tables.feature import Categories, Feature, Scaling, fit_feature
from bpx.data.tables.plausible import ALL
from bpx.data.tables.table import Key, Table, in_words
from bpx.errors import InputError, option

__all__ = ["check_choice", "fit_features", "places_of"]


def places_of(
    table: Table, target: int | None, features: Sequence[Key] | str | None, drop: Sequence[Key]
) -> tuple[list[int], list[str]]:
    """Return the indices of the input columns, and the names of the dropped columns."""
    drop = [drop] if isinstance(drop, str | int) else drop
    left = {table.position(key) for key in drop}
    if target in left:
        raise InputError(
            f"column {table.names[target or 0]!r} was given both as the target and with "
            f"{option('drop', list(drop))}; expected one of the two"
        )
    if features is None or (features == ALL and ALL not in table.names):
        places = [i for i in range(len(table.columns)) if i != target and i not in left]
    else:
        keys = [features] if isinstance(features, str) else features
        places = list(dict.fromkeys(table.position(key) for key in keys))
        if target in places:
            raise InputError(
                f"column {table.names[target or 0]!r} was given both as the target and with "
                f"{option('features', list(keys))}; expected one of the two"
            )
        if both := left & {*places}:
            raise InputError(
                f"{in_words([table.names[i] for i in sorted(both)])} was given both with "
                f"{option('features', list(keys))} and with {option('drop', list(drop))}; "
                "expected one of the two"
            )
    if not places:
        raise InputError(
            f"{table.label} has no column left for the inputs; expected at least one besides "
            "the target"
        )
    used = {*places, target}
    rest = [name for i, name in enumerate(table.names) if i not in used]
    return places, rest


def fit_features(
    table: Table, scaling: Scaling, categories: Categories = "one-hot"
) -> tuple[tuple[Feature, ...], tuple[str, ...]]:
    """Return the fitted features, and the names of constant columns, which are not used."""
    if not len(table):
        raise InputError(
            f"{table.label} has no rows to fit on; expected at least two that differ"
        )
    varied = [column for column in table.columns if _varies(column)]
    if not varied:
        raise InputError(
            f"every column of {table.label} except the target is constant; expected at "
            "least one that varies"
        )
    empty = tuple(column.name for column in table.columns if not _varies(column))
    return tuple(fit_feature(column, scaling, categories) for column in varied), empty


def check_choice(name: str, value: Any, known: Sequence[Any]) -> None:
    """Raise InputError unless the value is known; the message omits None."""
    if value not in known:
        told = " or ".join(option(name, each) for each in known if each is not None)
        raise InputError(f"{option(name, value)} was given; expected {told}")


def _varies(column: Column) -> bool:
    there = len(column.distinct)
    return there > 1 or (there == 1 and bool(column.missing.any()))
