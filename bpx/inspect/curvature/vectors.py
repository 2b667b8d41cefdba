"""Parameters, gradients and directions as one vector, in the order w^1, b^1, w^2, b^2, ..."""

from collections.abc import Sequence
from itertools import accumulate
from math import prod

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.model.spec import Parameters

__all__ = ["flatten", "unflatten"]


def flatten(groups: tuple[Sequence[Array], Sequence[Array]]) -> Array:
    """A pair (w, b) as one vector: w^1, b^1, w^2, ..., each array row by row.

    Parameters
    ----------
    groups : pair (w, b) of tuples of arrays
        Such as ``net.parameters`` or ``trace.gradients``.

    Returns
    -------
    array, shape (p,)

    Raises
    ------
    InputError
        If it is no such pair.
    """
    pair = isinstance(groups, tuple | list) and len(groups) == 2
    if not pair or not all(isinstance(part, tuple | list) and part for part in groups):
        raise InputError(
            f"a {type(groups).__name__} was given; expected a pair (w, b) of tuples of arrays, "
            "such as net.parameters or trace.gradients"
        )
    xp = namespace(groups[0][0])
    parts = (part for layer in zip(*groups, strict=True) for part in layer)
    return xp.concat([xp.reshape(part, (-1,)) for part in parts])


def unflatten(vector: Array, like: tuple[Sequence[Array], Sequence[Array]]) -> Parameters:
    """The pair (w, b) of a vector that `flatten` made.

    Parameters
    ----------
    vector : array, shape (p,)
    like : pair (w, b) of tuples of arrays
        Of the shapes, such as ``net.parameters``.

    Returns
    -------
    pair (w, b)
        A `Parameters`.

    Raises
    ------
    InputError
        If the vector is of another length.
    """
    shapes = [tuple(part.shape) for layer in zip(*like, strict=True) for part in layer]
    ends = list(accumulate(map(prod, shapes)))
    array = hasattr(vector, "shape")
    if not array or tuple(vector.shape) != (ends[-1],):
        told = f"vector of shape {tuple(vector.shape)}" if array else type(vector).__name__
        raise InputError(
            f"a {told} was given; expected ({ends[-1]},), one number for each parameter"
        )
    xp = namespace(vector)
    parts = [
        xp.reshape(vector[begin:end], shape)
        for begin, end, shape in zip([0, *ends], ends, shapes, strict=False)
    ]
    return Parameters(tuple(parts[::2]), tuple(parts[1::2]))
