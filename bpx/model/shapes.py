"""What to do with inputs of another shape than (n, k_0), where that can be told."""

from math import prod
from typing import Any

__all__ = ["shape_advice"]


def shape_advice(given: Any, shape: tuple[int, ...], width: int, name: str) -> str:
    """The end of "expected (n, width)": the expression that has this shape; empty if none has.

    Parameters
    ----------
    given : object
        What the caller has under that name; a list has no `reshape`.
    shape : tuple of int
        Its shape, another than (n, width).
    width : int
        k_0.
    name : str
        What the caller called it.
    """
    code = name.rpartition(" ")[2]
    code = code if hasattr(given, "reshape") else f"np.asarray({code})"
    if len(shape) == 1 and width == 1:
        return f": {code}[:, None]"
    if shape == (width,):
        return f"; a single sample is {code}[None, :]"
    if len(shape) > 2 and prod(shape[1:]) == width:
        return f": {code}.reshape(len({name.rpartition(' ')[2]}), -1)"
    if len(shape) == 2 and shape[0] == width:
        return f"; if each sample is a column: {code}.T"
    return ""
