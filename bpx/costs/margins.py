"""The hinge losses: how far the output for what is right is from a margin of 1."""

from bpx._typing import Array
from bpx.activations import identity
from bpx.arrays.registry import namespace
from bpx.costs.cost import Cost, flat
from bpx.pairs import row_sums

__all__ = ["categorical_hinge", "hinge"]


def _hinge(a: Array, y: Array) -> Array:
    return row_sums(namespace(a).maximum(1.0 - (2.0 * y - 1.0) * a, 0.0))


def _hinge_grad(a: Array, y: Array) -> Array:
    # 0 at the corner, which is a subgradient.
    xp, side = namespace(a), 2.0 * y - 1.0
    return -side * xp.astype(side * a < 1.0, a.dtype)


def _margins(a: Array, y: Array) -> Array:
    """a_j − a_y + 1 of each class but the right one, for which it is 0."""
    xp = namespace(a)
    return (a - xp.sum(y * a, axis=-1, keepdims=True)) + (1.0 - y)


def _categorical_hinge(a: Array, y: Array) -> Array:
    return namespace(a).max(_margins(a, y), axis=-1)


def _categorical_hinge_grad(a: Array, y: Array) -> Array:
    # 1 for the class with the largest margin, −1 for the right one; the first of several.
    xp, device = namespace(a), getattr(a, "device", None)
    largest = xp.argmax(_margins(a, y), axis=-1, keepdims=True)
    classes = xp.arange(a.shape[-1], dtype=largest.dtype, device=device)
    return xp.astype(classes == largest, a.dtype) - y


hinge = Cost(
    "hinge",
    _hinge,
    _hinge_grad,
    targets="binary",
    outputs=(identity,),
    hess_a=flat,
)
categorical_hinge = Cost(
    "categorical_hinge",
    _categorical_hinge,
    _categorical_hinge_grad,
    targets="one_hot",
    outputs=(identity,),
    hess_a=flat,
)
