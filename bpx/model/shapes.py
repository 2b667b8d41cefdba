"""Advice for inputs of another shape than (n, k_0)."""

from math import prod
from typing import Any

__all__ = ["shape_advice"]


def shape_advice(given: Any, shape: tuple[int, ...], width: int, name: str) -> str:
    """Return the end of "expected (n, width)": an expression with this shape, or "".

    Parameters
    ----------
    given : object
        The caller's value; a list has no `reshape`.
    shape : tuple of int
        Its shape, which is not (n, width).
    width : int
        k_0.
    name : str
        The caller's name for the value.
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
