"""How a function behaves, whatever it computes: shapes, dtypes, purity, samples apart."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.home import Home, select
from bpx.arrays.registry import describe, dtype_name, installed, namespace
from bpx.arrays.transfer import to_host
from bpx.inspect.checks.differences import deviation, known
from bpx.inspect.checks.report import Row

__all__ = ["Call", "behaves", "finite", "misshapen", "portable"]


class Call(NamedTuple):
    """A function of a part, and what it is tried on.

    Attributes
    ----------
    name : str
        What the part calls it, such as "sigma_prime".
    function : callable
    arguments : tuple of arrays
        One sample a row.
    shape : tuple of int
        Of what it must give, one sample a row.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Array, ...]
    shape: tuple[int, ...]

    def __call__(self) -> Any:
        """What it gives."""
        return self.function(*self.arguments)


def behaves(
    part: str,
    calls: list[Call],
    narrow: list[Call],
    tolerance: float,
    *,
    together: bool = False,
) -> list[Row]:
    """The rows of shape and dtype, of purity, and of samples apart from each other.

    What fails one is not asked the next.

    Parameters
    ----------
    part : str
    calls, narrow : list of Call
        On float64 and on float32 arguments.
    tolerance : float
        The relative deviation that is no rounding, in float64.
    together : bool, optional
        Whether the functions sum over the samples, which are then not apart.
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
    """A warning where a function is not finite, on arguments that are extreme."""
    lost = "; ".join(f"{name} is {found}" for name, found in _lost(calls))
    return Row("finite", None, part, ok=True, where=lost, warning=bool(lost))


def portable(part: str, make: Callable[[Home], list[Call]]) -> list[Row]:
    """A warning where a function needs more than the standard; array-api-strict tells."""
    if "strict" not in installed():
        return []
    home = select("strict", "float32")
    with home.active():
        wrong = next(filter(None, map(misshapen, make(home))), "")
    told = f"it may not run on every backend: on array-api-strict {wrong}" if wrong else ""
    return [Row("portable", None, part, ok=True, where=told, warning=bool(wrong))]


def misshapen(call: Call) -> str:
    """What is wrong with the kind, the shape or the dtype of what a call gives; else ""."""
    like = call.arguments[0]
    try:
        given = call.function(*(0.0 + each for each in call.arguments))  # copies: it may write
    except Exception as error:  # a function of the caller's may raise anything
        return f"{call.name} raised {type(error).__name__}: {error}"
    kind = f"shape {call.shape}, {dtype_name(like)}"
    if not hasattr(given, "shape") or not hasattr(given, "dtype"):
        return f"{call.name} gave {given!r}; expected an array of {kind}"
    if namespace(given) is not namespace(like):
        return f"{call.name} gave {describe(given)} for {describe(like)}"
    if tuple(given.shape) == call.shape and given.dtype == like.dtype:
        return ""
    return (
        f"{call.name} gave shape {tuple(given.shape)}, {dtype_name(given)}; expected {kind}: "
        "use operators, bpx.namespace and Python numbers, which keep both"
    )


def _impure(call: Call, tolerance: float) -> str:
    before = tuple(to_host(each).copy() for each in call.arguments)
    first = call()
    if not all(map(_same, before, call.arguments)):
        return f"{call.name} wrote into what it was given: x = x + y in the place of x += y"
    found = deviation(call(), known(first), tolerance)
    if found.largest > tolerance:
        return f"{call.name} gave {found.expected:.6g}, then {found.given:.6g} for the same"
    return ""


def _same(before: Any, after: Array) -> bool:
    return bool((before == to_host(after)).all())


def _coupled(call: Call, tolerance: float) -> str:
    """What is wrong with a function whose first rows change when the others leave."""
    few = max(1, call.arguments[0].shape[0] // 2)
    alone = call.function(*(each[:few, ...] for each in call.arguments))
    found = deviation(call()[:few, ...], known(alone), tolerance)
    if found.largest <= tolerance:
        return ""
    return (
        f"{call.name} of a sample depends on the others of its batch: {found.given:.6g} among "
        f"them, {found.expected:.6g} without; sum and max with axis=-1"
    )


def _lost(calls: list[Call]) -> Iterator[tuple[str, str]]:
    """The functions that are somewhere not finite, and what they are there."""
    for call in calls:
        values = to_host(call()).reshape(-1).tolist()
        wrong = [value for value in values if not abs(value) < float("inf")]
        if wrong:
            where = max(abs(x) for x in to_host(call.arguments[0]).reshape(-1).tolist())
            yield call.name, f"{wrong[0]} within ±{where:g}"
