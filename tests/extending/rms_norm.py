"""A layer of somebody's own: it couples the units of a row, and learns a gain for each.

a = gain ∘ x / s with s = sqrt(mean_j x_j² + epsilon), row by row (Zhang and Sennrich 2019).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import bpx


class Gain(NamedTuple):
    gain: Any


class Saved(NamedTuple):
    unit: Any  # x / s
    s: Any
    a: Any

    def gradients(self, r, delta):
        xp = bpx.namespace(delta)
        return Gain(xp.sum(r * delta * self.unit, axis=-2))

    def individual(self, delta):
        return Gain(delta * self.unit)


class Moved(NamedTuple):
    unit: Any
    s: Any
    a: Any


@dataclass(frozen=True)
class RMSNorm:
    width: int
    epsilon: float = 1e-5

    kind: ClassVar[str] = "rms_norm"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    bends: ClassVar[bool] = False

    @property
    def n_in(self):
        return self.width

    n_out = n_in

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {"gain": (self.width,)}

    def entry(self, arrays):
        return Gain(arrays["gain"])

    def draw(self, init, rng):
        return {"gain": 1.0 + 0.1 * rng("layer").standard_normal(self.width)}

    def forward(self, parameters, a_prev, context):
        xp = bpx.namespace(a_prev)
        s = xp.sqrt(xp.mean(a_prev * a_prev, axis=-1, keepdims=True) + self.epsilon)
        unit = a_prev / s
        return Saved(unit, s, parameters.gain * unit)

    def error(self, saved, g):
        """dC/da itself: what the gain's gradient is made of."""
        return g

    def send_back(self, parameters, saved, delta):
        return _pulled(saved.unit, saved.s, parameters.gain * delta)

    def r_forward(self, parameters, v, saved, ra_prev):
        xp = bpx.namespace(saved.unit)
        if ra_prev is None:
            ra_prev = xp.zeros_like(saved.unit)
        rs = xp.mean(saved.unit * ra_prev, axis=-1, keepdims=True)
        runit = (ra_prev - saved.unit * rs) / saved.s
        return Moved(runit, rs, v.gain * saved.unit + parameters.gain * runit)

    def r_output(self, saved, moved):
        return moved.a

    def r_error(self, saved, moved, g, rg):
        return rg

    def r_send_back(self, parameters, v, saved, moved, delta, rdelta):
        u, s, xp = saved.unit, saved.s, bpx.namespace(delta)
        h = parameters.gain * delta
        rh = v.gain * delta + parameters.gain * rdelta
        inner = xp.mean(h * u, axis=-1, keepdims=True)
        rinner = xp.mean(rh * u + h * moved.unit, axis=-1, keepdims=True)
        pulled = h - u * inner
        return (rh - moved.unit * inner - u * rinner) / s - pulled * moved.s / (s * s)

    def r_gradients(self, r, saved, moved, delta, rdelta):
        xp = bpx.namespace(delta)
        return Gain(xp.sum(r * (rdelta * saved.unit + delta * moved.unit), axis=-2))


def _pulled(unit, s, h):
    xp = bpx.namespace(h)
    return (h - unit * xp.mean(h * unit, axis=-1, keepdims=True)) / s
