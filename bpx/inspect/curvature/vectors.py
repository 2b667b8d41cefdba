"""Parameters, gradients and directions as one vector: layer by layer, w before b."""

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.inspect.single import check_single_parameters
from bpx.model.parameters import Parameters, as_parameters

__all__ = ["flatten", "unflatten"]

Groups = Parameters | tuple[Sequence[Array], Sequence[Array]]


def flatten(groups: Groups) -> Array:
    """Flatten parameters into one vector: w^1, b^1, w^2, ..., each array row by row.

    Parameters
    ----------
    groups : Parameters or Gradients, or pair of tuples of arrays, w and b
        For example ``net.parameters`` or ``trace.gradients``.

    Returns
    -------
    array, shape (p,)

    Raises
    ------
    InputError
        If it is neither, or has several networks.
    """
    parts = [part for entry in _given(groups).layers for part in entry if part is not None]
    xp = namespace(parts[0])
    return xp.concat([xp.reshape(part, (-1,)) for part in parts])


def unflatten(vector: Array, like: Groups) -> Parameters:
    """Turn a vector made by `flatten` back into parameters.

    Parameters
    ----------
    vector : array, shape (p,)
    like : Parameters or Gradients, or pair of tuples of arrays, w and b
        Arrays of the desired shapes, such as ``net.parameters``.

    Returns
    -------
    bpx.Parameters

    Raises
    ------
    InputError
        If the vector has the wrong length, or `like` has several networks.
    """
    entries = _given(like).layers
    shapes = [tuple(part.shape) for entry in entries for part in entry if part is not None]
    ends = list(accumulate(map(prod, shapes)))
    array = hasattr(vector, "shape")
    if not array or tuple(vector.shape) != (ends[-1],):
        told = f"vector of shape {tuple(vector.shape)}" if array else type(vector).__name__
        several = array and vector.ndim > 1
        raise InputError(
            f"a {told} was given; expected ({ends[-1]},), one number for each parameter"
            + "; take several vectors one by one" * several
        )
    xp = namespace(vector)
    parts = iter(
        xp.reshape(vector[begin:end], shape)
        for begin, end, shape in zip([0, *ends], ends, shapes, strict=False)
    )
    return Parameters(_filled(entry, parts) for entry in entries)


def _filled(entry: Any, parts: Any) -> Any:
    inside = [None if part is None else next(parts) for part in entry]
    return type(entry)(*inside) if inside else entry


def _given(groups: Any) -> Parameters:
    try:
        given = as_parameters(groups)
    except InputError:
        given = Parameters(())
    if not any(given.layers):
        raise InputError(
            f"a {type(groups).__name__} was given; expected bpx.Parameters or Gradients, such "
            "as net.parameters or trace.gradients, or a pair (w, b) of tuples of arrays"
        )
    check_single_parameters(given)
    return given
