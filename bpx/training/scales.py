"""A warning about inputs on very different scales: a network learns only from the largest.

By BP4 the gradient of a weight is proportional to its input. If one input is a thousand times
as large as another, no learning rate suits the weights of both.
"""

from collections.abc import Collection
from typing import Any

from bpx._typing import Array
from bpx.arrays.host import as_host
from bpx.arrays.narrowing import standardised
from bpx.arrays.registry import dtype_name, namespace
from bpx.errors import advice, warn

__all__ = ["check_scales"]

FACTOR = 1000.0
"""The largest ratio of two inputs without a warning."""
_ROWS = 4096
"""The largest number of samples to check, spread evenly over all samples."""
_NOTHING = 1e-12
"""A column below this fraction of the largest is treated as the rounding of a constant."""
_PIXELS = ("bool", "uint8", "int8", "uint16", "int16")
"""Dtypes that imply columns on one scale, such as pixels."""


def check_scales(x: Array, given: Any, codes: Collection[int] = ()) -> None:
    """Warn if the largest value of one input is a thousand times that of another.

    Constant columns do not count. Nor does the spread: a border pixel is rarely on, but then
    it is as large as any other.

    Parameters
    ----------
    x : array, shape (n, k_0)
        At the network's home.
    given : object
        x as the caller gave it.
    codes : collection of int, optional
        The columns that hold codes for a `bpx.Embedding`, which do not count.

    Warns
    -----
    DataWarning
        If so; the message names the two columns, their ratio, and a way to scale them.
    """
    if dtype_name(given if hasattr(given, "dtype") else x) in _PIXELS:
        return
    xp, step = namespace(x), -(-x.shape[0] // _ROWS)
    low, high = (as_host(end(x[::step, ...], axis=0), "x") for end in (xp.min, xp.max))
    size = abs(low).clip(min=abs(high))
    size[[*codes]] = 0.0
    moving = (low != high) & (size > _NOTHING * size.max())
    columns = moving.nonzero()[0]
    if len(columns) < 2:
        return
    sizes = size[columns]
    large, small = int(columns[sizes.argmax()]), int(columns[sizes.argmin()])
    factor = float(f"{float(size[large]) / float(size[small]):.2g}")
    if factor > FACTOR:
        scaled = "leave the codes of categories as they are"
        if not codes:
            scaled = standardised(given, "x", constant=(low == high).any())
        warn(
            f"column {large} of x is up to {size[large]:.3g}, {factor:,.0f} times as large as "
            f"column {small}, up to {size[small]:.3g}: the network will learn only from the "
            "large one; "
            + advice(
                f"bring them to one scale: {scaled}",
                "bring the file's columns to one scale, such as mean 0 and deviation 1",
            )
        )
