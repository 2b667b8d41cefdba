"""What a cast to a narrower dtype would lose of some numbers: found before it is made.

Rounding is no loss: float32 keeps seven digits of any number. But 1700000000 and 1700000100,
two times in seconds, are one number in float32, and 16777217, an identifier, becomes another.
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
"""The dtypes whose numbers a dtype does not all hold."""
_WHOLE = {"float32": 2**24, "float64": 2**53}
"""Up to here a dtype holds every whole number."""
_NOISE = 2.0**-40
"""What differs by less than this part of its size is the rounding of a constant."""
_LOOKED_AT = 2**20
"""Rows of a column that are looked at at a time."""


def check_narrowing(x: Any, dtype: str, name: str) -> None:
    """Refuse numbers that a cast would make constant, and whole ones that it would change.

    Their smallest and largest tell, column by column, which are suspected; those alone are cast
    to look. Numbers of a dtype that is not wider pass at once.

    Parameters
    ----------
    x : array of any library or array-like, shape (n, k) or (n,)
        Finite real numbers.
    dtype : {"float32", "float64"}
        What they are to be stored in.
    name : str
        What the caller called them, for the message.

    Raises
    ------
    InputError
        Naming the column, and what to do.
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
            f"{place.format(column)} runs from {low[column]} to {high[column]}, all of which "
            f"{dtype} stores as the same number; {what_to_do}"
        )
    for column in _large(low, high, dtype):
        if changed := _changed(x[:, column], dtype, name):
            row, was, becomes = changed
            raise InputError(
                f"{place.format(column)} holds whole numbers that {dtype} cannot tell apart: "
                f"{was} in row {row} would become {becomes}; {what_to_do}"
            )


def standardised(given: Any, name: str, *, constant: Any) -> str:
    """The expression that gives every column mean 0 and standard deviation 1.

    Parameters
    ----------
    given : object
        What the caller has under that name; a list has no mean.
    name : str
    constant : bool
        Whether some column is constant, by whose standard deviation nothing can be divided.
    """
    is_array = hasattr(given, "mean") and not hasattr(given, "columns")  # as of a DataFrame
    before = [] if is_array else [f"{name} = np.asarray({name})"]
    if constant:
        before.append(f"{name} = {name}[:, {name}.std(axis=0) > 0], without constant columns")
    code = f"({name} - {name}.mean(axis=0)) / {name}.std(axis=0)"
    return f"{code}, after {' and '.join(before)}" if before else code


def _readable(x: Any, name: str) -> Any:
    """`x` if its own library can tell its smallest number, else on the host."""
    backend = backend_of(x)
    if backend is None or is_host(x) or dtype_name(x).startswith("uint"):
        return as_host(x, name)  # PyTorch has no order of uint32
    return x


def _merged(low: HostArray, high: HostArray, dtype: str) -> list[int]:
    """The columns that are constant after the cast, which keeps the order, and were not."""
    differs = low != high
    if low.dtype.kind == "f":
        differs = high - low > _NOISE * (abs(low) + abs(high))
    merged: list[int] = (
        (differs & (_cast(low, dtype) == _cast(high, dtype))).nonzero()[0].tolist()
    )
    return merged


def _large(low: HostArray, high: HostArray, dtype: str) -> list[int]:
    """The columns with numbers beyond those up to which all whole ones are kept."""
    limit = _WHOLE[dtype]
    large: list[int] = ((low < -limit) | (high > limit)).nonzero()[0].tolist()
    return large


def _changed(x: Array, dtype: str, name: str) -> tuple[int, int, int] | None:
    """The first row of a column of whole numbers that the cast changes, before and after."""
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
    ways += [] if one else ["leave the column out if it is an identifier"]
    ways += [f"take {option('dtype', 'float64')}"] if dtype == "float32" else []
    return "; or ".join(ways)
