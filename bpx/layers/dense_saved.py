"""The tuples of a `Dense` layer, with the per-sample terms that BP3 and BP4 sum.

Each sample's gradient is the outer product of its delta and (a_prev, 1), so norms, inner
products and Kronecker factors follow from those of delta and a_prev. Without biases, there is
no 1.
"""

from typing import Any, NamedTuple

from bpx import equations
from bpx._typing import A
from bpx.arrays.registry import namespace

__all__ = ["DenseMoved", "DenseParameters", "DenseSaved", "UnbiasedSaved"]


class DenseParameters(NamedTuple):
    """The parameters of a `Dense` layer, or their gradients.

    Attributes
    ----------
    w : array, shape (n_out, n_in)
        ``w[j, k]`` is the book's w^l_{jk}.
    b : array, shape (n_out,), or None
        None for a layer without biases.
    """

    w: Any
    b: Any = None


class DenseSaved(NamedTuple):
    """The arrays that the forward pass saves for the backward pass.

    Attributes
    ----------
    a_prev : array, shape (n, n_in)
        The layer's input.
    z, a : arrays, shape (n, n_out)
    """

    a_prev: Any
    z: Any
    a: Any

    def gradients(self, r: Any, delta: Any) -> DenseParameters:
        """BP4 and BP3."""
        return DenseParameters(equations.bp4(r, delta, self.a_prev), equations.bp3(r, delta))

    # The terms that the sums over samples add up: grad_x = delta_x (a_x, 1)^T

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = ‖delta_x‖² (‖a_x‖² + 1), shape (n,)."""
        norms: A = _squares(delta) * (_squares(self.a_prev) + 1.0)
        return norms

    def inner_products(self, delta: A, other: "DenseSaved", delta_other: A) -> A:
        """grad_x · grad_x' for all pairs, (n, m): (delta delta'^T) ∘ (a a'^T + 1)."""
        return (delta @ delta_other.mT) * (self.a_prev @ other.a_prev.mT + 1.0)

    def individual(self, delta: Any) -> DenseParameters:
        """grad_x for each sample: the samples' axis comes first, then the parameters' axes."""
        return DenseParameters(delta[..., :, None] * self.a_prev[..., None, :], delta)

    def along(self, v: DenseParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        moved = self.a_prev @ v.w.mT + v.b
        product: A = namespace(delta).sum(delta * moved, axis=-1, keepdims=True)
        return product

    def squared(self) -> "DenseSaved":
        """Square a_prev, so that BP3 and BP4 of squared deltas sum squared gradients."""
        return self._replace(a_prev=self.a_prev * self.a_prev)


class UnbiasedSaved(DenseSaved):
    """The same for a layer without biases, whose gradient has no BP3 and no input of 1."""

    __slots__ = ()

    def gradients(self, r: Any, delta: Any) -> DenseParameters:
        """BP4."""
        return DenseParameters(equations.bp4(r, delta, self.a_prev))

    def squared_norms(self, delta: A) -> A:
        """‖grad_x‖² = ‖delta_x‖² ‖a_x‖², shape (n,)."""
        norms: A = _squares(delta) * _squares(self.a_prev)
        return norms

    def inner_products(self, delta: A, other: DenseSaved, delta_other: A) -> A:
        """grad_x · grad_x' for all pairs, (n, m): (delta delta'^T) ∘ (a a'^T)."""
        return (delta @ delta_other.mT) * (self.a_prev @ other.a_prev.mT)

    def individual(self, delta: Any) -> DenseParameters:
        """grad_x for each sample: the samples' axis comes first, then the parameters' axes."""
        return super().individual(delta)._replace(b=None)

    def along(self, v: DenseParameters, delta: A) -> A:
        """grad_x · v for each sample, a column (n, 1)."""
        product: A = namespace(delta).sum(
            delta * (self.a_prev @ v.w.mT), axis=-1, keepdims=True
        )
        return product


class DenseMoved(NamedTuple):
    """R{a_prev} and R{z} for a direction of (w, b); R{a_prev} is None for 0."""

    a_prev: Any
    z: Any


def _squares(x: A) -> A:
    return namespace(x).sum(x * x, axis=-1)
