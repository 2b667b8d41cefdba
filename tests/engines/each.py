"""Every engine, each with how near it must come to the plain loop in float64."""

from typing import NamedTuple

import pytest

import bpx
from bpx.program.contract import Scan
from tests.backends import Target

ENGINES = {
    "numpy": (Target.NUMPY, 1e-12),
    "numba": (Target.NUMPY, 1e-12),
    "torch": (Target.TORCH, 1e-12),
    "jax": (Target.JAX, 1e-9),
    "cupy": (Target.CUPY, 1e-9),
    "torch_cuda": (Target.TORCH_CUDA, 1e-9),
    "jax_cuda": (Target.JAX_CUDA, 1e-9),
}

BYTES = ("bool", "int8", "uint8")
"""What samples may be stored as, besides the parameters' dtype."""


class Engine(NamedTuple):
    """An engine under test, and how near it must come in float64."""

    target: Target
    within: float

    @property
    def scan(self) -> Scan:
        return bpx.arrays.registry.by_name(self.target.spec.partition(":")[0]).scan


def params(*names):
    marks = {name: [pytest.mark.gpu] * ENGINES[name][0].value.gpu for name in ENGINES}
    return [pytest.param(name, marks=marks[name]) for name in names or ENGINES]
