"""The backends that the suites run on, as data: members become pytest parameters."""

from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

import bpx
from bpx.arrays.home import select
from bpx.arrays.registry import by_name


class Case(NamedTuple):
    """One way to run: a backend and device, compiled or not, on the bare standard or not."""

    spec: str
    compile: bool = True
    bare: bool = False  # boolean indexing and data-dependent shapes switched off
    gpu: bool = False


class Target(Enum):
    NUMPY = Case("numpy")
    STRICT = Case("strict")
    STRICT_DEVICE = Case("strict:device1")
    STRICT_BARE = Case("strict", bare=True)
    TORCH = Case("torch:cpu")
    JAX_EAGER = Case("jax:cpu", compile=False)
    JAX = Case("jax:cpu")
    CUPY = Case("cupy", gpu=True)
    TORCH_CUDA = Case("torch:cuda", gpu=True)
    JAX_CUDA = Case("jax:gpu", gpu=True)

    @property
    def spec(self) -> str:
        return self.value.spec

    def network(self, sizes: Any, **settings: Any) -> bpx.Network:
        return bpx.Network(sizes, backend=self.spec, **settings)

    def asarray(self, x: Any, dtype: str = "float32") -> Any:
        return bpx.asarray(np.asarray(x), backend=self.spec, dtype=dtype)


@cache
def problem(spec: str) -> str | None:
    """Why a backend cannot be used here; None if it computes."""
    try:
        home = select(spec, "float32")
        one = home.asarray([[1.0]])
        assert home.backend.to_host(one @ one)[0, 0] == 1.0
    except Exception as error:
        return f"{spec}: {error}"
    return None


def params(*, bare: bool = True) -> list[Any]:
    """One pytest parameter for each target, those on a GPU marked so."""
    return [
        pytest.param(target, id=target.name.lower(), marks=[pytest.mark.gpu] * target.value.gpu)
        for target in Target
        if bare or not target.value.bare
    ]


def available() -> list[Target]:
    """The targets that compute here, each backend and device once."""
    once = [t for t in Target if t.value.compile and not t.value.bare]
    return [target for target in once if problem(target.spec) is None]


def flags(target: Target) -> Any:
    """A context in which array-api-strict has the target's flags."""
    from contextlib import nullcontext

    if not target.value.bare:
        return nullcontext()
    strict = by_name("strict").xp
    return strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False)


def assert_at_home(x: Any, net: bpx.Network, dtype: str | None = None) -> None:
    """The array's library, device and dtype are the network's."""
    assert net.home.owns(x), (type(x), net.home)
    assert str(x.dtype).rpartition(".")[2] == (dtype or net.home.dtype)


def host(x: Any) -> Any:
    """An array of any library on the host, for comparing values."""
    return np.array(bpx.to_host(x))
