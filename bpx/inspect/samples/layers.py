"""Per-sample gradients of one layer, from what it saved and its delta.

A layer may have cheaper formulas than these gradients, as `Dense` does. If it has only
`individual`, norms and products are computed from the gradients themselves.
"""

from functools import reduce
from operator import add
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.errors import InputError
from bpx.program.contract import leaves, named_leaves, rebuilt

__all__ = [
    "Plain",
    "along",
    "check_apart",
    "check_rows",
    "individual",
    "inner_product",
    "of_rows",
    "squared_norms",
]


class Plain(NamedTuple):
    """What a layer without cheaper formulas saved: only the samples' own gradients."""

    own: Any

    def individual(self, delta: Array) -> Any:
        """Return the gradients, whatever the delta."""
        return self.own


def individual(kept: Any, delta: Array) -> Any:
    """Compute grad_x of each sample: the samples' axis comes first, then the parameters'.

    Raises
    ------
    InputError
        If the layer couples samples, or was made without them; the message names it.
    """
    check_apart(kept)
    if not hasattr(kept, "individual"):
        raise InputError(
            f"a layer that saves {type(kept).__name__} was made without the gradients of each "
            "sample; give what it saves a method individual(delta): see bpx.layers.Layer"
        )
    own = kept.individual(delta)
    for field, g in named_leaves(own):
        _check_shape(kept, f"{field} of individual", g, (delta.shape[0],), whole=False)
    return own


def squared_norms(kept: Any, delta: Array) -> Array:
    """Compute ‖grad_x‖², shape (n,)."""
    check_apart(kept)
    if hasattr(kept, "squared_norms"):
        norms: Array = kept.squared_norms(delta)
        _check_shape(kept, "squared_norms", norms, (delta.shape[0],))
        return norms
    return reduce(add, (_rowwise(g * g) for g in leaves(individual(kept, delta))))


def inner_product(kept: Any, delta: Array, other: Any, delta_other: Array) -> Array:
    """Compute grad_x · grad_x' for all pairs, shape (n, m)."""
    check_apart(kept)
    if hasattr(kept, "inner_products"):
        products: Array = kept.inner_products(delta, other, delta_other)
        shape = delta.shape[0], delta_other.shape[0]
        _check_shape(kept, "inner_products", products, shape)
        return products
    both = leaves(individual(kept, delta)), leaves(individual(other, delta_other))
    return reduce(add, (_flat(g) @ _flat(h).mT for g, h in zip(*both, strict=True)))


def along(kept: Any, v: Any, delta: Array) -> Array:
    """Compute grad_x · v for each sample, a column (n, 1)."""
    check_apart(kept)
    if hasattr(kept, "along"):
        column: Array = kept.along(v, delta)
        _check_shape(kept, "along", column, (delta.shape[0], 1))
        return column
    pairs = zip(leaves(individual(kept, delta)), leaves(v), strict=True)
    return reduce(add, (_rowwise(g * direction)[..., None] for g, direction in pairs))


def check_apart(kept: Any) -> None:
    """Raise InputError if a layer that couples samples saved `kept`."""
    if getattr(kept, "couples_samples", False):
        raise InputError(
            f"a layer that saves {type(kept).__name__} couples the samples of a batch, so that "
            "none has its own gradient; expected a network without such a layer"
        )


def check_rows(number: int, kept: Any, delta: Array, n: int) -> None:
    """Raise InputError unless saved arrays and delta have the samples on axis -2.

    Parameters
    ----------
    number : int
        The layer's number, from 1.
    kept, delta
        What it saved, and its delta.
    n : int
        The number of samples.

    Raises
    ------
    InputError
        If not; the message names the layer, the field, its shape, and the expected one.
    """
    saved = [(f"{field!r} of what it saves", x) for field, x in named_leaves(kept)]
    for told, x in (*saved, ("its delta", delta)):
        shape = tuple(getattr(x, "shape", ()))
        if len(shape) < 2 or shape[-2] != n:
            raise InputError(
                f"layer {number}, which saves {type(kept).__name__}, has no row for each "
                f"sample: {told} has shape {shape}; expected ({n}, ·), with samples on axis "
                "-2; arrays without a sample axis must not be saved: see bpx.layers.Layer"
            )


def of_rows(rows: slice, kept: Any, delta: Array) -> tuple[Any, Array]:
    """Return the arrays that a layer saved for some of the samples, and their delta."""
    saved = rebuilt(kept, [x[..., rows, :] for x in leaves(kept)])
    return saved, delta[..., rows, :]


def _check_shape(
    kept: Any, what: str, given: Any, shape: tuple[int, ...], *, whole: bool = True
) -> None:
    """Raise InputError unless the shape begins with `shape` or, if `whole`, equals it."""
    found = tuple(getattr(given, "shape", ()))
    if (found if whole else found[: len(shape)]) != shape:
        behind = "" if whole else ", the samples' axis first"
        raise InputError(
            f"{what}, of a layer that saves {type(kept).__name__}, gave shape {found}; "
            f"expected {shape if whole else f'({shape[0]}, ...)'}{behind}"
        )


def _flat(g: Array) -> Array:
    """Flatten each sample's numbers into a row."""
    return namespace(g).reshape(g, (g.shape[0], -1))


def _rowwise(g: Array) -> Array:
    return namespace(g).sum(_flat(g), axis=-1)
