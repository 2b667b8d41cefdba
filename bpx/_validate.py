"""Checks of arguments, with errors that say what was given and what was expected."""

from collections.abc import Mapping
from math import inf, isfinite, nan
from numbers import Real
from operator import index
from typing import Any

from bpx.errors import InputError, option

__all__ = ["NORMAL", "flag", "is_frame", "number", "pair", "pair_or_triple", "whole"]

NORMAL = "a positive number of at least 1.18e-38", lambda v: v >= 2.0**-126
"""What `number` expects where less may be 0 in float32: its normal numbers."""


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool: True, False, or a library's.

    Raises
    ------
    InputError
        If it is anything else, such as a text or a number, which would pass for True.
    """
    scalar = tuple(getattr(value, "shape", (0,))) == ()
    if not isinstance(value, bool) and not (scalar and "bool" in str(value.dtype)):
        raise InputError(f"{option(name, value)} was given; expected True or False")
    return bool(value)


def whole(name: str, value: Any, least: int, most: int | None, expected: str) -> int:
    """Return `value` as an int in ``least ... most``; with `most` None there is no limit.

    Raises
    ------
    InputError
        If it is not an integer (True is not) or out of range: "name=value was given;
        expected …".
    """
    try:
        given = None if _is_bool(value) else int(index(value))
    except TypeError:
        given = None
    if given is None or given < least or (most is not None and given > most):
        raise InputError(f"{option(name, value)} was given; expected {expected}")
    return given


def _is_bool(value: Any) -> bool:
    """Whether a value is a bool, or one of an array library, which may be an index to it."""
    return isinstance(value, bool) or "bool" in str(getattr(value, "dtype", ""))


def number(name: str, value: Any, expected: str, right: Any) -> float:
    """Return `value` as a finite float that satisfies `right`.

    Parameters
    ----------
    name : str
    value : object
    expected : str
        Such as "a positive number".
    right : callable
        ``right(value) -> bool``.

    Raises
    ------
    InputError
        If it is not a finite real number, or does not satisfy `right`.
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    try:
        given = float(value) if real else nan
    except OverflowError:  # an integer, or a fraction, beyond the largest float
        given = inf
    if not isfinite(given) or not right(value):
        raise InputError(f"{option(name, value)} was given; expected {expected}")
    return given


def pair(name: str, data: Any, more: str = "") -> tuple[Any, Any]:
    """Return x and y of a pair; the error ends in `more` if there is no better advice.

    Raises
    ------
    InputError
        If `data` is not a pair.
    """
    if isinstance(data, tuple | list) and len(data) == 2 and not _are_pairs(data):
        return data[0], data[1]
    raise InputError(
        f"{name} is {type(data).__name__}; expected a pair (x, y)"
        + (_instead(name, data) or more)
    )


def pair_or_triple(name: str, data: Any) -> tuple[Any, Any, Any]:
    """Return x, y and the sample weights, or None if there are no weights.

    Raises
    ------
    InputError
        If `data` is neither a pair nor a triple.
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise InputError(
            f"{name} is {type(data).__name__}; expected a pair (x, y), or (x, y, sample_weight)"
        )
    return data[0], data[1], data[2] if len(data) == 3 else None


def _instead(name: str, data: Any) -> str:
    """Say how to turn a whole data set, or the book's list of samples, into a pair."""
    if isinstance(data, tuple) and hasattr(data, "train"):
        return ", such as the data set's train"
    if isinstance(data, zip):
        return f": make it a list first, {name} = list({name}), and stack its samples"
    if not _are_pairs(data):
        return ""
    stacked = f"x = np.stack([np.ravel(x) for x, _ in {name}])"
    labels = not getattr(data[0][1], "shape", ()) and not isinstance(data[0][1], list)
    each = "y" if labels else "np.ravel(y)"
    return f": stack its samples, {stacked} and y = np.stack([{each} for _, y in {name}])"


def _are_pairs(data: Any) -> bool:
    """Whether `data` is a list of one pair (x, y) for each sample, as in the book."""
    many = isinstance(data, list) and len(data) > 0
    return many and all(isinstance(each, tuple) and len(each) == 2 for each in data)


def is_frame(x: object) -> bool:
    """Whether `x` is a table or looks like a DataFrame; this imports no library."""
    columns = hasattr(x, "columns") or hasattr(x, "column_names")
    return isinstance(x, Mapping) or (columns and not hasattr(x, "__array_namespace__"))
