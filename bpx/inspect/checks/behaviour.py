"""Check how a function behaves: shapes, dtypes, purity, and independence of samples."""

from collections.abc import Callable, Iterator
from traceback import walk_tb
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.home import Home, select
from bpx.arrays.registry import describe, dtype_name, installed, namespace
from bpx.arrays.transfer import to_host
from bpx.inspect.checks.differences import deviation, known
from bpx.inspect.checks.report import Row

__all__ = ["Call", "behaves", "finite", "misshapen", "portable", "raised"]


class Call(NamedTuple):
    """A function of a part, and the arguments to try it on.

    Attributes
    ----------
    name : str
        Its name in the part, such as "sigma_prime".
    function : callable
    arguments : tuple of arrays
        One sample per row.
    shape : tuple of int
        The shape of its result, one sample per row.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Array, ...]
    shape: tuple[int, ...]

    def __call__(self) -> Any:
        """Return its result."""
        return self.function(*self.arguments)


def behaves(
    part: str,
    calls: list[Call],
    narrow: list[Call],
    tolerance: float,
    *,
    together: bool = False,
) -> list[Row]:
    """Return rows for shape and dtype, for purity, and for the independence of samples.

    If a check fails, the later ones are skipped.

    Parameters
    ----------
    part : str
    calls, narrow : list of Call
        Calls with float64 and with float32 arguments.
    tolerance : float
        The largest relative deviation that passes as rounding, in float64.
    together : bool, optional
        Whether the functions sum over the samples, so that these are not independent.
    """
    wrong = next(filter(None, map(misshapen, (*calls, *narrow))), "")
    if wrong:
        return [Row("shape and dtype", None, part, ok=False, where=wrong)]
    impure = next(filter(None, (_impure(call, tolerance) for call in calls)), "")
    rows = [
        Row("shape and dtype", None, part, ok=True),
        Row("pure", None, part, ok=not impure, where=impure),
    ]
    if impure or together:
        return rows
    coupled = next(filter(None, (_coupled(call, tolerance) for call in calls)), "")
    return [*rows, Row("each sample alone", None, part, ok=not coupled, where=coupled)]


def finite(part: str, calls: list[Call]) -> Row:
    """Warn if a function is not finite for extreme arguments."""
    lost = "; ".join(f"{name} is {found}" for name, found in _lost(calls))
    return Row("finite", None, part, ok=True, where=lost, warning=bool(lost))


def portable(part: str, make: Callable[[Home], list[Call]]) -> list[Row]:
    """Warn if a function needs more than the Array API standard, using array-api-strict."""
    if "strict" not in installed():
        return []
    home = select("strict", "float32")
    with home.active():
        wrong = next(filter(None, map(misshapen, make(home))), "")
    told = f"it may not run on every backend: on array-api-strict {wrong}" if wrong else ""
    return [Row("portable", None, part, ok=True, where=told, warning=bool(wrong))]


def misshapen(call: Call) -> str:
    """Describe what is wrong with the type, shape or dtype of a result; "" if nothing."""
    like = call.arguments[0]
    try:
        given = call.function(*(0.0 + each for each in call.arguments))  # copies: it may write
    except Exception as error:  # a user's function may raise anything
        return f"{call.name} raised {raised(error)}"
    kind = f"shape {call.shape}, {dtype_name(like)}"
    if not hasattr(given, "shape") or not hasattr(given, "dtype"):
        return f"{call.name} returned {given!r}; expected an array of {kind}"
    if namespace(given) is not namespace(like):
        return f"{call.name} returned {describe(given)} for {describe(like)}"
    if tuple(given.shape) == call.shape and given.dtype == like.dtype:
        return ""
    return (
        f"{call.name} returned shape {tuple(given.shape)}, {dtype_name(given)}; expected "
        f"{kind}: use operators, bpx.namespace and Python numbers, which keep both"
    )


def raised(error: Exception) -> str:
    """Name an error, its message, and the line of the user's function where it came from."""
    for frame, line in walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").partition(".")[0] not in ("bpx", "bpx_backends"):
            code = frame.f_code
            place = f", in {code.co_qualname} ({code.co_filename}:{line})"
            return f"{type(error).__name__}: {error}{place}"
    return f"{type(error).__name__}: {error}"


def _impure(call: Call, tolerance: float) -> str:
    before = tuple(to_host(each).copy() for each in call.arguments)
    first = call()
    if not all(map(_same, before, call.arguments)):
        return f"{call.name} wrote into its argument: use x = x + y instead of x += y"
    found = deviation(call(), known(first), tolerance)
    if found.largest > tolerance:
        return f"{call.name} returned {found.expected:.6g}, then {found.given:.6g} for the same"
    return ""


def _same(before: Any, after: Array) -> bool:
    return bool((before == to_host(after)).all())


def _coupled(call: Call, tolerance: float) -> str:
    """Describe a function whose first rows change when the others are removed."""
    few = max(1, call.arguments[0].shape[0] // 2)
    alone = call.function(*(each[:few, ...] for each in call.arguments))
    found = deviation(call()[:few, ...], known(alone), tolerance)
    if found.largest <= tolerance:
        return ""
    return (
        f"{call.name} of a sample depends on the others of its batch: {found.given:.6g} with "
        f"them, {found.expected:.6g} without; use sum and max with axis=-1"
    )


def _lost(calls: list[Call]) -> Iterator[tuple[str, str]]:
    """Yield the functions that are not finite somewhere, and their values there."""
    for call in calls:
        values = to_host(call()).reshape(-1).tolist()
        wrong = [value for value in values if not abs(value) < float("inf")]
        if wrong:
            where = max(abs(x) for x in to_host(call.arguments[0]).reshape(-1).tolist())
            yield call.name, f"{wrong[0]} within ±{where:g}"
