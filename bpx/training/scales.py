"""Inputs of very different sizes: a warning, since a network learns from the largest alone.

By BP4 the gradient of a weight is as large as its input. Where one input is a thousand times
another, no learning rate suits the weights of both.
"""

from typing import Any

from bpx._typing import Array
from bpx.arrays.host import as_host
from bpx.arrays.narrowing import standardised
from bpx.arrays.registry import dtype_name, namespace
from bpx.errors import advice, warn

__all__ = ["check_scales"]

FACTOR = 1000.0
"""How much larger an input may be than another."""
_ROWS = 4096
"""How many samples are looked at, spread over all."""
_NOTHING = 1e-12
"""What is smaller than this part of the largest is the rounding of a constant."""
_PIXELS = ("bool", "uint8", "int8", "uint16", "int16")
"""Dtypes whose columns are of one scale, as pixels are."""


def check_scales(x: Array, given: Any) -> None:
    """Warn if an input is a thousand times as large as another, by the largest of each.

    Constant columns do not count. Nor does the spread: a pixel at the border that is hardly
    ever on is as large as any other when it is.

    Parameters
    ----------
    x : array, shape (n, k_0)
        At the network's home.
    given : object
        The same as the caller gave it.

    Warns
    -----
    DataWarning
        Naming the two columns, the factor, and how to scale.
    """
    if dtype_name(given if hasattr(given, "dtype") else x) in _PIXELS:
        return
    xp, step = namespace(x), -(-x.shape[0] // _ROWS)
    low, high = (as_host(end(x[::step, ...], axis=0), "x") for end in (xp.min, xp.max))
    size = abs(low).clip(min=abs(high))
    moving = (low != high) & (size > _NOTHING * size.max())
    columns = moving.nonzero()[0]
    if len(columns) < 2:
        return
    sizes = size[columns]
    large, small = int(columns[sizes.argmax()]), int(columns[sizes.argmin()])
    factor = float(f"{float(size[large]) / float(size[small]):.2g}")
    if factor > FACTOR:
        scaled = standardised(given, "x", constant=(low == high).any())
        warn(
            f"column {large} of x is up to {size[large]:.3g}, {factor:,.0f} times as large as "
            f"column {small}, up to {size[small]:.3g}: the network will learn from the large "
            "one alone; "
            + advice(
                f"scale them to one size: {scaled}",
                "scale the columns of the file to one size, such as mean 0 and deviation 1",
            )
        )
