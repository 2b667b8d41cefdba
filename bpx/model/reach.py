"""Refuse to train on targets that the output cannot reach.

A sigmoid gives numbers in [0, 1]. Trained with the quadratic cost on targets of 25 ... 346, it
can only learn to saturate at 1, where sigma' is 0 and every unit before it stops learning.
"""

from math import inf
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.costs import built_in
from bpx.errors import InputError, advice, option
from bpx.model.spec import Spec

__all__ = ["check_reach", "numbered"]

_ROUNDING = 1e-6
"""How far targets may lie outside the reach, because scaled numbers have rounding errors."""


def check_reach(spec: Spec, y: Array, name: str) -> None:
    """Refuse targets outside the reach of the output's activation.

    The cross-entropies have their own rules: see `bpx.model.inputs`. A custom cost may use its
    targets in any way, and an activation without a `reach` may return any number.

    Parameters
    ----------
    spec : Spec
    y : array, shape (n,) or (n, k_L), numbers
    name : str
        The caller's name for y, for the message.

    Raises
    ------
    InputError
        The message gives both ranges and says what to do.
    """
    reach = getattr(spec.output, "reach", None)
    if reach is None or built_in(spec.cost.name) != spec.cost:
        return
    xp = namespace(y)
    low, high = float(xp.min(y)), float(xp.max(y))
    if low < reach[0] - _ROUNDING or high > reach[1] + _ROUNDING:
        way = numbered(y, name) if reach == (0.0, 1.0) else ""
        raise InputError(
            f"{name} runs from {low:g} to {high:g}, but the output, {spec.output.name}, gives "
            f"{_within(reach)}; {way or _scaled(name, low, high, reach)}"
        )


def numbered(y: Any, name: str) -> str:
    """Return advice for two classes other than 0 and 1, or "" if y cannot be such classes.

    Parameters
    ----------
    y : array, shape (n,) or (n, k)
    name : str
    """
    xp = namespace(y)
    low, high = xp.min(y), xp.max(y)
    two = (
        xp.all((y == low) | (y == high)) and low < high and y.shape in ((len(y),), (len(y), 1))
    )
    if not two or float(low) % 1.0 or float(high) % 1.0:
        return ""
    return advice(
        "if these are two classes, number them from 0: "
        f"np.unique({name.rpartition(' ')[2]}, return_inverse=True)[1]",
        "if these are two classes, number them 0 and 1 in the file",
    )


def _scaled(name: str, low: float, high: float, reach: tuple[float, float]) -> str:
    start, end = reach if reach[1] < inf else (0.0, 1.0)
    return f"use {option('output', 'identity')}, or scale the targets" + advice(
        f": np.interp({name.rpartition(' ')[2]}, ({low:g}, {high:g}), ({start:g}, {end:g}))",
        " in the file",
    )


def _within(reach: tuple[float, float]) -> str:
    low, high = reach
    return f"no number below {low:g}" if high == inf else f"numbers in [{low:g}, {high:g}]"
