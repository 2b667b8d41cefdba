"""Make columns from NumPy arrays, other libraries' series, and lists of Python values."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.data.tables.column import DAY, Column, numbers, of_texts
from bpx.errors import InputError

__all__ = ["of_array"]

_NO_VALUES = ("NAType", "NaTType")
"""The types of pandas' missing values, by name, so that pandas need not be imported."""


def of_array(name: str, values: Any) -> Column:
    """Make a column from an array or a list of numbers, booleans, dates or texts.

    Parameters
    ----------
    name : str
    values : one-dimensional array, series or sequence
        None, NaN, NaT, pandas' NA and masked values are missing cells. Durations become
        numbers, in seconds.

    Raises
    ------
    InputError
        If it is not one-dimensional, or holds an infinite number or values of another kind.
    """
    array = _as_array(name, values)
    if array.ndim != 1:
        raise InputError(f"column {name!r} has shape {array.shape}; expected one value per row")
    kind = array.dtype.kind
    if kind == "b":
        return Column(name, "boolean", array.astype(np.float64))
    if kind in "iuf":
        return numbers(name, array.astype(np.float64), "the table", kind in "iu")
    if kind in "mM":
        return _of_moments(name, array)
    if kind == "U":
        return _of_texts(name, array)
    if kind not in "OT":
        raise InputError(
            f"column {name!r} has dtype {array.dtype}; expected numbers, booleans, dates or "
            "texts"
        )
    return _of_objects(name, array.astype(object))


def _as_array(name: str, values: Any) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        objects: NDArray[Any] = values.data.astype(object)
        objects[np.ma.getmaskarray(values)] = None
        return objects
    # NumPy would turn every value of a list into text if one of them is text.
    dtype = object if isinstance(values, list | tuple) else None
    try:
        return np.asarray(values, dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"column {name!r} cannot be converted to an array ({error}); expected one value "
            "per row"
        ) from error


def _of_moments(name: str, array: NDArray[Any]) -> Column:
    days = array.astype(f"{array.dtype.kind}8[D]")
    rest = (array - days).astype("m8[us]").astype(np.float64)
    # The total in microseconds may overflow int64.
    micros = np.where(np.isnat(array), np.nan, days.astype(np.float64) * DAY + rest)
    if array.dtype.kind == "m":
        return Column(name, "number", micros / 1e6)
    return Column(name, "date", micros / DAY)


def _of_texts(name: str, array: NDArray[Any]) -> Column:
    levels, codes = np.unique(array.astype(str), return_inverse=True)
    return of_texts(name, codes, [str(level) for level in levels])


def _of_objects(name: str, array: NDArray[Any]) -> Column:
    missing = np.array([_is_missing(each) for each in array], bool)
    there = array[~missing].tolist()
    if not there:
        return Column(name, "number", np.full(len(array), np.nan))
    if all(isinstance(each, str) for each in there):
        return _of_texts(name, np.where(missing, "", array))
    values = np.full(len(array), np.nan)
    found = _of_kind(name, there)
    values[~missing] = found.values
    return Column(name, found.kind, values, whole=found.whole)


def _of_kind(name: str, there: list[Any]) -> Column:
    """Make a column from Python values; none of them is a text or missing."""
    if all(isinstance(each, bool | np.bool_) for each in there):
        return Column(name, "boolean", np.array(there, np.float64))
    if all(isinstance(each, date | np.datetime64) for each in there):
        return _of_moments(name, np.array([_naive(each) for each in there], "M8[us]"))
    if all(isinstance(each, timedelta | np.timedelta64) for each in there):
        return _of_moments(name, np.array(there, "m8[us]"))
    if all(isinstance(each, Real | Decimal | np.bool_) for each in there):
        whole = all(isinstance(each, int | np.integer) for each in there)
        return numbers(name, _floats(there), "the table", whole)
    kinds = sorted({type(each).__name__ for each in there})
    raise InputError(
        f"column {name!r} holds {' and '.join(kinds)}; expected only numbers, only booleans, "
        "only dates or only texts"
    )


def _floats(there: list[Any]) -> NDArray[np.float64]:
    try:
        return np.array([float(each) for each in there])
    except OverflowError:  # a whole number of more than 308 digits
        return np.full(len(there), np.inf)


def _naive(moment: Any) -> Any:
    """Convert a datetime to UTC and drop its time zone."""
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.astimezone(UTC).replace(tzinfo=None)
    return moment


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in _NO_VALUES:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating | Decimal) and value != value
