"""Functions that apply a rule for one array to every array of trees with the same form."""

from collections.abc import Callable
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import dtype_name, namespace
from bpx.errors import InputError
from bpx.program.contract import leaves, named_leaves, rebuilt

__all__ = [
    "PENALISED",
    "above_0",
    "below_1",
    "first",
    "mapped",
    "number",
    "on_weights",
    "zeros",
]

PENALISED = ("w", "B")
"""The names of the arrays with a penalty: weights, and matrices that a feedback learns."""


def mapped(rule: Callable[..., Array], tree: Any, *others: Any) -> Any:
    """Apply ``rule(x, ...)`` to each array of `tree` and the matching arrays of `others`.

    Parameters
    ----------
    rule : callable
        A function of one array from each tree.
    tree, *others : trees of arrays
        Such as `Parameters` and `Gradients`.

    Returns
    -------
    tree of arrays
        A tree in the form of `tree`.

    Examples
    --------
    >>> net = bpx.Network([2, 3, 1], seed=0)
    >>> halved = bpx.optim.mapped(lambda w: 0.5 * w, net.parameters)
    >>> halved.w[0].shape
    (3, 2)
    """
    together = zip(leaves(tree), *map(leaves, others), strict=True)
    return rebuilt(tree, [rule(*each) for each in together])


def on_weights(rule: Callable[..., Array], tree: Any, *others: Any) -> Any:
    """Apply a rule only to weights: see `PENALISED`. The other arrays of `tree` stay."""
    together = zip(named_leaves(tree), *map(leaves, others), strict=True)
    return rebuilt(
        tree,
        [
            rule(x, *rest) if place.partition("[")[0] in PENALISED else x
            for (place, x), *rest in together
        ],
    )


def zeros(parameters: Any) -> Any:
    """Return zero arrays in the form of the parameters."""
    return mapped(namespace(first(parameters)).zeros_like, parameters)


def first(tree: Any) -> Array:
    """Return an array of the tree, for its library, device and dtype."""
    found: Array = next(iter(leaves(tree)))
    return found


def number(value: float, parameters: Any) -> Array:
    """Return a number as an array with the parameters' library, device and dtype.

    Its shape is (1,), or (K, 1, 1) for the parameters of K networks.
    """
    like = first(parameters)
    shape = (like.shape[0], 1, 1) if like.ndim > 2 else (1,)
    made: Array = namespace(like).full(
        shape, value, dtype=like.dtype, device=getattr(like, "device", None)
    )
    return made


def above_0(name: str, value: float, parameters: Any) -> Array:
    """`number`, for one that must not become 0, as an epsilon.

    Raises
    ------
    InputError
        If it is less than the smallest normal number of the parameters' dtype; some devices
        take smaller ones for 0.
    """
    like = first(parameters)
    least = float(namespace(like).finfo(like.dtype).smallest_normal)
    if value < least:
        raise InputError(
            f"{name}={value} was given, which the network's {dtype_name(like)} may take for 0; "
            f"expected at least {least:.3g}, or a network with dtype='float64'"
        )
    return number(value, parameters)


def below_1(name: str, value: float, parameters: Any) -> Array:
    """`number`, for one that must not become 1, as a decay rate.

    Raises
    ------
    InputError
        If it rounds to 1 in the parameters' dtype.
    """
    like = first(parameters)
    eps = float(namespace(like).finfo(like.dtype).eps)
    if value >= 1.0 - eps / 4.0:
        raise InputError(
            f"{name}={value} was given, which is 1 in the network's {dtype_name(like)}; "
            f"expected at most {1.0 - eps / 2.0!r}, or a network with dtype='float64'"
        )
    return number(value, parameters)
