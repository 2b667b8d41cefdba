"""Rules for one array, applied to every array of some trees of one form."""

from collections.abc import Callable
from typing import Any

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.program.contract import leaves, named_leaves, rebuilt

__all__ = ["PENALISED", "first", "mapped", "number", "on_weights", "zeros"]

PENALISED = ("w", "B")
"""What a penalty acts on, by name: weights, and matrices that a feedback learns."""


def mapped(rule: Callable[..., Array], tree: Any, *others: Any) -> Any:
    """``rule(x, ...)`` of each array of `tree` and those in the same places of the others.

    Parameters
    ----------
    rule : callable
        Of as many arrays as there are trees.
    tree, *others : trees of arrays
        Such as `Parameters` and `Gradients`.

    Returns
    -------
    tree of arrays
        Of the form of `tree`.

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
    """The same of weights alone: see `PENALISED`; the other arrays of `tree` stay."""
    together = zip(named_leaves(tree), *map(leaves, others), strict=True)
    return rebuilt(
        tree,
        [
            rule(x, *rest) if place.partition("[")[0] in PENALISED else x
            for (place, x), *rest in together
        ],
    )


def zeros(parameters: Any) -> Any:
    """Arrays of zeros in the form of the parameters."""
    return mapped(namespace(first(parameters)).zeros_like, parameters)


def first(tree: Any) -> Array:
    """An array of the tree, for its library, device and dtype."""
    found: Array = next(iter(leaves(tree)))
    return found


def number(value: float, parameters: Any) -> Array:
    """A number as an array of the parameters' library, device and dtype.

    Of shape (1,); (K, 1, 1) where the parameters are those of K networks.
    """
    like = first(parameters)
    shape = (like.shape[0], 1, 1) if like.ndim > 2 else (1,)
    made: Array = namespace(like).full(
        shape, value, dtype=like.dtype, device=getattr(like, "device", None)
    )
    return made
