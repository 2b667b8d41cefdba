"""Find numbers that a cast to a narrower dtype would make useless, before the cast.

Rounding is harmless: float32 keeps seven digits of any number. But 1700000000 and 1700000050,
two times in seconds, become the same number in float32, and the identifier 16777217 changes.
"""

from typing import Any

from bpx._typing import Array
from bpx.arrays.host import HostArray, as_host, is_host, quietly
from bpx.arrays.registry import backend_of, dtype_name, namespace
from bpx.errors import InputError, advice, option

__all__ = ["check_narrowing", "standardised"]

_WIDER = {
    "float32": ("float64", "int32", "uint32", "int64", "uint64"),
    "float64": ("int64", "uint64"),
}
"""For each dtype, the dtypes with numbers that it cannot hold."""
_WHOLE = {"float32": 2**24, "float64": 2**53}
"""Each dtype holds every whole number up to this one."""
_NOISE = 2.0**-40
"""Relative differences below this are the rounding of a constant."""
_LOOKED_AT = 2**20
"""The number of rows of a column to examine at a time."""


def check_narrowing(x: Any, dtype: str, name: str) -> None:
    """Raise InputError if a cast would make a column constant, or change whole numbers.

    The smallest and largest value of each column show which columns are suspect; only these are
    cast to check. Numbers of a dtype that is not wider pass at once.

    Parameters
    ----------
    x : array of any library or array-like, shape (n, k) or (n,)
        Finite real numbers.
    dtype : {"float32", "float64"}
        The dtype to store them in.
    name : str
        The argument's name, for messages.

    Raises
    ------
    InputError
        If so; the message names the column and says what to do.
    """
    given, x = x, _readable(x, name)
    if dtype_name(x) not in _WIDER[dtype] or 0 in x.shape:
        return
    xp = namespace(x)
    one, x = x.ndim == 1, x[:, None] if x.ndim == 1 else x
    place = name if one else "column {} of " + name
    low, high = (as_host(end(x, axis=0), name) for end in (xp.min, xp.max))
    what_to_do = _advice(given, name, dtype, one=one, constant=not one and (low == high).any())
    for column in _merged(low, high, dtype):
        raise InputError(
            f"{place.format(column)} runs from {low[column]} to {high[column]}, but {dtype} "
            f"stores all of it as one number; {what_to_do}"
        )
    for column in _large(low, high, dtype):
        if changed := _changed(x[:, column], dtype, name):
            row, was, becomes = changed
            raise InputError(
                f"{place.format(column)} holds whole numbers that {dtype} cannot represent: "
                f"{was} in row {row} would become {becomes}; {what_to_do}"
            )


def standardised(given: Any, name: str, *, constant: Any) -> str:
    """Return the expression that gives every column mean 0 and standard deviation 1.

    Parameters
    ----------
    given : object
        The caller's object of that name; a list has no mean.
    name : str
    constant : bool
        Whether a column is constant, so that its standard deviation is 0.
    """
    is_array = hasattr(given, "mean") and not hasattr(given, "columns")  # a DataFrame has both
    before = [] if is_array else [f"{name} = np.asarray({name})"]
    if constant:
        before.append(f"{name} = {name}[:, {name}.std(axis=0) > 0], without constant columns")
    code = f"({name} - {name}.mean(axis=0)) / {name}.std(axis=0)"
    return f"{code}, after {' and '.join(before)}" if before else code


def _readable(x: Any, name: str) -> Any:
    """Return `x` if its own library can find its minimum, else a host array."""
    backend = backend_of(x)
    if backend is None or is_host(x) or dtype_name(x).startswith("uint"):
        return as_host(x, name)  # PyTorch cannot order uint32
    return x


def _merged(low: HostArray, high: HostArray, dtype: str) -> list[int]:
    """Return the columns that vary but become constant in the cast, which keeps the order."""
    differs = low != high
    if low.dtype.kind == "f":
        differs = high - low > _NOISE * (abs(low) + abs(high))
    merged: list[int] = (
        (differs & (_cast(low, dtype) == _cast(high, dtype))).nonzero()[0].tolist()
    )
    return merged


def _large(low: HostArray, high: HostArray, dtype: str) -> list[int]:
    """Return the columns with numbers beyond the range in which all whole numbers are kept."""
    limit = _WHOLE[dtype]
    large: list[int] = ((low < -limit) | (high > limit)).nonzero()[0].tolist()
    return large


def _changed(x: Array, dtype: str, name: str) -> tuple[int, int, int] | None:
    """Return the first row of whole numbers that the cast changes, with both values."""
    found = None
    for begin in range(0, x.shape[0], _LOOKED_AT):
        part = as_host(x[begin : min(begin + _LOOKED_AT, x.shape[0])], name)
        if (part != part.round()).any():
            return None  # fractions are rounded anyway
        stored = _cast(part, dtype)
        wrong = _cast(stored, part.dtype.name) != part
        if found is None and wrong.any():
            i = int(wrong.argmax())
            found = begin + i, int(part[i]), int(stored[i])
    return found


def _cast(x: HostArray, dtype: str) -> HostArray:
    with quietly():
        return x.astype(dtype)


def _advice(given: Any, name: str, dtype: str, *, one: bool, constant: Any) -> str:
    code = standardised(given, name.rpartition(" ")[2], constant=constant)
    ways = [advice(f"scale them: {code}", "scale them in the file")]
    ways += [] if one else ["drop the column if it is an identifier"]
    ways += [f"use {option('dtype', 'float64')}"] if dtype == "float32" else []
    return "; or ".join(ways)
