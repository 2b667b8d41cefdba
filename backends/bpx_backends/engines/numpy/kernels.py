"""Kernels compiled by numba, which the NumPy engine runs if numba is installed.

numba's own threads are not used: two Python threads that enter them at once abort the process.
A kernel releases the GIL, and a large one is split into parts for threads that live as long as
the engine's call. Each nest of a kernel is a function of its own, which all layers share.
"""

from functools import lru_cache
from logging import getLogger
from time import perf_counter

import numpy as np

from bpx.program.fusion import Kernel, can_fuse
from bpx.program.operation import Operation
from bpx.program.plan import Plan
from bpx_backends.engines.numpy.bound import Compiled, Fused, Loop
from bpx_backends.engines.numpy.calls import address_of
from bpx_backends.engines.numpy.expressions import SUPPORTED
from bpx_backends.engines.numpy.native import Driver, NativeKernel, compilations
from bpx_backends.engines.numpy.replay import PART, prepare
from bpx_backends.engines.numpy.source import Source, sources, splits

__all__ = ["compiled", "fuses"]

_log = getLogger("bpx")

FEW = 128
"""The number of elements up to which powers, one by one, are as fast as another call."""


def fuses(op: Operation) -> bool:
    """Whether an operation can be part of a kernel."""
    slow = op.name == "pow" and op.result.size > FEW
    return op.name in SUPPORTED and not slow and can_fuse(op)


def compiled(plan: Plan) -> Compiled:
    """Return a plan with its kernels compiled."""
    began, before = perf_counter(), compilations()
    ready = prepare(plan, lambda kernel: _fused(plan, kernel))._replace(drive=Driver())
    told = perf_counter() - began, compilations() - before
    _log.info("the kernels of a step were ready in %.2f s: %d loops were compiled", *told)
    return ready


def _fused(plan: Plan, kernel: Kernel) -> Fused:
    found = sources(plan, kernel)
    parts = sum(v.nbytes for v in (*kernel.reads, *kernel.writes)) // PART
    parts = parts if parts > 1 and splits(plan, kernel) else 1
    return Fused(tuple(map(_loop, found)), parts, all(each.flat for each in found))


def _loop(source: Source) -> Loop:
    fixed = _fixed(source.sizes, source.numbers)
    where = tuple(map(address_of, fixed))
    return Loop(_function(source.text), fixed, source.arguments, where)


@lru_cache(maxsize=1024)
def _fixed(sizes: tuple[int, ...], numbers: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    return np.array(sizes, np.uint64), np.array(numbers, np.float64)


@lru_cache(maxsize=1024)
def _function(text: str) -> NativeKernel:
    return NativeKernel(text)
