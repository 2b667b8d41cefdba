"""What a caller gives, checked: what was given, and what was expected."""

from collections.abc import Mapping
from math import isfinite
from numbers import Real
from operator import index
from typing import Any

from bpx.errors import InputError

__all__ = ["is_frame", "number", "pair", "whole"]


def whole(name: str, value: Any, least: int, most: int | None, expected: str) -> int:
    """`value` as an int in ``least ... most``, where `most` may be None for no limit.

    Raises
    ------
    InputError
        If it is not whole (True is not), or outside: "name=value was given; expected …".
    """
    try:
        given = None if isinstance(value, bool) else int(index(value))
    except TypeError:
        given = None
    if given is None or given < least or (most is not None and given > most):
        raise InputError(f"{name}={value!r} was given; expected {expected}")
    return given


def number(name: str, value: Any, expected: str, right: Any) -> float:
    """`value` as a finite float that is `right`.

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
        If it is no real number, not finite, or not right.
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not isfinite(value) or not right(value):
        raise InputError(f"{name}={value!r} was given; expected {expected}")
    return float(value)


def pair(name: str, data: Any) -> tuple[Any, Any]:
    """x and y of some samples.

    Raises
    ------
    InputError
        If `data` is no pair.
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InputError(f"{name} is {type(data).__name__}; expected a pair (x, y)")
    return data[0], data[1]


def is_frame(x: object) -> bool:
    """Whether something is a table or looks like a DataFrame, without importing a library."""
    columns = hasattr(x, "columns") or hasattr(x, "column_names")
    return isinstance(x, Mapping) or (columns and not hasattr(x, "__array_namespace__"))
