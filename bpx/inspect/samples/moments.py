"""Statistics of the samples' gradients: mean, spread, and diversity.

As in `bpx.inspect.samples.gradients`, these are gradients of C_x, and none of them is formed.
"""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.inspect.given import takes_network
from bpx.inspect.samples.gradients import own_errors, squared_layer_norms, total
from bpx.inspect.samples.layers import individual
from bpx.inspect.single import check_single_parameters
from bpx.layers.layer import learns
from bpx.model.parameters import Gradients
from bpx.model.passes import gradients
from bpx.model.trace import WithDeltas
from bpx.optim.trees import mapped
from bpx.program.contract import leaves, rebuilt

__all__ = ["Moments", "gradient_diversity", "moments"]


class Moments(NamedTuple):
    """The first two moments of the samples' gradients, element by element.

    Attributes
    ----------
    mean : Gradients
        (1/n) sum_x grad_x, the gradient of C.
    second : Gradients
        (1/n) sum_x grad_x², squared elementwise.
    """

    mean: Gradients
    second: Gradients

    @property
    def variance(self) -> Gradients:
        """The mean of grad² minus the mean's square, over n samples (not n - 1).

        If they nearly cancel, it is only as exact as the difference: in float32, about 1e-7 of
        the second moment. Negative rounding results are set to 0.
        """
        return self._map(lambda m, s: namespace(m).maximum(s - m * m, 0.0))

    @property
    def signal_to_noise(self) -> Gradients:
        """mean² / variance; 0 where the mean is 0, infinite where only the variance is 0.

        J. Liu et al., "Understanding why neural networks generalize well through GSNR of
        parameters" (2020), equation 1.
        """
        return self._map(_signal_to_noise)

    def _map(self, rule: Callable[[Array, Array], Array]) -> Gradients:
        found: Gradients = mapped(rule, self.mean, self.second)
        return found


@takes_network()
def moments(trace: WithDeltas, *, mean: Gradients | None = None) -> Moments:
    """Compute the mean of the samples' gradients and of their squares, by two products a layer.

    Since grad_x is an outer product, its square is the outer product of the squares: the second
    moment for w^l is (1/n) sum_x (delta^l_x)² ((a^{l-1}_x)²)^T.

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`.
    mean : Gradients, optional
        A precomputed mean, such as the `gradients` of a trace made with the default `r`, which
        halves the work. Do not pass those of a feedback with `gradients` of its own.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.
    """
    deltas, r = own_errors(trace), 1.0 / trace.a[0].shape[0]
    if mean is not None:
        check_single_parameters(mean, "mean")
    pairs = zip(trace.layers, deltas, strict=True)
    second = Gradients(_second(r, *pair) if learns(pair[0]) else () for pair in pairs)
    return Moments(gradients(r, trace.layers, deltas) if mean is None else mean, second)


def _second(r: float, kept: Any, delta: Array) -> Any:
    if hasattr(kept, "squared"):
        return kept.squared().gradients(r, delta * delta)
    each = individual(kept, delta)
    return rebuilt(each, [namespace(g).sum(r * (g * g), axis=0) for g in leaves(each)])


@takes_network()
def gradient_diversity(trace: WithDeltas) -> Array:
    """The gradient diversity sum_x ‖grad_x‖² / ‖sum_x grad_x‖².

    It is 1/n if all gradients are equal, and 1 if they are orthogonal.

    Multiplied by n, it bounds the batch size beyond which nothing is gained (Yin et al.,
    "Gradient diversity", 2018, definition 1).

    Parameters
    ----------
    trace : Trace
        A trace of `bpx.backprop`.

    Returns
    -------
    array, shape ()

    Raises
    ------
    InputError
        If the trace has no deltas, or is of several networks.
    """
    deltas = own_errors(trace)
    summed = gradients(1.0, trace.layers, deltas)
    xp = namespace(trace.a[0])
    squared_sum = total(xp.sum(g * g) for g in leaves(summed))
    return xp.sum(total(squared_layer_norms(trace))) / squared_sum


def _signal_to_noise(mean: Array, second: Array) -> Array:
    xp = namespace(mean)
    variance = xp.maximum(second - mean * mean, 0.0)
    ratio = mean * mean / xp.where(variance > 0.0, variance, xp.ones_like(mean))
    alike = xp.logical_and(variance <= 0.0, xp.abs(mean) > 0.0)
    return xp.where(alike, xp.full_like(mean, inf), ratio)
