"""Layers in 16 bits: the products and what lies between them in float16 or bfloat16.

`HalfDense` computes its product in a 16-bit dtype, and keeps a_prev, z, a and delta in it. Its
activation is computed from the 16-bit z: in 16 bits if it is piecewise linear, such as relu,
and otherwise in float32, rounded once, as a library's own kernels do. The sums over samples of
BP3 are float32, and BP4's product becomes float32. Every other layer is `Wide`: what enters it
becomes float32, so that means, variances and exponentials are float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from bpx import equations
from bpx._typing import A
from bpx.arrays.registry import namespace
from bpx.jacobians import bends
from bpx.layers.dense import Dense
from bpx.layers.dense_saved import DenseParameters, DenseSaved
from bpx.layers.layer import Context

__all__ = ["HalfDense", "HalfSaved", "Wide", "halved", "narrowed", "widened"]


def narrowed(x: A, half: str) -> A:
    """Round an array to the 16-bit dtype of that name."""
    xp = namespace(x)
    found: A = xp.astype(x, getattr(xp, half))
    return found


def widened(x: A) -> A:
    """Return the same numbers in float32."""
    xp = namespace(x)
    found: A = xp.astype(x, xp.float32)
    return found


class HalfSaved(DenseSaved):
    """What a `HalfDense` saves; a_prev is 16-bit, and so is delta."""

    __slots__ = ()

    def gradients(self, r: Any, delta: Any) -> DenseParameters:
        """BP4 as a product in 16 bits, and BP3 as a sum in float32; both become float32."""
        wide = widened(delta)
        weighed = delta
        if not isinstance(r, float):
            wide, r = r * wide, 1.0
            weighed = namespace(delta).astype(wide, delta.dtype)
        dw = widened(equations.bp4(r, weighed, self.a_prev))
        return DenseParameters(dw, equations.bp3(r, wide))


class UnbiasedHalfSaved(HalfSaved):
    """The same for a layer without biases."""

    __slots__ = ()

    def gradients(self, r: Any, delta: Any) -> DenseParameters:
        """BP4."""
        return super().gradients(r, delta)._replace(b=None)


@dataclass(frozen=True, repr=False)
class HalfDense(Dense):
    """A `Dense` layer whose product is computed in 16 bits, from weights of that dtype.

    Attributes
    ----------
    half : {"bfloat16", "float16"}
        The dtype of w and b as `forward` and `send_back` get them.
    output : bool
        Whether it is the last layer: its z and a are then float32.
    """

    half: str = field(default="bfloat16", kw_only=True)
    output: bool = field(default=False, kw_only=True)

    @property
    def _narrow(self) -> bool:
        """Whether sigma and sigma' are computed in 16 bits: each is exact, or rounded once."""
        return not self.output and not bends(self.activation)

    def forward(self, parameters: DenseParameters, a_prev: Any, context: Context) -> HalfSaved:
        """z^l = w^l a^{l-1} + b^l in 16 bits, a^l = sigma(z^l)."""
        a_prev = narrowed(a_prev, self.half)
        z = equations.forward(parameters.w, parameters.b, a_prev)
        if self.output:
            z = widened(z)
            a = self.activation.sigma(z)
        elif self._narrow:
            a = self.activation.sigma(z)
        else:
            a = narrowed(self.activation.sigma(widened(z)), self.half)
        return (HalfSaved if self.bias else UnbiasedHalfSaved)(a_prev, z, a)

    def error(self, saved: DenseSaved, g: A) -> A:
        """delta^l = g ⊙ sigma'(z^l), in 16 bits."""
        if self._narrow:
            return self.activation.pullback(saved.z, saved.a, narrowed(g, self.half))
        z, a = widened(saved.z), widened(saved.a)
        return narrowed(self.activation.pullback(z, a, widened(g)), self.half)


@dataclass(frozen=True)
class Wide:
    """Any other layer, which computes in float32; what it saves and sends back is float32.

    Attributes
    ----------
    layer : Layer
    """

    layer: Any

    @property
    def kind(self) -> str:
        """The layer's own."""
        kind: str = self.layer.kind
        return kind

    def forward(self, parameters: Any, a_prev: Any, context: Context) -> Any:
        """The layer's own, of the float32 numbers; a pair for the end of a residual block."""
        pair = isinstance(a_prev, tuple)
        entering = tuple(map(widened, a_prev)) if pair else widened(a_prev)
        return self.layer.forward(parameters, entering, context)

    def error(self, saved: Any, g: A) -> A:
        """The layer's own."""
        delta: A = self.layer.error(saved, widened(g))
        return delta

    @property
    def send_back(self) -> Callable[..., Any]:
        """The layer's own."""
        send: Callable[..., Any] = self.layer.send_back
        return send


def halved(layers: tuple[Any, ...], half: str) -> tuple[HalfDense | Wide, ...]:
    """Return the layers that compute the same in 16 bits, for parameters as `narrowed` ones."""
    last = len(layers) - 1
    return tuple(
        _dense(layer, half, output=i == last) if isinstance(layer, Dense) else Wide(layer)
        for i, layer in enumerate(layers)
    )


def _dense(layer: Dense, half: str, *, output: bool) -> HalfDense:
    own = {each.name: getattr(layer, each.name) for each in fields(Dense)}
    return HalfDense(**own, half=half, output=output)
