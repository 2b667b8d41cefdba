"""Messages for inputs that are not arrays of numbers: what was found, where, and what to do."""

from collections.abc import Callable
from itertools import product
from typing import Any

from bpx.errors import advice

__all__ = ["why_no_numbers", "why_not_finite", "why_not_traced"]

_UNTYPED = ("object", "str", "string")
"""The dtypes of DataFrame columns that may hold anything."""
_MISSING = ("<NA>", "NaT")
_AS_TABLE = (
    "keep them in a bpx.data.Table (bpx.data.read_table or bpx.data.as_table), and make the "
    "network with schema=bpx.data.Schema.fit(table, target=...), which takes tables"
)


def why_no_numbers(x: Any, array: Any, name: str) -> str:
    """Explain why a host array does not hold real numbers.

    Parameters
    ----------
    x : object
        The argument as given.
    array : host array
        The same as a host array of text, objects, dates or complex numbers.
    name : str
        The argument's name.
    """
    kind = array.dtype.kind
    what = f"{name} is a {type(x).__name__} of dtype {array.dtype}; expected real numbers"
    if kind == "c":
        return f"{what}: take its real part or its modulus first"
    if kind not in "OUST" or not array.ndim:
        return f"{what}: convert it first"
    found = _first(array, _is_number)
    if found is None:
        return _castable(x, name, what)
    value, columns = _plain(array[found]), [str(each) for each in getattr(x, "columns", ())]
    place = f"{name} holds {value!r:.40} in {_place(found, columns)}"
    if not isinstance(value, str | bytes):
        missing = value is None or str(value) in _MISSING
        way = "fill in the missing values, or drop these rows" if missing else "convert them"
        return f"{place}; expected real numbers: {way}"
    if array.ndim == 1 and _first(array, lambda each: isinstance(each, str)) is None:
        code = name.rpartition(" ")[2]
        way = _classes(code) if code == "y" else "expected real numbers: convert them"
        return f"{place}; {way}"
    return f"{place}; " + advice(
        f"expected real numbers: drop columns of text, or {_AS_TABLE}",
        "expected real numbers: drop columns of text",
    )


def why_not_finite(name: str, dtype: str, row: int | None) -> str:
    """Explain which row of an array has the first value that is not finite as `dtype`."""
    return (
        f"{name} holds NaN, infinity or a number that overflows {dtype}, first in row {row}; "
        "expected finite numbers: drop, fill or scale such rows"
    )


def why_not_traced(name: str) -> str:
    """Explain why an array inside a transformed function cannot be used."""
    return (
        f"{name} is inside a function that its library transforms (jax.jit, jax.vmap, jax.grad "
        "or torch.func), where it has no values to check; fit, train, predict, classify and "
        "evaluate read them on the host. Inside, call the pure functions: "
        "bpx.forward(net.spec, net.parameters, x).a[-1] for the outputs, and "
        "bpx.backprop(net.spec, net.parameters, x, y)"
    )


def _classes(code: str) -> str:
    return advice(
        f"expected numbers: number the classes, np.unique({code}, return_inverse=True)[1], or "
        f"{_AS_TABLE}",
        "expected numbers: number the classes 0, 1, 2, ... in the file",
    )


def _castable(x: Any, name: str, what: str) -> str:
    """Explain how to cast numbers that are stored as objects or text."""
    code = name.rpartition(" ")[2]
    dtypes = [str(each) for each in getattr(x, "dtypes", ())] if hasattr(x, "columns") else []
    named = zip(getattr(x, "columns", ()), dtypes, strict=False)
    wrong = [column for column, dtype in named if dtype in _UNTYPED]
    if wrong and hasattr(x, "astype"):
        casts = ", ".join(f"{column!r}: float" for column in wrong)
        return (
            f"{name} has columns that hold numbers as objects or text, "
            f"{', '.join(map(repr, wrong))}; expected real numbers: {code}.astype({{{casts}}})"
        )
    own = (
        f"{code}.astype(float)" if hasattr(x, "astype") else f"np.asarray({code}, dtype=float)"
    )
    return f"{what}, not numbers as objects or text: {own}"


def _place(found: tuple[int, ...], columns: list[str]) -> str:
    if len(found) < 2:
        return f"row {found[0]}"
    named = repr(columns[found[1]]) if found[1] < len(columns) else found[1]
    return f"column {named}, row {found[0]}"


def _first(array: Any, fits: Callable[[Any], bool]) -> tuple[int, ...] | None:
    """Return the index of the first element that does not fit."""
    places = product(*map(range, array.shape))
    return next((place for place in places if not fits(array[place])), None)


def _plain(value: Any) -> Any:
    """Convert a library's scalar to Python's, so that it prints without the library's name."""
    return value.item() if hasattr(value, "item") else value


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
