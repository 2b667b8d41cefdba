"""`Trace`: what the passes computed, layer by layer, and the book's z, a and delta of it."""

from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.layers.dense import DenseSaved
from bpx.model.parameters import Gradients

__all__ = ["Trace"]


class Trace(NamedTuple):
    """What the passes computed, for n samples.

    ``z``, ``a`` and ``delta`` belong to the `Dense` layers 1 to L, in the order in which they
    run; `layers` and `deltas` have an entry for each layer, of whatever kind.

    Attributes
    ----------
    layers : tuple of named tuples of arrays
        What each layer's forward pass saved: ``layers[i].a`` is its output.
    deltas : tuple of arrays, or None
        The delta of each layer. None after a forward pass alone.
    cost : array, shape (n,), or None
        C_x, the cost of each sample, without any penalty.
    gradients : Gradients, or None
        ``gradients.w[i] = (r * delta[i]).mT @ a[i]`` and ``gradients.b[i]``, the sum of
        ``r * delta[i]`` over the samples, where r is 1/n or the row weights.
    z : tuple of L arrays
        ``z[i]``: the weighted inputs of layer i + 1, shape (n, k_{i+1}).
    a : tuple of L + 1 arrays
        ``a[i]``: what layer i + 1 is fed, shape (n, k_i); ``a[0]`` is x, ``a[-1]`` the
        output. With Dense layers alone, ``a[i]`` are the activations of layer i.
    delta : tuple of L arrays, or None
        ``delta[i]``: the errors dC_x/dz of layer i + 1, shape (n, k_{i+1}), for each sample,
        not divided by n. None after a forward pass alone.
    """

    layers: tuple[Any, ...]
    deltas: tuple[Array, ...] | None = None
    cost: Array | None = None
    gradients: Gradients | None = None

    def __repr__(self) -> str:
        widths = [int(a.shape[-1]) for a in self.a]
        filled = [name for name in self._fields[1:] if getattr(self, name) is not None]
        rest = f", with {', '.join(filled)}" if filled else ""
        return f"<bpx.Trace of {self.layers[-1].a.shape[0]} samples through {widths}{rest}>"

    @property
    def dense(self) -> tuple[DenseSaved, ...]:
        """What the Dense layers saved."""
        return tuple(saved for saved in self.layers if isinstance(saved, DenseSaved))

    @property
    def z(self) -> tuple[Array, ...]:
        """The weighted inputs of the Dense layers."""
        return tuple(saved.z for saved in self.dense)

    @property
    def a(self) -> tuple[Array, ...]:
        """What each Dense layer is fed, and the output."""
        return (*(saved.a_prev for saved in self.dense), self.layers[-1].a)

    @property
    def delta(self) -> tuple[Array, ...] | None:
        """The errors of the Dense layers."""
        if self.deltas is None:
            return None
        pairs = zip(self.layers, self.deltas, strict=True)
        return tuple(delta for saved, delta in pairs if isinstance(saved, DenseSaved))
