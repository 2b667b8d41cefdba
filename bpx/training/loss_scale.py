"""The loss scale of float16 training, which keeps small deltas from becoming 0.

float16 has no numbers below 6e-8, and few below 6e-5, so the output's delta is multiplied by a
scale and the gradients are divided by it. If a gradient is then not finite, the step is skipped
and the scale is halved; after enough good steps it is doubled. P. Micikevicius et al., "Mixed
precision training" (2018), section 3.2; the numbers are those of ``torch.amp.GradScaler``.
"""

from functools import reduce
from typing import Any, NamedTuple

from bpx._typing import Array
from bpx.arrays.registry import namespace
from bpx.optim.trees import first, mapped, number
from bpx.program.contract import leaves

__all__ = [
    "BACKOFF",
    "GROWTH",
    "INITIAL",
    "INTERVAL",
    "LEAST",
    "LossScale",
    "all_finite",
    "first_scale",
    "selected",
]

INITIAL = 2.0**16
GROWTH = 2.0
BACKOFF = 0.5
INTERVAL = 2000
"""The good steps, without one that was skipped, after which the scale grows."""
LEAST = 2.0**-24
"""A scale below this, which float16 cannot hold, says that scaling does not help."""
_LARGEST, _SMALLEST = 2.0**120, 2.0**-120


class LossScale(NamedTuple):
    """The scale and its count.

    Attributes
    ----------
    scale : array, shape (1,), or (K, 1, 1) for K networks
    good : array of the same shape, int32
        The number of steps since the scale changed or a step was skipped.
    """

    scale: Array
    good: Array

    def after(self, ok: Array) -> "LossScale":
        """The scale for the next step, after one that was good, or skipped."""
        xp, (scale, good) = namespace(self.scale), self
        good = xp.where(ok, good + 1, xp.zeros_like(good))
        grows = good >= INTERVAL
        grown = xp.where(grows, xp.minimum(GROWTH * scale, _LARGEST), scale)
        backed = xp.maximum(BACKOFF * scale, _SMALLEST)
        scale, good = xp.where(ok, grown, backed), xp.where(grows, xp.zeros_like(good), good)
        return LossScale(scale, good)


def first_scale(parameters: Any) -> LossScale:
    """The scale before the first step, in the parameters' library and on their device."""
    scale = number(INITIAL, parameters)
    xp, device = namespace(scale), getattr(scale, "device", None)
    return LossScale(scale, xp.zeros(scale.shape, dtype=xp.int32, device=device))


def all_finite(gradient: Any) -> Array:
    """Whether all numbers are finite: bool, shape (1,), or (K, 1, 1) for K networks."""
    xp, several = namespace(first(gradient)), first(gradient).ndim > 2
    finite = map(xp.isfinite, leaves(gradient))
    if several:
        each = [xp.all(x, axis=(-2, -1), keepdims=True) for x in finite]
    else:
        each = [xp.reshape(xp.all(x), (1,)) for x in finite]
    return reduce(xp.logical_and, each)


def selected(ok: Array, new: Any, old: Any) -> Any:
    """Return the arrays of `new` where `ok`, and those of `old` otherwise, to the bit."""
    return mapped(lambda x, y: x if x is y else namespace(x).where(ok, x, y), new, old)
