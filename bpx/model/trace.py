"""The results of the passes, layer by layer, with the book's z, a and delta."""

from abc import abstractmethod
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.layers.dense import DenseSaved
from bpx.model.parameters import Gradients

__all__ = ["Backward", "Forward", "Trace", "WithDeltas", "WithLayers"]


class WithLayers:
    """The base of the results of a forward pass: z and a."""

    @property
    @abstractmethod
    def layers(self) -> tuple[Any, ...]:
        """The values that each layer's forward pass saved."""

    @property
    def dense(self) -> tuple[DenseSaved, ...]:
        """The values that the Dense layers saved."""
        return tuple(saved for saved in self.layers if isinstance(saved, DenseSaved))

    @property
    def z(self) -> tuple[Array, ...]:
        """The weighted inputs of the Dense layers."""
        return tuple(saved.z for saved in self.dense)

    @property
    def a(self) -> tuple[Array, ...]:
        """The inputs of each Dense layer, and the output."""
        return (*(saved.a_prev for saved in self.dense), self.layers[-1].a)

    def __repr__(self) -> str:
        widths = [int(a.shape[-1]) for a in self.a]
        n, name = self.layers[-1].a.shape[0], type(self).__name__
        return f"<bpx.{name} of {n} samples through {widths}>"


class WithDeltas(WithLayers):
    """The base of the results of both passes: z, a and delta."""

    @property
    @abstractmethod
    def deltas(self) -> tuple[Array, ...]:
        """The delta of each layer."""

    @property
    def delta(self) -> tuple[Array, ...]:
        """The errors of the Dense layers."""
        pairs = zip(self.layers, self.deltas, strict=True)
        return tuple(delta for saved, delta in pairs if isinstance(saved, DenseSaved))


class _Forward(NamedTuple):
    layers: tuple[Any, ...]


class Forward(_Forward, WithLayers):
    """The results of a forward pass, for n samples; `Trace` has the same fields and more.

    Attributes
    ----------
    layers : tuple of named tuples of arrays
        The values that each layer's forward pass saved; ``layers[i].a`` is its output.
    z : tuple of L arrays
        ``z[i]`` are the weighted inputs of layer i + 1, shape (n, k_{i+1}).
    a : tuple of L + 1 arrays
        ``a[i]`` are the inputs of layer i + 1, shape (n, k_i); ``a[0]`` is x, and ``a[-1]`` is
        the output.
    """

    __repr__ = WithLayers.__repr__


class _Backward(NamedTuple):
    layers: tuple[Any, ...]
    deltas: tuple[Array, ...]


class Backward(_Backward, WithDeltas):
    """The results of a forward and a backward pass, without costs or gradients."""

    __repr__ = WithLayers.__repr__


class _Trace(NamedTuple):
    layers: tuple[Any, ...]
    deltas: tuple[Array, ...]
    cost: Array
    gradients: Gradients


class Trace(_Trace, WithDeltas):
    """The results of a forward and a backward pass, for n samples.

    ``z``, ``a`` and ``delta`` belong to the `Dense` layers 1 to L, in the order in which they
    run; `layers` and `deltas` have an entry for each layer of any kind.

    Attributes
    ----------
    layers : tuple of named tuples of arrays
        The values that each layer's forward pass saved; ``layers[i].a`` is its output.
    deltas : tuple of arrays
        The delta of each layer.
    cost : array, shape (n,)
        C_x, the cost of each sample, without any penalty.
    gradients : Gradients
        ``gradients.w[i] = (r * delta[i]).mT @ a[i]`` and ``gradients.b[i]``, the sum of
        ``r * delta[i]`` over the samples, where r is 1/n or the row weights.
    z : tuple of L arrays
        ``z[i]`` are the weighted inputs of layer i + 1, shape (n, k_{i+1}).
    a : tuple of L + 1 arrays
        ``a[i]`` are the inputs of layer i + 1, shape (n, k_i); ``a[0]`` is x, and ``a[-1]`` is
        the output. If all layers are Dense, ``a[i]`` are the activations of layer i; after a
        `bpx.Residual` they are its sum.
    delta : tuple of L arrays
        ``delta[i]`` are the errors dC_x/dz of layer i + 1, shape (n, k_{i+1}), for each sample,
        not divided by n.
    """

    __repr__ = WithLayers.__repr__
