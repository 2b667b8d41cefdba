"""numba's kernels as plain Python: their text is run, and nothing is compiled."""

import sys
from functools import partial
from types import ModuleType
from unittest.mock import patch

import numpy as np

from bpx.program.contract import leaves
from bpx.program.fusion import can_fuse
from bpx_backends.engines.numpy import kernels as numba_kernels
from bpx_backends.engines.numpy import replay as engine
from bpx_backends.engines.numpy.expressions import SUPPORTED
from bpx_backends.engines.numpy.functions import FUNCTIONS, vectorized
from bpx_backends.engines.numpy.source import source

BITS = "bpx_backends.engines.numpy.bits"
ADDRESSES = "bpx_backends.engines.numpy.addresses"
CALLED = [(name, dtype) for name in FUNCTIONS for dtype in ("float32", "float64")]


def interpreted(text):
    """The function of a source text, not compiled."""
    numba = ModuleType("numba")
    numba.njit = numba.cfunc = lambda *signature, **settings: lambda function: function
    scope = {}
    helpers = ModuleType("")
    helpers.__getattr__ = lambda name: None
    with patch.dict(sys.modules, {"numba": numba, BITS: helpers, ADDRESSES: helpers}):
        exec(compile(text, "<kernel>", "exec"), scope)
    # Its own functions are for `engines/numpy/test_functions.py`.
    scope |= {vectorized(name, dtype): getattr(np, name) for name, dtype in CALLED}
    return scope["body"]


def in_parts(function, splits, part, parts, *arrays):
    """A kernel's parts one by one; if they can run at once, then in any order, too."""
    assert (part, parts) == (0, 1)
    for each in (2, 0, 1) if splits else (0,):
        function(each, 3 if splits else 1, *arrays)


def compiled(planned):
    """What the engine compiles, but interpreted."""
    ready, made = compiled_and_sources(planned)
    kernels = {
        kernel: each._replace(
            function=partial(in_parts, each.function, made[kernel].splits), parts=1
        )
        for kernel, each in ready.kernels.items()
    }
    return ready._replace(kernels=kernels, drive=None)


def compiled_and_sources(planned):
    made = {}

    def noted(plan, kernel):
        made[kernel] = source(plan, kernel)
        return made[kernel]

    with (
        patch.object(numba_kernels, "source", noted),
        patch.object(numba_kernels, "_function", interpreted),
    ):
        return numba_kernels.compiled(planned)._replace(drive=None), made


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
