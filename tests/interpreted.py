"""numba's kernels as plain Python: their text is run, and nothing is compiled."""

import sys
from types import ModuleType
from unittest.mock import patch

import numpy as np

from bpx.program.contract import leaves
from bpx.program.fusion import can_fuse
from bpx_backends.engines.numpy import kernels as numba_kernels
from bpx_backends.engines.numpy import replay as engine
from bpx_backends.engines.numpy.bound import Fused, Loop
from bpx_backends.engines.numpy.expressions import SUPPORTED
from bpx_backends.engines.numpy.functions import FUNCTIONS, vectorized
from bpx_backends.engines.numpy.source import splits

BITS = "bpx_backends.engines.numpy.bits"
ADDRESSES = "bpx_backends.engines.numpy.addresses"
CALLED = [(name, dtype) for name in FUNCTIONS for dtype in ("float32", "float64")]


def interpreted(text):
    """The function of a source text, not compiled."""
    numba = ModuleType("numba")
    numba.njit = numba.cfunc = lambda *signature, **settings: lambda function: function
    scope = {}
    helpers = ModuleType("")
    helpers.__getattr__ = lambda name: lambda address: address
    with patch.dict(sys.modules, {"numba": numba, BITS: helpers, ADDRESSES: helpers}):
        exec(compile(text, "<kernel>", "exec"), scope)
    # Its own functions are for `engines/numpy/test_functions.py`.
    scope |= {vectorized(name, dtype): getattr(np, name) for name, dtype in CALLED}
    # Places and sizes are Python's numbers: those of NumPy may come to a float together.
    scope["uint64"] = int
    return lambda *block: scope["kernel"](tuple(map(_plain, block)))


def _plain(x):
    return x.tolist() if getattr(x, "dtype", None) == np.uint64 else x


def compiled(planned):
    """What the engine compiles, but interpreted; a kernel's loops are one function here.

    The driver refuses it, as where it lacks something, so that it is replayed step by step.
    """
    with patch.object(numba_kernels, "_function", interpreted):
        ready = numba_kernels.compiled(planned)
    kernels = {
        kernel: Fused((_together(fused.loops, splits(planned, kernel)),), 1, fused.flat)
        for kernel, fused in ready.kernels.items()
    }
    return ready._replace(kernels=kernels, drive=lambda *given: False)


def _together(loops, splits):
    """A kernel's loops as one, part by part; in any order, if they can run at once."""

    def run(part, parts, *arrays):
        assert (part, parts) == (0, 1)
        for each in (2, 0, 1) if splits else (0,):
            rest = iter(arrays)
            for loop in loops:
                given = [next(rest) for _ in loop.arguments]
                loop.function(each, 3 if splits else 1, *loop.fixed, *given)

    return Loop(run, (), tuple(v for loop in loops for v in loop.arguments))


def supported(op):
    return op.name in SUPPORTED and can_fuse(op)


def poisoned(shape, dtype):
    """Memory in which nothing is left of an earlier call: floats are NaN."""
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8)[...] = 0xFF
    return array


def replayed(ready, state, data, rows):
    with patch.object(engine, "empty", poisoned):
        return list(leaves(engine.replay(ready, state, data, rows, 0, len(rows))))
