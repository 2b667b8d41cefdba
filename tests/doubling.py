"""A layer of the tests' own, which learns nothing, and networks with it among Dense ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import bpx
from bpx.layers import Context


class Doubled(NamedTuple):
    a: Any


@dataclass(frozen=True)
class Double:
    """a = 2 a_prev: it learns nothing, and is told whether this is training."""

    n_in: int
    n_out: int

    kind: ClassVar[str] = "double"
    couples_samples: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    shapes: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    told: ClassVar[list[Context]] = []

    def entry(self, arrays):
        return ()

    def draw(self, init, rng):
        return {}

    def forward(self, parameters, a_prev, context):
        self.told.append(context)
        return Doubled(2.0 * a_prev)

    def error(self, saved, g):
        return g

    def send_back(self, parameters, saved, delta):
        return 2.0 * delta


def between(net):
    """The same network with a layer that doubles before its last one."""
    first, last = net.spec.layers
    layers = first, Double(first.n_out, first.n_out), last
    entries = net.parameters.layers[0], (), net.parameters.layers[1]
    return replace(net.spec, layers=layers), bpx.Parameters(entries)
